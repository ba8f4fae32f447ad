import { randomBytes } from 'node:crypto'
import { OVERLAP_SECONDS_DEFAULT } from '../../contract/callback-kinds.ts'
import type { NewSecret, SecretRotate } from '../../contract/callbacks.ts'
import { isId } from '../../contract/ids.ts'
import { isReservedName } from '../../contract/names.ts'
import type { Page } from '../../contract/pages.ts'
import { makeSecret } from '../../contract/signature.ts'
import type { NewTrigger, Trigger, TriggerCreate, TriggerPatch } from '../../contract/triggers.ts'
import type { Cidr } from '../../egress/addresses.ts'
import { didYouMean } from '../../tree/near-names.ts'
import type { PageRequest } from '../store/ports/page.ts'
import type { Store } from '../store/ports/store.ts'
import type { SuiteRecord } from '../store/ports/suites.ts'
import type { TriggerChange, TriggerRecord } from '../store/ports/triggers.ts'
import type { Vault } from '../vault/vault.ts'
import { invalid, requireTarget } from './callback-input.ts'
import { type Caller, mayUseSuite, requireSuite } from './caller.ts'
import type { NewId } from './ids.ts'
import { pageOf } from './paging.ts'
import { Problem } from './problem.ts'
import type { Suites } from './suites.ts'
import { triggerContext } from './trigger-hooks.ts'

/** Addresses of ours that start runs when another system's webhook arrives. */
export interface Triggers {
  /** The answer is the only one that holds the secret. */
  create(caller: Caller, input: TriggerCreate): Promise<NewTrigger>
  get(caller: Caller, id: string): Promise<Trigger>
  list(caller: Caller, page: PageRequest): Promise<Page<Trigger>>
  update(caller: Caller, id: string, patch: TriggerPatch): Promise<Trigger>
  delete(caller: Caller, id: string): Promise<void>
  rotate(caller: Caller, id: string, input: SecretRotate): Promise<NewSecret>
}

export interface TriggersOptions {
  readonly store: Store
  readonly vault: Vault
  readonly suites: Suites
  readonly newId: NewId
  readonly now: () => number
  readonly publicUrl: string
  readonly allowed: readonly Cidr[]
}

const TRIGGERS_MAX = 100

export function triggers(options: TriggersOptions): Triggers {
  const { store, vault, newId, now } = options

  async function own(caller: Caller, id: string): Promise<TriggerRecord> {
    const trigger = isId('trigger', id) ? await store.triggers.get(id) : undefined
    if (trigger?.workspace === caller.workspace && mayUseSuite(caller, trigger.suite)) return trigger
    throw gone(id)
  }

  function check(kind: Trigger['kind'], suite: SuiteRecord | undefined, input: TriggerPatch): void {
    if (input.callbackUrl != null) requireTarget('callbackUrl', input.callbackUrl, options.allowed)
    for (const field of ['branches', 'repositories'] as const) {
      if (kind === 'standard' && input[field] != null)
        invalid(field, 'a webhook of the kind standard names none, so nothing would ever be run')
    }
    const declared = suite?.definition ? Object.keys(suite.definition.variables) : undefined
    for (const [name, value] of Object.entries(input.variables ?? {})) {
      if (isReservedName(name))
        throw new Problem('reserved_name', `The name ${name} is reserved: a run may not set it.`)
      if (declared && !declared.includes(name)) {
        const near = didYouMean(name, declared)
        throw new Problem('unknown_variable', `The suite ${suite?.name} does not declare the variable ${name}${near}.`)
      }
      if (typeof value !== 'string' && !/^(?:\/(?:[^~]|~[01])*)*$/.test(value.pointer))
        invalid(`variables/${name}`, `"${value.pointer}" is no JSON Pointer such as /release/tag`)
    }
  }

  const view = (record: TriggerRecord) => triggerView(record, options.publicUrl)

  return {
    async create(caller, input) {
      requireSuite(caller, input.suite)
      const suite = await options.suites.known(caller, input.suite)
      const source = suite.definition?.source ? 'git' : 'stored'
      checkSource(input, suite.name, source)
      check(input.kind, suite, input)
      const id = newId('trigger')
      const secret = makeSecret(randomBytes)
      const made = await store.triggers.create(
        {
          ...{ id, workspace: caller.workspace, suite: suite.name, kind: input.kind, source },
          events: input.events ?? null,
          branches: input.branches ?? null,
          repositories: input.repositories ?? null,
          forks: input.forks ?? false,
          variables: input.variables ?? {},
          callbackUrl: input.callbackUrl ?? null,
          description: input.description ?? null,
          secrets: [{ sealed: vault.seal(secret, triggerContext(id)), until: null }],
          disabled: false,
        },
        TRIGGERS_MAX,
      )
      if (made !== 'too_many') return { ...view(made), secret }
      const text = `The workspace has ${TRIGGERS_MAX} triggers, as many as are allowed. Delete one first (verdict triggers delete ID).`
      throw new Problem('too_many_triggers', text)
    },
    get: async (caller, id) => view(await own(caller, id)),
    async list(caller, page) {
      const records = await store.triggers.list(caller.workspace, { ...page, limit: page.limit + 1 })
      const { items, next } = pageOf(records, page.limit, (record) => record)
      return { items: items.filter(({ suite }) => mayUseSuite(caller, suite)).map(view), next }
    },
    async update(caller, id, patch) {
      const old = await own(caller, id)
      check(old.kind, await store.suites.get(old.workspace, old.suite), patch)
      const changed = await store.triggers.update(id, patch as TriggerChange)
      if (!changed) throw gone(id)
      return view(changed)
    },
    async delete(caller, id) {
      await own(caller, id)
      await store.triggers.delete(id)
    },
    async rotate(caller, id, input) {
      await own(caller, id)
      const secret = makeSecret(randomBytes)
      const until = now() + (input.overlapSeconds ?? OVERLAP_SECONDS_DEFAULT) * 1000
      if (!(await store.triggers.rotate(id, vault.seal(secret, triggerContext(id)), until))) throw gone(id)
      return { secret, oldSecretUntil: until > now() ? new Date(until).toISOString() : null }
    },
  }
}

function checkSource({ kind, source: asked }: TriggerCreate, suite: string, source: Trigger['source']): void {
  if (asked === 'git' && source !== 'git')
    invalid(
      'source',
      `the suite ${suite} was pushed without a source: give it one in verdict.yaml (source: { git: … })`,
    )
  if (asked === 'stored' && source === 'git')
    invalid('source', `the suite ${suite} was pushed with a source, so it has no stored files`)
  if (source === 'git' && kind === 'standard')
    invalid(
      'kind',
      `a webhook of the kind standard names no commit, and the suite ${suite} tests the commit it is told`,
    )
}

function gone(id: string): Problem {
  return new Problem('not_found', `There is no trigger ${id.slice(0, 40)} in this workspace.`)
}

function triggerView(record: TriggerRecord, publicUrl: string): Trigger {
  const { secrets: _secrets, workspace: _workspace, createdAt, updatedAt, ...shown } = record
  return {
    ...shown,
    url: `${publicUrl}/triggers/${record.id}`,
    createdAt: new Date(createdAt).toISOString(),
    updatedAt: new Date(updatedAt).toISOString(),
  }
}
