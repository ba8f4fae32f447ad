import type { Page } from '../../contract/pages.ts'
import type { Usage } from '../../contract/usage.ts'
import type { Store } from '../store/ports/store.ts'
import type { UsageFilter, UsageRecord } from '../store/ports/usage.ts'
import type { Caller } from './caller.ts'
import type { Metering } from './metering.ts'
import { Problem } from './problem.ts'

/** What users did, a line a user and day, newest day first. With `users:write` everybody's, else the caller's own. */
export function usageReport(options: { store: Store; metering: Metering }) {
  const { store, metering } = options
  return async (
    caller: Caller,
    filter: UsageFilter,
    limit: number,
    cursor: string | undefined,
  ): Promise<Page<Usage>> => {
    await metering.flush()
    const own = caller.scopes.has('users:write') ? {} : { user: caller.user }
    const after = cursor === undefined ? undefined : readCursor(cursor)
    const records = await store.usage.list({ ...filter, ...own }, { limit: limit + 1, after })
    const shown = records.slice(0, limit)
    const last = shown.at(-1)
    const next = records.length > limit && last ? Buffer.from(`${last.day} ${last.user}`).toString('base64url') : null
    return { items: await Promise.all(shown.map(view)), next }
  }

  async function view({ day, user, exchanges, calls, runs, runMs }: UsageRecord): Promise<Usage> {
    const externalId = (await store.users.get(user))?.externalId ?? null
    return { day, user, externalId, exchanges, calls, runs, runSeconds: Math.round(runMs / 100) / 10 }
  }
}

function readCursor(cursor: string): { day: string; user: string } {
  const match = /^(\d{4}-\d\d-\d\d) (usr_[0-9a-z]{26})$/.exec(Buffer.from(cursor, 'base64url').toString())
  if (match) return { day: match[1] as string, user: match[2] as string }
  throw new Problem('invalid_cursor', 'The cursor is not one that this list gave. Leave it out to begin anew.')
}
