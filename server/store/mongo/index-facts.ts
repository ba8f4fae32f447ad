import type { IndexDescription } from 'mongodb'

type Keys = Record<string, 1 | -1>
/** `only`: what asks for it asks so on a sharded cluster, or on any other. */
export interface IndexFacts extends Omit<IndexDescription, 'name'> {
  readonly only?: 'sharded' | 'unsharded'
}

/** An index on these fields, of the documents that the expression lets through. */
export const on = (key: Keys, partialFilterExpression?: object): IndexFacts =>
  partialFilterExpression ? { key, partialFilterExpression } : { key }
export const unique = (key: Keys, partialFilterExpression?: object) => ({
  ...on(key, partialFilterExpression),
  unique: true,
})
// Comparisons, so that the planner sees that an equality or a range is within them; they leave out null and what is absent.
export const STRING = { $gt: '' }
export const NUMBER = { $gte: 0 }
