import type { Run, RunCreate, RunRerun, TriggeredBy } from '../../contract/runs.ts'
import type { Cidr } from '../../egress/addresses.ts'
import type { NewRun } from '../store/ports/runs.ts'
import type { Store } from '../store/ports/store.ts'
import type { Vault } from '../vault/vault.ts'
import type { Wake } from '../wake/wake.ts'
import { requireTarget } from './callback-input.ts'
import { type Caller, requireSuite } from './caller.ts'
import type { NewId } from './ids.ts'
import { Problem } from './problem.ts'
import type { RunPlan, runPlans } from './run-plan.ts'
import type { RunReader } from './run-reader.ts'
import { runView } from './run-view.ts'
import type { SuiteSecrets } from './suite-secrets.ts'

/** Starts runs. */
export interface Trigger {
  /** Queues a run, or answers the one that the same `Idempotency-Key` made (`replayed`). */
  start(
    caller: Caller,
    input: RunCreate,
    idempotencyKey: string | undefined,
    /** Who is said to have started it; default: the caller's key. */
    by?: TriggeredBy,
  ): Promise<{ run: Run; replayed: boolean }>
  /** A new run of the same definition, archive and variables. */
  rerun(
    caller: Caller,
    id: string,
    input: RunRerun,
    idempotencyKey: string | undefined,
  ): Promise<{ run: Run; replayed: boolean }>
}

export interface TriggerOptions {
  readonly store: Store
  readonly vault: Vault
  readonly wake: Wake
  readonly plans: ReturnType<typeof runPlans>
  readonly secrets: SuiteSecrets
  readonly reader: RunReader
  readonly newId: NewId
  readonly publicUrl: string
  /** Private networks that a callbackUrl may name all the same. */
  readonly allowed: readonly Cidr[]
  readonly maxQueued: number
  readonly queueTimeoutSeconds: number
}

export function trigger(options: TriggerOptions): Trigger {
  const { store, vault, wake, plans } = options

  async function queue(
    caller: Caller,
    plan: RunPlan,
    input: Partial<RunCreate>,
    idempotencyKey: string | undefined,
    by?: TriggeredBy,
  ): Promise<{ run: Run; replayed: boolean }> {
    const credential = plan.definition.source?.credential
    const needed = [...plan.definition.secrets, ...(credential == null ? [] : [credential])]
    const kept = plan.stored ? await options.secrets.values(caller.workspace, plan.suite, needed) : {}
    const secrets = { ...kept, ...plan.secrets }
    const missing = needed.filter((name) => !Object.hasOwn(secrets, name))
    if (missing.length > 0) {
      throw new Problem('secret_missing', missingText(plan, missing, credential))
    }
    if (!plan.stored)
      await store.suites.record(caller.workspace, plan.suite, options.newId('revision'), plan.source.repository)
    const { runsPerDay: maxPerDay } = caller
    const id = options.newId('run')
    const run: NewRun = {
      id,
      workspace: caller.workspace,
      suite: plan.suite,
      revision: plan.revision,
      definition: plan.definition,
      source: plan.source,
      timeoutSeconds: plan.timeoutSeconds,
      queueTimeoutSeconds: input.queueTimeoutSeconds ?? options.queueTimeoutSeconds,
      abandonAfterSeconds: input.abandonAfterSeconds ?? null,
      callbackUrl: input.callbackUrl ?? null,
      variables: plan.variables,
      sealedSecrets:
        Object.keys(secrets).length === 0 ? null : vault.seal(JSON.stringify(secrets), `run-secrets/${id}`),
      labels: input.labels ?? [],
      rerunOf: plan.rerunOf,
      triggeredBy: by ?? { kind: 'key', id: caller.key, name: caller.keyName, userId: caller.user },
      ci: input.ci ?? {},
    }
    const meaning = [plan.asked, sorted(plan.variables), sorted(plan.secrets)]
    const made = await store.runs.create(run, {
      maxQueued: options.maxQueued,
      maxPerDay,
      ...(idempotencyKey === undefined
        ? {}
        : { idempotency: { key: idempotencyKey, meaning: vault.mac(JSON.stringify(meaning)) } }),
    })
    if (made === 'idempotency_key_reused') {
      throw new Problem(
        'idempotency_key_reused',
        `The Idempotency-Key ${idempotencyKey} was used for another run within 24 hours (other suite, files, variables, secrets or timeout). Use a new one.`,
      )
    }
    if (made === 'queue_full') {
      throw new Problem(
        'queue_full',
        `The workspace has ${options.maxQueued} queued runs, as many as are allowed. Try again when some have run.`,
        { retryAfter: 30 },
      )
    }
    if (made === 'user_quota') {
      throw new Problem(
        'user_quota',
        `The user has started ${maxPerDay} runs today (UTC), as many as are allowed. Try again tomorrow, or ask the operator for more.`,
        { retryAfter: 3600 },
      )
    }
    wake.publish('queue')
    return { run: runView(made.run, options.publicUrl), replayed: made.replayed }
  }

  return {
    async start(caller, input, idempotencyKey, by) {
      if (input.callbackUrl !== undefined) requireTarget('callbackUrl', input.callbackUrl, options.allowed)
      requireSuite(caller, input.suite)
      return queue(caller, await plans.of(caller, input), input, idempotencyKey, by)
    },
    async rerun(caller, id, input, idempotencyKey) {
      const old = await options.reader.record(caller, id)
      const plan = await plans.again(caller, old, input)
      const { labels, ci, queueTimeoutSeconds, callbackUrl } = old
      const kept = { labels, ci, queueTimeoutSeconds, ...(callbackUrl === null ? {} : { callbackUrl }) }
      return queue(caller, plan, { ...kept, ...input }, idempotencyKey)
    },
  }
}

function missingText({ suite, stored }: RunPlan, missing: readonly string[], credential?: string | null): string {
  const [first] = missing
  const keep = `verdict suites secret set ${suite} ${first}`
  if (first === credential)
    return `The suite ${suite} needs ${first} to fetch its source. Keep it with the suite (${keep}).`
  const many = missing.length > 1
  const send = `Send ${many ? 'them' : 'it'} with the run (verdict run --secret ${first})`
  const or = stored ? ` or keep it with the suite (${keep})` : ''
  return `The suite ${suite} needs the secret${many ? 's' : ''} ${missing.join(', ')}. ${send}${or}.`
}

function sorted(values: Record<string, string>): [string, string][] {
  return Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1))
}
