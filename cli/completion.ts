import { WrongUseError } from '../gate/wrong-use.ts'
import { type CommandSpec, GLOBAL_OPTIONS, type OptionSpec } from './command.ts'

/** What may stand after a command: its subcommands, and its flags with what they are for. */
interface Level {
  /** The words that lead here, each with a blank before it: ` suites push`; '' for the program alone. */
  readonly at: string
  readonly words: readonly { readonly word: string; readonly about: string }[]
  readonly flags: readonly { readonly word: string; readonly about: string; readonly takesValue: boolean }[]
}

const SHELLS: Readonly<Record<string, (levels: readonly Level[]) => string>> = { bash, zsh, fish }

/** The command that prints completions of `commands`, which is asked for late: it holds this very command. */
export function completion(commands: () => readonly CommandSpec[]): CommandSpec {
  return {
    name: 'completion',
    arguments: '<shell>',
    summary: `print what ${Object.keys(SHELLS).join(', ')} need to complete commands and flags`,
    details: 'Load it in the start file of your shell, or keep it where the shell looks for completions.',
    examples: [
      'source <(verdict completion bash)',
      'verdict completion zsh > ~/.zfunc/_verdict',
      'verdict completion fish > ~/.config/fish/completions/verdict.fish',
    ],
    async act({ args, output }) {
      const [shell = ''] = args
      const script = Object.hasOwn(SHELLS, shell) ? SHELLS[shell] : undefined
      if (!script)
        throw new WrongUseError(
          `there is no completion for ${JSON.stringify(shell)}; there is for ${Object.keys(SHELLS).join(', ')}`,
        )
      const text = script(levelsOf(commands()))
      output.result({ shell, script: text }, text)
      return 0
    },
  }
}

function levelsOf(commands: readonly CommandSpec[]): Level[] {
  const groups = new Set(['', ...commands.flatMap(({ name }) => prefixes(name.split(' ')))])
  const below = (at: string) => {
    const found = new Map<string, string>()
    for (const { name, summary } of commands.filter(({ name }) => ` ${name}`.startsWith(`${at} `))) {
      const [word = '', ...more] = ` ${name}`.slice(at.length + 1).split(' ')
      if (!found.has(word)) found.set(word, more.length === 0 ? summary : `${word} …`)
    }
    return [...found].map(([word, about]) => ({ word, about }))
  }
  return [
    ...[...groups].map((at) => ({ at, words: below(at), flags: flagsOf(GLOBAL_OPTIONS) })),
    ...commands.map(({ name, options = [] }) => ({
      at: ` ${name}`,
      words: [],
      flags: flagsOf([...options, ...GLOBAL_OPTIONS]),
    })),
  ]
}

/** The groups that a command is in: ` suites` and ` suites secret` of `suites secret set`. */
function prefixes(path: readonly string[]): string[] {
  return path.slice(0, -1).map((_, depth) => ` ${path.slice(0, depth + 1).join(' ')}`)
}

function flagsOf(options: readonly OptionSpec[]): Level['flags'] {
  return options.flatMap(({ flags, description }) => {
    const word = /--[a-z-]+/.exec(flags)?.[0]
    return word === undefined ? [] : [{ word, about: description, takesValue: flags.includes('<') }]
  })
}

/** As a shell word: nothing in it means anything. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}

/** The words that lead somewhere, as the patterns of a `case`. */
function steps(levels: readonly Level[]): string {
  return levels
    .filter(({ at }) => at !== '')
    .map(({ at }) => quoted(at))
    .join(' | ')
}

function bash(levels: readonly Level[]): string {
  const cases = levels.map(
    ({ at, words, flags }) =>
      `    ${quoted(at)}) words=${quoted([...words, ...flags].map(({ word }) => word).join(' '))} ;;`,
  )
  return `# bash completion of verdict
_verdict() {
  local at='' words='' i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$at \${COMP_WORDS[i]}" in
      ${steps(levels)}) at="$at \${COMP_WORDS[i]}" ;;
    esac
  done
  case "$at" in
${cases.join('\n')}
  esac
  # shellcheck disable=SC2207 # words without blanks; macOS's bash has no mapfile
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _verdict verdict`
}

function zsh(levels: readonly Level[]): string {
  // A colon parts a word from what it is for.
  const entry = ({ word, about }: { word: string; about: string }) => quoted(`${word}:${about.replaceAll(':', '\\:')}`)
  const cases = levels.map(
    ({ at, words, flags }) => `    ${quoted(at)}) candidates=(${[...words, ...flags].map(entry).join(' ')}) ;;`,
  )
  return `#compdef verdict
_verdict() {
  local at='' word
  local -a candidates
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "$at $word" in
      ${steps(levels)}) at="$at $word" ;;
    esac
  done
  case "$at" in
${cases.join('\n')}
  esac
  _describe verdict candidates || _files
}
if [ "\${funcstack[1]}" = _verdict ]; then _verdict "$@"; else compdef _verdict verdict; fi`
}

function fish(levels: readonly Level[]): string {
  const text = (value: string) => `'${value.replace(/[\\']/g, '\\$&')}'`
  const lines = levels.flatMap(({ at, words, flags }) => {
    const here = `complete -c verdict -n ${text(`__verdict_at ${text(at)}`)}`
    return [
      ...words.map(({ word, about }) => `${here} -f -a ${word} -d ${text(about)}`),
      ...flags.map(
        ({ word, about, takesValue }) => `${here} -l ${word.slice(2)}${takesValue ? ' -r' : ''} -d ${text(about)}`,
      ),
    ]
  })
  const known = levels.flatMap(({ at }) => (at === '' ? [] : [text(at)]))
  return `# fish completion of verdict
function __verdict_at
  set -l at ''
  for word in (commandline -opc)[2..-1]
    switch "$at $word"
      case ${known.join(' ')}
        set at "$at $word"
    end
  end
  test "$at" = "$argv[1]"
end
${lines.join('\n')}`
}
