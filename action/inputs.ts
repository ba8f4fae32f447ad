import { isReservedName, VARIABLE_NAME } from '../contract/names.ts'
import type { Environment } from '../gate/ci-facts.ts'
import { DURATION_FORM, parseDuration } from '../tree/duration.ts'

/** The inputs of action.yml, checked. Paths are as they were written, relative to `workingDirectory`. */
export interface Inputs {
  readonly url: string
  readonly apiKey: string
  readonly suites: readonly string[]
  readonly stored: boolean
  readonly variables: Readonly<Record<string, string>>
  /** With their values. */
  readonly secrets: Readonly<Record<string, string>>
  readonly wait: boolean
  readonly timeoutSeconds: number | undefined
  readonly waitTimeoutSeconds: number | undefined
  readonly callbackUrl: string | undefined
  readonly labels: readonly string[]
  readonly junitFile: string | undefined
  readonly artifactsDir: string | undefined
  readonly summary: boolean
  readonly annotations: boolean
  readonly failOnFailure: boolean
  readonly workingDirectory: string
  readonly idempotencyKey: string | undefined
}

/** Everything that is wrong with the inputs, at once. Values stay out of the message: they may be secrets. */
export class InputsError extends Error {
  override readonly name = 'InputsError'
}

export type ReadInput = (name: string) => string

/** Server and key: the inputs, else VERDICT_URL and VERDICT_API_KEY of the step's environment. Empty when not given. */
export function readServer(read: ReadInput, env: Environment): { url: string; apiKey: string } {
  const either = (input: string, variable: string) => read(input).trim() || (env[variable] ?? '').trim()
  return { url: either('url', 'VERDICT_URL'), apiKey: either('api-key', 'VERDICT_API_KEY') }
}

/**
 * Reads and checks all inputs. `missingKey` is what to say when there is no key. Throws an {@link InputsError} that names
 * each input that is wrong and what it takes.
 */
export function parseInputs(read: ReadInput, env: Environment, missingKey: string): Inputs {
  const problems: string[] = []
  const { url, apiKey } = readServer(read, env)
  if (url === '') problems.push('no `url`: give the address of your Verdict server, as https://verdict.example.com')
  if (apiKey === '') problems.push(missingKey)

  const text = (name: string) => read(name).trim() || undefined
  const list = (name: string) =>
    read(name)
      .split(/[\n,]/)
      .map((item) => item.trim())
      .filter((item) => item !== '')
  const flag = (name: string, byDefault: boolean) => {
    const value = read(name).trim().toLowerCase()
    if (value === '') return byDefault
    if (value !== 'true' && value !== 'false') problems.push(`\`${name}\` is neither true nor false`)
    return value === 'true'
  }
  const seconds = (name: string) => {
    const value = text(name)
    const parsed = value === undefined ? undefined : parseDuration(value)
    if (value !== undefined && parsed === undefined) problems.push(`\`${name}\` is not ${DURATION_FORM}`)
    return parsed
  }

  const inputs: Inputs = {
    url,
    apiKey,
    suites: list('suites'),
    stored: flag('stored', false),
    variables: readVariables(read('variables'), problems),
    secrets: readSecrets(list('secrets'), env, problems),
    wait: flag('wait', true),
    timeoutSeconds: seconds('timeout'),
    waitTimeoutSeconds: seconds('wait-timeout'),
    callbackUrl: text('callback-url'),
    labels: list('labels'),
    junitFile: text('junit-file'),
    artifactsDir: text('artifacts-dir'),
    summary: flag('summary', true),
    annotations: flag('annotations', true),
    failOnFailure: flag('fail-on-failure', true),
    workingDirectory: text('working-directory') ?? '.',
    idempotencyKey: text('idempotency-key'),
  }
  if (!inputs.wait) {
    for (const name of ['junit-file', 'artifacts-dir', 'wait-timeout'].filter((name) => text(name) !== undefined)) {
      problems.push(
        `\`${name}\` is of no use with \`wait: false\`, which leaves before there are results: remove one of them`,
      )
    }
  }
  if (problems.length > 0) throw new InputsError(problems.join('\n'))
  return inputs
}

/** Lines `KEY=value`; the value is all after the first `=`, so it may hold commas and `=`. */
function readVariables(text: string, problems: string[]): Record<string, string> {
  const variables = new Map<string, string>()
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '') continue
    const equals = line.indexOf('=')
    const name = line.slice(0, Math.max(0, equals)).trim()
    const place = `line ${index + 1} of \`variables\``
    if (equals < 0) problems.push(`${place} is not KEY=value`)
    else if (!VARIABLE_NAME.test(name)) problems.push(`${place} does not begin with a name of letters, digits and _`)
    else if (isReservedName(name)) problems.push(`${place} sets ${name}, which is reserved: choose another name`)
    else if (variables.has(name)) problems.push(`${place} sets ${name} a second time`)
    else variables.set(name, line.slice(equals + 1))
  }
  return Object.fromEntries(variables)
}

function readSecrets(names: readonly string[], env: Environment, problems: string[]): Record<string, string> {
  const secrets: Record<string, string> = {}
  for (const name of new Set(names)) {
    const value = VARIABLE_NAME.test(name) ? env[name] : undefined
    if (!VARIABLE_NAME.test(name)) {
      problems.push(
        '`secrets` takes names of environment variables of the step, never values: one of them is no such name',
      )
    } else if (value) secrets[name] = value
    else {
      const why = value === undefined ? 'the step has no such variable' : 'the variable is empty'
      problems.push(
        `secret ${name}: ${why}: add \`env: { ${name}: \${{ secrets.${name} }} }\` to the step, and the secret to the repository`,
      )
    }
  }
  return secrets
}
