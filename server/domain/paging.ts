import { PAGE_LIMIT_DEFAULT, PAGE_LIMIT_MAX, type Page, type PageQuerystring } from '../../contract/pages.ts'
import type { PageRequest } from '../store/ports/page.ts'
import { Problem } from './problem.ts'

/** Reads `?limit=` and `?cursor=`. Throws `invalid_request` or `invalid_cursor`. */
export function pageRequest(query: PageQuerystring): PageRequest {
  const limit = query.limit === undefined ? PAGE_LIMIT_DEFAULT : Number(query.limit)
  if (limit < 1 || limit > PAGE_LIMIT_MAX) {
    const message = `limit must be from 1 to ${PAGE_LIMIT_MAX}`
    throw new Problem('invalid_request', message, { errors: [{ path: '/limit', message }] })
  }
  return { limit, after: query.cursor === undefined ? undefined : readCursor(query.cursor) }
}

/**
 * Makes a page of records that were asked for one more than the limit, newest first: the one too many tells that there
 * is a next page.
 */
export function pageOf<R extends { createdAt: number; id: string }, V>(
  records: readonly R[],
  limit: number,
  view: (record: R) => V,
): Page<V> {
  const shown = records.slice(0, limit)
  const last = shown.at(-1)
  return { items: shown.map(view), next: records.length > limit && last ? writeCursor(last) : null }
}

function writeCursor(last: { createdAt: number; id: string }): string {
  return Buffer.from(JSON.stringify([last.createdAt, last.id])).toString('base64url')
}

function readCursor(cursor: string): { createdAt: number; id: string } {
  try {
    const [createdAt, id, ...rest] = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as unknown[]
    if (typeof createdAt === 'number' && Number.isSafeInteger(createdAt) && typeof id === 'string' && rest.length === 0)
      return { createdAt, id }
  } catch {
    // Answered below: whatever is wrong with it, it is not ours.
  }
  throw new Problem('invalid_cursor', 'The cursor is not one that this list gave. Leave it out to begin anew.')
}
