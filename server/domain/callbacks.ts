import { randomBytes } from 'node:crypto'
import { CALLBACKS_PER_WORKSPACE, OVERLAP_SECONDS_DEFAULT } from '../../contract/callback-kinds.ts'
import type {
  Callback,
  CallbackCreate,
  CallbackPatch,
  NewCallback,
  NewSecret,
  SecretRotate,
} from '../../contract/callbacks.ts'
import type { Delivery } from '../../contract/deliveries.ts'
import { isId } from '../../contract/ids.ts'
import type { Page } from '../../contract/pages.ts'
import { makeSecret } from '../../contract/signature.ts'
import type { Cidr } from '../../egress/addresses.ts'
import type { CallbackChange, CallbackRecord } from '../store/ports/callbacks.ts'
import type { PageRequest } from '../store/ports/page.ts'
import type { Store } from '../store/ports/store.ts'
import type { Vault } from '../vault/vault.ts'
import { filtersOf, invalid, requireTarget, requireToken, targetOf } from './callback-input.ts'
import { type Caller, mayUseSuite } from './caller.ts'
import { deliveryView, shownUrl } from './deliveries.ts'
import { callbackContext, workspaceContext } from './delivery-message.ts'
import type { NewId } from './ids.ts'
import { pageOf } from './paging.ts'
import { Problem } from './problem.ts'
import { pingPayload } from './webhook-payload.ts'

/** Addresses of the users that are told of what happens. */
export interface Callbacks {
  /** The answer is the only one that holds the secret. */
  create(caller: Caller, input: CallbackCreate): Promise<NewCallback>
  get(caller: Caller, id: string): Promise<Callback>
  list(caller: Caller, page: PageRequest): Promise<Page<Callback>>
  update(caller: Caller, id: string, patch: CallbackPatch): Promise<Callback>
  delete(caller: Caller, id: string): Promise<void>
  rotate(caller: Caller, id: string, input: SecretRotate): Promise<NewSecret>
  /** Sends a `test.ping`. */
  test(caller: Caller, id: string): Promise<Delivery>
  /** The secret that signs what goes to the `callbackUrl` of runs. */
  rotateWorkspaceSecret(caller: Caller, input: SecretRotate): Promise<NewSecret>
}

export interface CallbacksOptions {
  readonly store: Store
  readonly vault: Vault
  readonly newId: NewId
  readonly now: () => number
  readonly allowed: readonly Cidr[]
  /** Told that there is something to deliver. */
  readonly onDue: () => void
}

