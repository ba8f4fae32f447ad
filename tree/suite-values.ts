import { isMap, isScalar, isSeq, type Node } from 'yaml'
import { didYouMean } from './near-names.ts'
import { describe, type SuiteSource } from './suite-source.ts'

/** Takes a value from a node; undefined once what is wrong with it was reported. `name` is what the message calls it. */
export type Read<T> = (node: Node, source: SuiteSource, name: string) => T | undefined

/**
 * A text of at most `longest` characters. Numbers and booleans are taken as they are written, so that `run: true` is the
 * command `true`, and `PORT: 0080` stays `0080`.
 */
export function text(longest: number): Read<string> {
  return (node, source, name) => {
    const value = asWritten(node)
    if (value === undefined) return source.report(node, `${name} must be a text, not ${describe(node)}`)
    if (value.trim() === '') return source.report(node, `${name} is empty`)
    return withinBounds(value, longest, node, source, name)
  }
}

/** As {@link text}, but possibly empty, and never shown in a message. */
export function quietText(longest: number): Read<string> {
  return (node, source, name) => {
    const value = asWritten(node)
    if (value === undefined) return source.report(node, `${name} must be a text; an empty one is written ""`)
    return withinBounds(value, longest, node, source, name)
  }
}

/** A text that `parse` understands as a number from `least` to `most`; `form` says what to write. */
export function measure(
  parse: (text: string) => number | undefined,
  form: string,
  least: number,
  most: number,
  range: string,
): Read<number> {
  return (node, source, name) => {
    const value = isScalar(node) && typeof node.value === 'string' ? parse(node.value) : undefined
    if (value === undefined) return source.report(node, `${name} must be ${form}, not ${describe(node)}`)
    if (value < least || value > most) return source.report(node, `${name} must be ${range}, not ${describe(node)}`)
    return value
  }
}

export function whole(least: number, most: number): Read<number> {
  return (node, source, name) => {
    const value = isScalar(node) ? node.value : undefined
    if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value
    return source.report(node, `${name} must be a whole number from ${least} to ${most}, not ${describe(node)}`)
  }
}

export function oneOf<T extends string>(choices: readonly T[]): Read<T> {
  return (node, source, name) => {
    const value = isScalar(node) ? node.value : undefined
    const found = choices.find((choice) => choice === value)
    if (found !== undefined) return found
    const near = typeof value === 'string' ? didYouMean(value, choices) : ''
    return source.report(node, `${name} must be ${choices.join(', ')}, not ${describe(node)}${near}`)
  }
}

export const flag: Read<boolean> = (node, source, name) => {
  const value = isScalar(node) ? node.value : undefined
  if (typeof value === 'boolean') return value
  return source.report(node, `${name} must be true or false, not ${describe(node)}`)
}

/** A list of at most `most` items. */
export function list<T>(item: Read<T>, most: number): Read<T[]> {
  return (node, source, name) => {
    if (!isSeq(node))
      return source.report(node, `${name} must be a list, not ${isMap(node) ? 'a mapping' : 'one value'}`)
    if (node.items.length > most) return source.report(node, `${name} has more than ${most} items`)
    const values = node.items.map((entry) => {
      const resolved = source.resolve(entry)
      return resolved
        ? item(resolved, source, `each of ${name}`)
        : source.report(entry as Node, `${name} has an empty item`)
    })
    return values.some((value) => value === undefined) ? undefined : (values as T[])
  }
}

/** A list, or one item that stands for a list of one. */
export function oneOrList<T>(item: Read<T>, most: number): Read<T[]> {
  const many = list(item, most)
  return (node, source, name) => {
    if (!isScalar(node)) return many(node, source, name)
    const value = item(node, source, name)
    return value === undefined ? undefined : [value]
  }
}

/** The text of a scalar as its author wrote it, or undefined for null and for what is no scalar. */
function asWritten(node: Node): string | undefined {
  if (!isScalar(node)) return undefined
  if (typeof node.value === 'string') return node.value
  return typeof node.value === 'number' || typeof node.value === 'boolean' ? node.source : undefined
}

function withinBounds(value: string, longest: number, node: Node, source: SuiteSource, name: string) {
  if (value.length > longest) return source.report(node, `${name} is longer than ${longest} characters`)
  if (value.includes('\0')) return source.report(node, `${name} holds a NUL character, which no program can be given`)
  return value
}
