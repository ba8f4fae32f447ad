import { type Static, type TSchema, Type } from 'typebox'

export const PAGE_LIMIT_MAX = 200
export const PAGE_LIMIT_DEFAULT = 50

/** `?limit=` and `?cursor=` of every list. Numbers in an address arrive as text. */
export const PageQuery = {
  limit: Type.Optional(Type.String({ pattern: '^[0-9]{1,3}$', description: '1–200, default 50' })),
  cursor: Type.Optional(Type.String({ maxLength: 500 })),
}
export const PageQuerystring = Type.Object(PageQuery, { additionalProperties: false })
export type PageQuerystring = Static<typeof PageQuerystring>

/** The form of every list: newest first; `next` is the cursor of the following page. */
export const Page = <T extends TSchema>(item: T) =>
  Type.Object({ items: Type.Array(item), next: Type.Union([Type.String(), Type.Null()]) })
export interface Page<T> {
  items: T[]
  next: string | null
}
