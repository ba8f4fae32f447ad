import { parse } from 'yaml'
import { type Parameters, parameterValues, substituted, type Values } from './orb-parameters.ts'

// Our model of what CircleCI makes of a config and an orb: no tool of its makers can be had without its service.

interface Part {
  readonly parameters?: Parameters
  readonly steps?: readonly unknown[]
  readonly executor?: unknown
  readonly docker?: readonly unknown[]
  readonly environment?: Values
  readonly description?: string
}
export interface Orb {
  readonly version: unknown
  readonly description: string
  readonly display: { readonly source_url?: string; readonly home_url?: string }
  readonly commands: Readonly<Record<string, Part>>
  readonly jobs: Readonly<Record<string, Part>>
  readonly executors: Readonly<Record<string, Part>>
  readonly examples: Readonly<Record<string, { readonly description?: string; readonly usage: Config }>>
}
export interface Config {
  readonly version: unknown
  readonly orbs?: Readonly<Record<string, unknown>>
  readonly jobs?: Readonly<Record<string, Part>>
  readonly workflows: Readonly<Record<string, { readonly jobs: readonly unknown[] }>>
}

/** One step that is left when everything is expanded: its kind, and what it is given. */
export interface Step {
  readonly kind: string
  readonly given: Readonly<Record<string, unknown>>
}
export interface Job {
  readonly docker: readonly unknown[]
  readonly environment: Values
  readonly steps: readonly Step[]
}

const BUILTIN = ['run', 'checkout', 'restore_cache', 'save_cache', 'store_test_results', 'store_artifacts']

export const readOrb = (text: string): Orb => parse(text)
export const readConfig = (text: string): Config => parse(text)

/** The config with the orb itself in the place of its name and version. */
export function inlined(config: Config, orb: Orb): Config {
  const { examples: _, display: __, ...inline } = orb
  return { ...config, orbs: Object.fromEntries(Object.keys(config.orbs ?? {}).map((name) => [name, inline])) }
}

/** The jobs of a config by their names in its workflows. `name` is the one under which the config has the orb. */
export function expandedJobs(config: Config, orb: Orb): Readonly<Record<string, Job>> {
  const [name = ''] = Object.keys(config.orbs ?? {})
  const jobs: Record<string, Job> = {}
  for (const workflow of Object.values(config.workflows)) {
    for (const entry of workflow.jobs) {
      const [called, { context: _, requires: __, name: alias, filters: ___, ...given }] = callOf(entry)
      const own = config.jobs?.[called]
      const job = own ?? orb.jobs[orbName(called, name) ?? '']
      if (job === undefined) throw new Error(`the workflow calls the job ${called}, which is nowhere`)
      jobs[String(alias ?? called)] = expandedJob(job, given, called, { orb, name, inside: own === undefined })
    }
  }
  return jobs
}

interface Scope {
  readonly orb: Orb
  /** The orb's name in the config. */
  readonly name: string
  /** Whether the steps are the orb's own, which call its commands without its name. */
  readonly inside: boolean
}

function expandedJob(job: Part, given: Values, place: string, scope: Scope): Job {
  const values = parameterValues(job.parameters, given, place)
  const { steps = [], executor, docker, environment = {} } = substituted(job, { ...values }, place) as Part
  const image = executor === undefined ? { docker, environment: {} } : executorOf(executor, place, scope)
  return {
    docker: image.docker ?? [],
    environment: { ...image.environment, ...environment },
    steps: expandedSteps(steps, place, scope),
  }
}

function executorOf(given: unknown, place: string, { orb, name, inside }: Scope): Part {
  const { name: called, ...values } = typeof given === 'string' ? { name: given } : (given as { name: string })
  const executor = orb.executors[(inside ? called : orbName(called, name)) ?? '']
  if (executor === undefined) throw new Error(`${place}: there is no executor ${called}`)
  return substituted(executor, parameterValues(executor.parameters, values, called), called) as Part
}

function expandedSteps(steps: readonly unknown[], place: string, scope: Scope): Step[] {
  return steps.flatMap((step): Step[] => {
    const [kind, given] = callOf(step)
    if (kind === 'when' || kind === 'unless') {
      const { condition, steps: inner } = given as { condition: unknown; steps: unknown[] }
      return isTrue(condition) === (kind === 'when') ? expandedSteps(inner, place, scope) : []
    }
    if (BUILTIN.includes(kind)) return [{ kind, given }]
    const called = scope.inside ? kind : orbName(kind, scope.name)
    const command = called === undefined ? undefined : scope.orb.commands[called]
    if (command === undefined) throw new Error(`${place}: there is no step or command ${kind}`)
    const values = parameterValues(command.parameters, given, kind)
    const inner = substituted(command.steps, values, kind) as unknown[]
    return expandedSteps(inner, kind, { ...scope, inside: true })
  })
}

/** `checkout`, or `{ run: … }`; a run may be given as its command alone. */
function callOf(step: unknown): [kind: string, given: Readonly<Record<string, unknown>>] {
  if (typeof step === 'string') return [step, {}]
  const [[kind, given] = ['', {}]] = Object.entries(step as Record<string, unknown>)
  return [kind, typeof given === 'string' ? { command: given } : ((given ?? {}) as Record<string, unknown>)]
}

function orbName(called: string, name: string): string | undefined {
  return called.startsWith(`${name}/`) ? called.slice(name.length + 1) : undefined
}

/** What CircleCI takes for false: false, null, 0, an empty text. */
function isTrue(condition: unknown): boolean {
  return condition !== false && condition !== null && condition !== 0 && condition !== ''
}
