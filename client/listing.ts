import type { Page } from '../contract/pages.ts'
import type { Caller, CallOptions } from './call.ts'

/** The longest page that a server gives (contract/pages.ts), so that whole lists take few requests. */
const PAGE_SIZE = 200

export interface ListOptions extends CallOptions {
  /** At most so many items; default all. */
  readonly limit?: number
}

/** All items of a list, page by page, in the server's order. */
export async function* listing<T>(
  caller: Caller,
  path: string,
  query: Readonly<Record<string, string | undefined>>,
  { limit = Number.POSITIVE_INFINITY, ...options }: ListOptions = {},
): AsyncGenerator<T, void, undefined> {
  let left = limit
  let cursor: string | undefined
  while (left > 0) {
    const request = {
      method: 'GET',
      path,
      query: { ...query, limit: String(Math.min(left, PAGE_SIZE)), cursor },
    } as const
    const page = await caller.json<Page<T>>(request, options)
    for (const item of page.items.slice(0, left)) yield item
    left -= page.items.length
    // A cursor that stands still would go on for ever.
    if (page.next === null || page.next === cursor) return
    cursor = page.next
  }
}