export function callbacks(options: CallbacksOptions): Callbacks {
  const { store, vault, newId, now, allowed } = options

  async function own(caller: Caller, id: string): Promise<CallbackRecord> {
    const callback = isId('callback', id) ? await store.callbacks.get(id) : undefined
    if (callback?.workspace === caller.workspace && maySee(caller, callback)) return callback
    throw gone(id)
  }

  function endOfOld(input: SecretRotate): number {
    return now() + (input.overlapSeconds ?? OVERLAP_SECONDS_DEFAULT) * 1000
  }

  function newSecret(secret: string, oldUntil: number, hadOld: boolean): NewSecret {
    return { secret, oldSecretUntil: hadOld && oldUntil > now() ? new Date(oldUntil).toISOString() : null }
  }

  return {
    async create(caller, input) {
      const target = targetOf(input, allowed)
      const filters = filtersOf(caller, target.kind, input)
      const id = newId('callback')
      const secret = target.kind === 'standard' ? makeSecret(randomBytes) : requireToken(input.token as string)
      const made = await store.callbacks.create(
        {
          ...{ id, workspace: caller.workspace, target, ...filters, description: input.description ?? null },
          secrets: [{ sealed: vault.seal(secret, callbackContext(id)), until: null }],
        },
        CALLBACKS_PER_WORKSPACE,
      )
      if (made === 'too_many') {
        throw new Problem(
          'too_many_callbacks',
          `The workspace has ${CALLBACKS_PER_WORKSPACE} callbacks, as many as are allowed. Delete one first (verdict callbacks delete ID).`,
        )
      }
      return { ...callbackView(caller, made), secret: target.kind === 'standard' ? secret : null }
    },
    get: async (caller, id) => callbackView(caller, await own(caller, id)),
    async list(caller, page) {
      const records = await store.callbacks.list(caller.workspace, { ...page, limit: page.limit + 1 })
      const listed = pageOf(records, page.limit, (record) => record)
      const items = listed.items.filter((one) => maySee(caller, one)).map((one) => callbackView(caller, one))
      return { items, next: listed.next }
    },
    async update(caller, id, patch) {
      const old = await own(caller, id)
      const change: CallbackChange = filtersOf(caller, old.target.kind, patch, old)
      if (patch.url !== undefined) {
        if (old.target.kind !== 'standard') invalid('url', `does not go with the kind ${old.target.kind}`)
        requireTarget('url', patch.url, allowed)
        change.target = { kind: 'standard', url: patch.url }
      }
      if (patch.token !== undefined) {
        if (old.target.kind === 'standard') invalid('token', 'does not go with the kind standard')
        change.secrets = [{ sealed: vault.seal(requireToken(patch.token), callbackContext(id)), until: null }]
      }
      if (patch.description !== undefined) change.description = patch.description
      let changed = await store.callbacks.update(id, change)
      if (patch.disabled === true) {
        await store.callbacks.disable(id, 'It was disabled by a user.')
        options.onDue()
        changed = await store.callbacks.get(id)
      }
      if (patch.disabled === false) changed = await store.callbacks.enable(id)
      if (!changed) throw gone(id)
      return callbackView(caller, changed)
    },
    async delete(caller, id) {
      await own(caller, id)
      await store.callbacks.delete(id)
    },
    async rotate(caller, id, input) {
      const { target } = await own(caller, id)
      if (target.kind !== 'standard') {
        throw new Problem(
          'conflict',
          `A callback of the kind ${target.kind} has no secret of ours: change its token (PATCH).`,
        )
      }
      const secret = makeSecret(randomBytes)
      const until = endOfOld(input)
      if (!(await store.callbacks.rotate(id, vault.seal(secret, callbackContext(id)), until))) throw gone(id)
      return newSecret(secret, until, true)
    },
    async test(caller, id) {
      const callback = await own(caller, id)
      if (callback.target.kind !== 'standard')
        throw new Problem(
          'conflict',
          "A commit's status needs a run: start one with a commit, and look at its deliveries.",
        )
      if (callback.disabledAt !== null)
        throw new Problem('conflict', 'The callback is disabled. Enable it first: PATCH with {"disabled": false}.')
      const delivery = await store.deliveries.add({
        ...{ id: newId('delivery'), workspace: callback.workspace, endpoint: id, callback: id, url: null },
        ...{ event: newId('event'), type: 'test.ping', run: null, suite: null, body: pingPayload(now()) },
      })
      options.onDue()
      return deliveryView(caller, delivery, callback)
    },
    async rotateWorkspaceSecret(caller, input) {
      if (caller.suites !== null)
        throw new Problem('suite_not_allowed', 'The key is limited to some suites, and this secret is of all of them.')
      const secret = makeSecret(randomBytes)
      const until = endOfOld(input)
      const sealed = vault.seal(secret, workspaceContext(caller.workspace))
      const hadOld = await store.callbacks.rotateWorkspaceSecret(caller.workspace, sealed, until)
      return newSecret(secret, until, hadOld)
    },
  }
}

/** A key that is limited to some suites sees callbacks that are told of these only: all else would tell it of others. */
export function maySee(caller: Caller, { suites }: Pick<CallbackRecord, 'suites'>): boolean {
  return caller.suites === null || (suites?.every((suite) => mayUseSuite(caller, suite)) ?? false)
}

function gone(id: string): Problem {
  return new Problem('not_found', `There is no callback ${id.slice(0, 40)} in this workspace.`)
}

function callbackView(caller: Caller, record: CallbackRecord): Callback {
  const { target } = record
  const iso = (time: number | null) => (time === null ? null : new Date(time).toISOString())
  return {
    id: record.id,
    kind: target.kind,
    url: target.kind === 'standard' ? shownUrl(caller, target.url) : null,
    repository: target.kind === 'github' ? target.repository : null,
    project: target.kind === 'gitlab' ? target.project : null,
    apiUrl: target.kind === 'standard' ? null : target.apiUrl,
    events: record.events,
    suites: record.suites,
    branches: record.branches,
    description: record.description,
    state: record.disabledAt !== null ? 'disabled' : record.failingSince !== null ? 'failing' : 'active',
    failingSince: iso(record.failingSince),
    disabledAt: iso(record.disabledAt),
    disabledReason: record.disabledReason,
    createdAt: new Date(record.createdAt).toISOString(),
    updatedAt: new Date(record.updatedAt).toISOString(),
  }
}
