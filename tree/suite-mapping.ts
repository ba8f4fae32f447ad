import { isMap, isScalar, type Node, type Scalar } from 'yaml'
import { didYouMean } from './near-names.ts'
import { describe, type Place, type SuiteSource } from './suite-source.ts'
import type { Read } from './suite-values.ts'

/** One entry of a mapping: its key with its place, and its value (undefined: nothing is written there). */
export interface Entry {
  key: string
  place: Place
  value: Node | undefined
}

/** The entries of a mapping, or undefined once it was reported that the node is none. */
export function entriesOf(node: Node, source: SuiteSource, name: string): Entry[] | undefined {
  if (!isMap(node)) return source.report(node, `${name} must be a mapping of keys to values, not ${describe(node)}`)
  return node.items.map(({ key, value }) => {
    const scalar = key as Scalar<string>
    return {
      key: isScalar(key) ? String(scalar.value) : '',
      place: scalar,
      value: source.resolve(value),
    }
  })
}

/** What a key of a mapping means: the field of the result that it fills. */
export interface Row<T> {
  field: string
  read: Read<T>
}

/**
 * A mapping read by a table of its keys. Unknown keys are reported with near names, those in `later` as not supported yet.
 * The result holds the fields that are there and right.
 */
export function readFields(
  entries: readonly Entry[],
  rows: Readonly<Record<string, Row<unknown>>>,
  source: SuiteSource,
  later: readonly string[] = [],
): Record<string, unknown> {
  const result: Record<string, unknown> = {}
  for (const { key, place, value } of entries) {
    const row = Object.hasOwn(rows, key) ? rows[key] : undefined
    if (later.includes(key)) source.report(place, `${JSON.stringify(key)} is not supported yet: remove it`)
    else if (key === '<<') source.report(place, 'merge keys are not supported: write the fields out')
    else if (!row) source.report(place, `unknown key ${JSON.stringify(key)}${didYouMean(key, Object.keys(rows))}`)
    else if (!value) source.report(place, `${JSON.stringify(key)} has no value: give it one, or remove the line`)
    else {
      const read = row.read(value, source, JSON.stringify(key))
      if (read !== undefined) result[row.field] = read
    }
  }
  return result
}
