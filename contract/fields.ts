import { type TSchema, Type } from 'typebox'

/** Building blocks that several schemas use. Times are ISO 8601 UTC strings with milliseconds. */
export const Time = Type.String({ format: 'date-time' })
export const Sha256 = Type.String({ pattern: '^[0-9a-f]{64}$', description: 'SHA-256, lower-case hexadecimal' })
export const Nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()])
/** An object that refuses what it does not know: unknown fields are never dropped. */
export const Closed = <P extends Record<string, TSchema>>(properties: P, options: object = {}) =>
  Type.Object(properties, { additionalProperties: false, ...options })
