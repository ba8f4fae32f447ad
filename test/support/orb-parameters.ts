/** A parameter as an orb declares it. */
export interface Parameter {
  readonly type: string
  readonly default?: unknown
  readonly enum?: readonly string[]
  readonly description?: string
}
export type Parameters = Readonly<Record<string, Parameter>>
export type Values = Readonly<Record<string, unknown>>

const TYPES: Readonly<Record<string, (value: unknown, parameter: Parameter) => boolean>> = {
  string: (value) => typeof value === 'string',
  boolean: (value) => typeof value === 'boolean',
  integer: (value) => Number.isInteger(value),
  enum: (value, parameter) => parameter.enum?.includes(value as string) === true,
  env_var_name: (value) => typeof value === 'string' && /^[A-Za-z_][A-Za-z0-9_]*$/.test(value),
  executor: (value) => typeof value === 'string' || (typeof value === 'object' && value !== null),
  steps: (value) => Array.isArray(value),
}

/** The values of the declared parameters. Throws for an unknown, a missing, and a value of another type, as CircleCI does. */
export function parameterValues(declared: Parameters = {}, given: Values = {}, place: string): Values {
  const unknown = Object.keys(given).filter((name) => !Object.hasOwn(declared, name))
  if (unknown.length > 0) throw new Error(`${place}: unknown parameter ${unknown.join(', ')}`)
  return Object.fromEntries(
    Object.entries(declared).map(([name, parameter]) => {
      const value = Object.hasOwn(given, name) ? given[name] : parameter.default
      if (value === undefined) throw new Error(`${place}: parameter ${name} is required`)
      if (TYPES[parameter.type]?.(value, parameter) !== true) {
        throw new Error(`${place}: parameter ${name} is no ${parameter.type}: ${JSON.stringify(value)}`)
      }
      return [name, value]
    }),
  )
}

const WHOLE = /^<<\s*parameters\.([\w-]+)\s*>>$/
const WITHIN = /(\\?)<<\s*([^<>]*?)\s*>>/g

/** The tree with every `<< parameters.x >>` replaced, a lone one by its value as it is. Throws for a name that is not declared. */
export function substituted(tree: unknown, values: Values, place: string): unknown {
  const given = (name: string): unknown => {
    if (!Object.hasOwn(values, name)) throw new Error(`${place}: there is no parameter ${name}`)
    return values[name]
  }
  if (Array.isArray(tree)) return tree.map((one) => substituted(one, values, place))
  if (typeof tree === 'object' && tree !== null) {
    return Object.fromEntries(Object.entries(tree).map(([key, one]) => [key, substituted(one, values, place)]))
  }
  if (typeof tree !== 'string') return tree
  const whole = WHOLE.exec(tree)?.[1]
  if (whole !== undefined) return given(whole)
  // One pass: what a value brings is never looked at again.
  return tree
    .replace(WITHIN, (text, escaped: string, expression: string) => {
      if (escaped !== '') return text
      const name = /^parameters\.([\w-]+)$/.exec(expression)?.[1]
      if (name === undefined) throw new Error(`${place}: << ${expression} >> is nothing that a parameter gives`)
      return String(given(name))
    })
    .replaceAll('\\<<', '<<')
}
