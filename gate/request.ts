import type { Random } from '../client/index.ts'
import type { RunCreate } from '../contract/runs.ts'
import type { BuildFacts } from './ci-facts.ts'
import { declaredNames, type PlannedSuite, runLimitSeconds } from './planned-suite.ts'
import { WrongUseError } from './wrong-use.ts'

/** How the chosen suites are to be run. */
export interface RunSettings {
  readonly wait: boolean
  readonly variables: Readonly<Record<string, string>>
  /** With their values. */
  readonly secrets: Readonly<Record<string, string>>
  /** The runs' own limit. */
  readonly timeoutSeconds?: number
  /** The client's limit; default: queue time + the run's limit + 1 min. */
  readonly waitTimeoutSeconds?: number
  readonly callbackUrl?: string
  readonly labels: readonly string[]
  readonly idempotencyKey?: string
}

/** One suite, ready to be sent. */
export interface RunRequest {
  readonly planned: PlannedSuite
  readonly body: RunCreate
  readonly idempotencyKey: string
  /** How long the client waits for the verdict, milliseconds. */
  readonly limitMs: number
}

/** A run whose client has been away so long is cancelled (wire 5). */
const ABANDON_AFTER_SECONDS = 120
/** What a run waits for a worker at most, unless the operator says otherwise (wire 9). */
const QUEUE_TIMEOUT_SECONDS = 3600
const GRACE_SECONDS = 60
const LONGEST_TIMEOUT_SECONDS = 86_400
const MOST_LABELS = 20
const LONGEST_LABEL = 200
const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,255}$/

/** How long a client waits by default for a run whose own limit is `runLimitSeconds`, milliseconds (wire 8). */
export function waitLimitMs(limits: { runLimitSeconds: number; waitTimeoutSeconds?: number }): number {
  return (limits.waitTimeoutSeconds ?? QUEUE_TIMEOUT_SECONDS + limits.runLimitSeconds + GRACE_SECONDS) * 1000
}

/**
 * The requests for the planned suites. Variables and secrets go to the suites that declare them. Throws a WrongUseError for
 * what no server would take, so that nothing is started before all is known to be right.
 */
export function runRequests(
  suites: readonly PlannedSuite[],
  settings: RunSettings,
  facts: BuildFacts,
  random: Random,
): RunRequest[] {
  check(settings)
  checkDeclared('variable', Object.keys(settings.variables), suites)
  checkDeclared('secret', Object.keys(settings.secrets), suites)
  for (const suite of suites) checkSecretsSent(suite, settings)
  return suites.map((planned) => {
    const idempotencyKey =
      settings.idempotencyKey === undefined ? random.uuid() : `${settings.idempotencyKey}/${planned.name}`
    if (!IDEMPOTENCY_KEY.test(idempotencyKey)) throw badIdempotencyKey(planned.name)
    const { waitTimeoutSeconds } = settings
    const limitMs = waitLimitMs({
      runLimitSeconds: settings.timeoutSeconds ?? runLimitSeconds(planned),
      waitTimeoutSeconds,
    })
    return { planned, body: bodyOf(planned, settings, facts), idempotencyKey, limitMs }
  })
}

/** What is not used is left out: a server that does not know a field refuses it (wire 2). */
function bodyOf(planned: PlannedSuite, settings: RunSettings, { ci, source }: BuildFacts): RunCreate {
  const declared = declaredNames(planned)
  const variables = only(settings.variables, declared?.variables)
  const secrets = only(settings.secrets, declared?.secrets)
  return {
    suite: planned.name,
    ...(planned.from === 'tree' && { definition: planned.definition, source }),
    ...(planned.from === 'stored' && planned.stored?.definition?.source && { source }),
    ...(Object.keys(variables).length > 0 && { variables }),
    ...(Object.keys(secrets).length > 0 && { secrets }),
    ...(settings.timeoutSeconds !== undefined && { timeoutSeconds: settings.timeoutSeconds }),
    ...(settings.wait && { abandonAfterSeconds: ABANDON_AFTER_SECONDS }),
    ...(settings.callbackUrl !== undefined && { callbackUrl: settings.callbackUrl }),
    ...(settings.labels.length > 0 && { labels: [...settings.labels] }),
    ...(Object.keys(ci).length > 0 && { ci }),
  }
}

function only(values: Readonly<Record<string, string>>, names: readonly string[] | undefined): Record<string, string> {
  return Object.fromEntries(Object.entries(values).filter(([name]) => names === undefined || names.includes(name)))
}

function check({ timeoutSeconds, labels }: RunSettings): void {
  if (timeoutSeconds !== undefined && (timeoutSeconds < 1 || timeoutSeconds > LONGEST_TIMEOUT_SECONDS)) {
    throw new WrongUseError(`A run's limit is between 1 s and 24 h, not ${timeoutSeconds} s`)
  }
  if (labels.length > MOST_LABELS) throw new WrongUseError(`A run takes ${MOST_LABELS} labels, not ${labels.length}`)
  const wrong = labels.find((label) => label === '' || label.length > LONGEST_LABEL)
  if (wrong !== undefined)
    throw new WrongUseError(`A label has 1 to ${LONGEST_LABEL} characters: ${JSON.stringify(wrong)}`)
}

function checkDeclared(kind: 'variable' | 'secret', names: readonly string[], suites: readonly PlannedSuite[]): void {
  const declared = suites.map(declaredNames)
  if (declared.includes(undefined)) return
  const field = kind === 'variable' ? 'variables' : 'secrets'
  const known = new Set(declared.flatMap((one) => one?.[field] ?? []))
  const unknown = names.filter((name) => !known.has(name))
  if (unknown.length === 0) return
  const which = suites.map(({ name }) => name).join(', ')
  const has = known.size === 0 ? 'none is declared' : `declared are ${[...known].join(', ')}`
  throw new WrongUseError(
    `No suite of this call (${which}) declares the ${kind} ${unknown.join(', ')}: ${has}; write it under "${field}" of the suite in verdict.yaml`,
  )
}

/** A run that brings its own definition gets none of the stored secrets (wire 3). */
function checkSecretsSent(suite: PlannedSuite, { secrets }: RunSettings): void {
  if (suite.from !== 'tree') return
  const missing = (suite.definition.secrets ?? []).filter((name) => secrets[name] === undefined)
  if (missing.length === 0) return
  throw new WrongUseError(
    `Suite ${suite.name} needs the secret ${missing.join(', ')}: put the value into an environment variable of that name and pass the name (CLI: --secret ${missing[0]}; Action: \`secrets: ${missing[0]}\`). Stored secrets are only for suites that run as stored (--stored)`,
  )
}

function badIdempotencyKey(suite: string): WrongUseError {
  return new WrongUseError(
    `The idempotency key with "/${suite}" after it must be 1 to 255 visible ASCII characters without spaces`,
  )
}
