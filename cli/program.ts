import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { Command, CommanderError } from 'commander'
import { VERSION } from '../contract/version.ts'
import { WrongUseError } from '../gate/wrong-use.ts'
import { type CommandSpec, GLOBAL_OPTIONS, type GlobalOptions, type OptionSpec } from './command.ts'
import { COMMANDS, GROUPS } from './commands.ts'
import { errorObject, exitCodeOf, explain } from './errors.ts'
import type { Host } from './host.ts'
import { refuseKeys } from './key-guard.ts'
import { openOutput } from './output.ts'

const ABOUT = `Verdict runs a test suite on a server and fails the build exactly when the tests fail.

In a build: set VERDICT_URL and VERDICT_API_KEY, then \`verdict run\`.
On your own machine: \`verdict login\` once.`

const EXIT_CODES = `Exit codes:
  0  every suite passed          1  tests failed, or the suite is at fault
  2  wrong use                   3  not authorised
  4  the service gave no verdict 5  timed out
  6  cancelled by somebody else  130, 143  SIGINT, SIGTERM`

/** Runs one command line (without `node` and the script) and resolves with its exit code (wire 8). Never rejects. */
export async function runProgram(argv: readonly string[], host: Host): Promise<number> {
  // Looked for before the line is understood, since what is wrong with it is told as asked, too.
  const output = openOutput(host, beforeArguments(argv).includes('--json'))
  const command = argv.find((argument) => !argument.startsWith('-'))
  let spec = COMMANDS.find(({ name }) => name === command)
  try {
    refuseKeys(argv)
    let exitCode = 0
    const program = buildProgram(host, async (typed, args, options) => {
      spec = typed
      const directory = await workingFolder(host, options.directory)
      exitCode = await typed.act({ args, options, directory, host, output })
    })
    await program.parseAsync(argv, { from: 'user' })
    return exitCode
  } catch (error) {
    // What commander has to say, it has said by itself; help and version are no failures.
    const said = error instanceof CommanderError
    if (said && error.exitCode === 0) return 0
    const failure = said ? new WrongUseError(commanderMessage(error)) : error
    if (!said) host.stderr.write(`verdict: ${explain(failure)}\n`)
    if (output.json && !output.answered) output.result({ ...spec?.emptyAnswer, error: errorObject(failure) }, '')
    return exitCodeOf(failure)
  }
}

/** Behind `--` nothing is a flag. */
function beforeArguments(argv: readonly string[]): readonly string[] {
  const end = argv.indexOf('--')
  return end < 0 ? argv : argv.slice(0, end)
}

function commanderMessage({ code, message }: CommanderError): string {
  return code === 'commander.help' ? 'no command was given' : message.replace(/^error: /, '')
}

type Start = (spec: CommandSpec, args: readonly string[], options: GlobalOptions) => Promise<void>

function buildProgram(host: Host, start: Start): Command {
  const program = new Command('verdict')
    .description(ABOUT)
    .version(VERSION, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show help for a command')
    .helpCommand('help [command]', 'show help for a command')
    .addHelpText('after', `\n${EXIT_CODES}\n\nRun \`verdict help <command>\` for a command's flags and examples.`)
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => void host.stdout.write(text),
      writeErr: (text) => void host.stderr.write(text),
      getOutHelpWidth: () => Math.min(host.stdout.columns ?? 100, 120),
      getErrHelpWidth: () => Math.min(host.stderr.columns ?? 100, 120),
      outputError: (text, write) => write(text.replace(/^error:/, 'verdict:')),
    })
    .exitOverride()
  const now = host.clock.now()
  addOptions(program, GLOBAL_OPTIONS, now)
  for (const spec of COMMANDS) addCommand(program, spec, start, now)
  return program
}

function addCommand(program: Command, spec: CommandSpec, start: Start, now: number): void {
  const path = spec.name.split(' ')
  const command = groupOf(program, path.slice(0, -1))
    .command([path.at(-1), spec.arguments].filter(Boolean).join(' '))
    .summary(spec.summary)
    .description([capital(`${spec.summary}.`), spec.details].filter(Boolean).join('\n\n'))
    .addHelpText('after', `\nExamples:\n${spec.examples.map((example) => `  ${example}`).join('\n')}`)
    .showHelpAfterError(`(\`verdict help ${spec.name}\` shows its flags and examples)`)
    .action(async () => {
      const args = (command.processedArgs as unknown[]).flat().filter((argument) => argument !== undefined)
      await start(spec, args as string[], command.optsWithGlobals())
    })
  addOptions(command, spec.options ?? [], now)
}

function groupOf(program: Command, path: readonly string[]): Command {
  let group = program
  for (const [depth, name] of path.entries()) {
    const found = group.commands.find((command) => command.name() === name)
    const about = GROUPS[path.slice(0, depth + 1).join(' ')] ?? ''
    group =
      found ??
      group
        .command(name)
        .summary(about)
        .description(capital(`${about}.`))
  }
  return group
}

function addOptions(command: Command, options: readonly OptionSpec[], now: number): void {
  for (const { flags, description, parse } of options) {
    if (parse) command.option(flags, description, (value, before) => parse(value, before, now))
    else command.option(flags, description)
  }
}

async function workingFolder(host: Host, directory: string | undefined): Promise<string> {
  if (directory === undefined) return host.cwd
  const path = resolve(host.cwd, directory)
  const found = await stat(path).catch(() => undefined)
  if (!found?.isDirectory()) throw new WrongUseError(`--directory ${directory}: there is no such folder`)
  return path
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
