import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import type { CommandSpec, OptionSpec } from '../cli/command.ts'
import { GLOBAL_OPTIONS } from '../cli/command.ts'
import { COMMANDS } from '../cli/commands.ts'
import { ERRORS } from '../contract/errors.ts'
import { DEFAULT_KEY_SCOPES, ROLE_SCOPES, ROLES, SCOPES, SERVER_SCOPES } from '../contract/scopes.ts'
import { SETTINGS } from '../server/settings.ts'
import { WORKER_SETTINGS } from '../worker/settings.ts'
import { packOrb } from './orb.ts'

const root = new URL('../', import.meta.url)

/** The parts of the documentation that repeat a table of the code: by file, by the name of the part. */
export function docsTables(): Record<string, Record<string, string>> {
  return {
    'docs/server.md': { settings: settings(SETTINGS) },
    'docs/workers.md': { settings: settings(WORKER_SETTINGS) },
    'docs/cli.md': { commands: commands() },
    'docs/keys.md': { scopes: scopes() },
    'docs/api.md': { errors: errors() },
    'docs/github-action.md': actionTables(),
    'docs/ci/circleci.md': { parameters: orbParameters() },
  }
}

interface OrbParameter {
  readonly type: string
  readonly default: unknown
  readonly description: string
}

/** Of the orb's job, which takes all that its commands take but for `install`. */
function orbParameters(): string {
  const { jobs, commands } = parse(packOrb()) as Record<
    'jobs' | 'commands',
    Record<string, { parameters: Record<string, OrbParameter> }>
  >
  const all = { ...jobs.test?.parameters, ...commands.test?.parameters }
  const shown = (value: unknown) => (value === '' ? '' : code(String(value)))
  const where = (name: string) =>
    Object.hasOwn(commands.test?.parameters ?? {}, name)
      ? Object.hasOwn(jobs.test?.parameters ?? {}, name)
        ? ''
        : ' Only of the command.'
      : ' Only of the job.'
  const rows = Object.entries(all).map(([name, one]) => [
    code(name),
    one.type,
    shown(one.default),
    prose(one.description) + where(name),
  ])
  return table(['Parameter', 'Type', 'Default', 'What'], rows)
}

/** The text with what stands between the marks of each part replaced. Throws for a mark that is not there. */
export function withTables(markdown: string, parts: Readonly<Record<string, string>>): string {
  return Object.entries(parts).reduce((text, [name, part]) => {
    const marked = new RegExp(`(<!-- table: ${name} -->\n)[\\s\\S]*?(<!-- end -->)`)
    if (!marked.test(text)) throw new Error(`there is no "<!-- table: ${name} -->" with an end`)
    return text.replace(marked, (_, begin: string, end: string) => `${begin}\n${part}\n\n${end}`)
  }, markdown)
}

function table(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(heading), line(heading.map(() => '---')), ...rows.map(line)].join('\n')
}

/** A description as Markdown: `<folder>` must not become a tag. */
function prose(text: string): string {
  return text.trim().replace(/\s+/g, ' ').replaceAll('<', '\\<')
}

function code(text: string): string {
  return `\`${text}\``
}

function settings(lines: Readonly<Record<string, { name: string; shown: string; help: string }>>): string {
  const rows = Object.values(lines).map(({ name, shown, help }) => [code(name), shown, prose(help)])
  return table(['Setting', 'Default', 'What'], rows)
}

function commands(): string {
  const everywhere = `### Everywhere\n\n${options(GLOBAL_OPTIONS)}`
  return [everywhere, ...COMMANDS.map(command)].join('\n\n')
}

function command({ name, arguments: args, summary, details, options: own = [], examples }: CommandSpec): string {
  const parts = [
    `### verdict ${name}`,
    `\`${['verdict', name, args].filter(Boolean).join(' ')}\`: ${summary}.${details === undefined ? '' : ` ${details}`}`,
    ...(own.length > 0 ? [options(own)] : []),
    `\`\`\`sh\n${examples.join('\n')}\n\`\`\``,
  ]
  return parts.join('\n\n')
}

function options(list: readonly OptionSpec[]): string {
  return table(
    ['Flag', 'What'],
    list.map(({ flags, description }) => [code(flags), prose(description)]),
  )
}

function scopes(): string {
  const rows = SCOPES.map((scope) => [
    code(scope),
    ...ROLES.map((role) => (ROLE_SCOPES[role].includes(scope) ? 'yes' : '')),
    SERVER_SCOPES.includes(scope) ? 'yes' : '',
    DEFAULT_KEY_SCOPES.includes(scope) ? 'yes' : '',
  ])
  return table(['Scope', ...ROLES, 'admin', 'a key by default'], rows)
}

function errors(): string {
  const rows = Object.entries(ERRORS).map(([name, { status, title }]) => [code(name), String(status), title])
  return table(['`code`', 'Status', 'Title'], rows)
}

interface ActionFile {
  readonly inputs: Record<string, { description: string; default?: string }>
  readonly outputs: Record<string, { description: string }>
}

/** action.yml, read. */
export function readAction(): ActionFile {
  return parse(readFileSync(new URL('action.yml', root), 'utf8')) as ActionFile
}

function actionTables(): Record<string, string> {
  const { inputs, outputs } = readAction()
  const input = Object.entries(inputs).map(([name, { description, default: preset }]) => [
    code(name),
    preset === undefined || preset === '' ? '' : code(preset),
    prose(description),
  ])
  return {
    inputs: table(['Input', 'Default', 'What'], input),
    outputs: table(
      ['Output', 'What'],
      Object.entries(outputs).map(([name, { description }]) => [code(name), prose(description)]),
    ),
  }
}
