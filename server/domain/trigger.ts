import type { Run, RunCreate, RunRerun } from '../../contract/runs.ts'
import type { NewRun } from '../store/ports/runs.ts'
import type { Store } from '../store/ports/store.ts'
import type { Vault } from '../vault/vault.ts'
import type { Wake } from '../wake/wake.ts'
import { type Caller, requireSuite } from './caller.ts'
import type { NewId } from './ids.ts'
import { notSupported, Problem } from './problem.ts'
import type { RunPlan, runPlans } from './run-plan.ts'
import type { RunReader } from './run-reader.ts'
import { runView } from './run-view.ts'
import type { SuiteSecrets } from './suite-secrets.ts'

/** Starts runs. */
export interface Trigger {
  /** Queues a run, or answers the one that the same `Idempotency-Key` made (`replayed`). */
  start(caller: Caller, input: RunCreate, idempotencyKey: string | undefined): Promise<{ run: Run; replayed: boolean }>
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
  ): Promise<{ run: Run; replayed: boolean }> {
    const kept = plan.stored ? await options.secrets.values(caller.workspace, plan.suite, plan.definition.secrets) : {}
    const secrets = { ...kept, ...plan.secrets }
    const missing = plan.definition.secrets.filter((name) => !Object.hasOwn(secrets, name))
    if (missing.length > 0) {
      throw new Problem(
        'secret_missing',
        `The suite ${plan.suite} needs the secret${missing.length > 1 ? 's' : ''} ${missing.join(', ')}. Send ${missing.length > 1 ? 'them' : 'it'} with the run (verdict run --secret ${missing[0]})${plan.stored ? ` or keep it with the suite (verdict suites secret set ${plan.suite} ${missing[0]})` : ''}.`,
      )
    }
    if (!plan.stored)
      await store.suites.record(caller.workspace, plan.suite, options.newId('revision'), plan.source.repository)
    const key = await store.keys.get(caller.key)
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
      callbackUrl: null,
      variables: plan.variables,
      sealedSecrets:
        Object.keys(secrets).length === 0 ? null : vault.seal(JSON.stringify(secrets), `run-secrets/${id}`),
      labels: input.labels ?? [],
      rerunOf: plan.rerunOf,
      triggeredBy: { kind: 'key', id: caller.key, name: key?.name ?? 'unknown', userId: caller.user },
      ci: input.ci ?? {},
    }
    const meaning = [plan.asked, sorted(plan.variables), sorted(plan.secrets)]
    const made = await store.runs.create(run, {
      maxQueued: options.maxQueued,
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
    wake.publish('queue')
    return { run: runView(made.run, options.publicUrl), replayed: made.replayed }
  }

  return {
    async start(caller, input, idempotencyKey) {
      if (input.callbackUrl !== undefined) throw notSupported('The field "callbackUrl"')
      requireSuite(caller, input.suite)
      return queue(caller, await plans.of(caller, input), input, idempotencyKey)
    },
    async rerun(caller, id, input, idempotencyKey) {
      const old = await options.reader.record(caller, id)
      const plan = await plans.again(caller, old, input)
      const { labels, ci, queueTimeoutSeconds } = old
      return queue(caller, plan, { labels, ci, queueTimeoutSeconds, ...input }, idempotencyKey)
    },
  }
}

function sorted(values: Record<string, string>): [string, string][] {
  return Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1))
}
