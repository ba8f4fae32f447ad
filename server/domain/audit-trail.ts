import type { AuditEvent } from '../../contract/audit.ts'
import type { Page } from '../../contract/pages.ts'
import type { AuditFilter, AuditRecord } from '../store/ports/audit.ts'
import type { PageRequest } from '../store/ports/page.ts'
import type { Store } from '../store/ports/store.ts'
import type { Caller } from './caller.ts'
import type { NewId } from './ids.ts'
import { pageOf } from './paging.ts'

export type AuditEntry = Omit<AuditRecord, 'id' | 'createdAt'>

/** Who did what, with which credential, from where. Never holds a secret. */
export interface AuditTrail {
  /** Resolves when it is kept: for changes. */
  record(entry: AuditEntry): Promise<void>
  /**
   * Keeps it soon, off the request's path: for what anybody can cause, so that nobody can hold up the store with it. Of a
   * flood only as many are kept as memory has room for, and how many were not is said in the next one.
   */
  note(entry: AuditEntry): void
  /** Keeps what was noted; called again and again, and at the end. */
  flush(): Promise<void>
  /** Those of the caller's workspace; with `admin` those of the whole server. */
  list(caller: Caller, filter: AuditFilter, page: PageRequest): Promise<Page<AuditEvent>>
  /** The same, all of them, newest first. */
  all(caller: Caller, filter: AuditFilter): AsyncIterable<AuditEvent>
}

const WAITING_MAX = 2000
const PAGE = 200

export function auditTrail(options: { store: Store; newId: NewId }): AuditTrail {
  const { store, newId } = options
  let waiting: Parameters<Store['audit']['append']>[0][number][] = []
  let dropped = 0

  const seenBy = (caller: Caller, filter: AuditFilter): AuditFilter =>
    caller.scopes.has('admin') ? filter : { ...filter, workspace: caller.workspace }

  let writing: Promise<void> = Promise.resolve()
  /** One after the other: who waits for a flush finds what was noted before it, also what another flush has in hand. */
  function flush(): Promise<void> {
    writing = writing.catch(() => undefined).then(write)
    return writing
  }

  async function write(): Promise<void> {
    if (waiting.length === 0) return
    const events = waiting
    waiting = []
    try {
      await store.audit.append(events)
    } catch (error) {
      waiting = [...events, ...waiting].slice(0, WAITING_MAX)
      throw error
    }
  }

  return {
    record: (entry) => store.audit.append([{ ...entry, id: newId('audit') }]),
    note(entry) {
      if (waiting.length >= WAITING_MAX) {
        dropped++
        return
      }
      const detail = dropped === 0 ? entry.detail : { ...entry.detail, notKept: String(dropped) }
      dropped = 0
      waiting.push({ ...entry, detail, id: newId('audit') })
    },
    flush,
    async list(caller, filter, page) {
      await flush()
      const records = await store.audit.list(seenBy(caller, filter), { ...page, limit: page.limit + 1 })
      return pageOf(records, page.limit, eventView)
    },
    async *all(caller, filter) {
      await flush()
      let after: AuditRecord | undefined
      do {
        const records = await store.audit.list(seenBy(caller, filter), { limit: PAGE, after })
        for (const record of records) yield eventView(record)
        after = records.length < PAGE ? undefined : records.at(-1)
      } while (after)
    },
  }
}

function eventView(record: AuditRecord): AuditEvent {
  return { ...record, createdAt: new Date(record.createdAt).toISOString() }
}
