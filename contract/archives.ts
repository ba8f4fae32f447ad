import { type Static, Type } from 'typebox'
import { Sha256 } from './fields.ts'

/** Answer to `PUT /v1/archives/{sha256}`. */
export const Archive = Type.Object({ sha256: Sha256, bytes: Type.Integer() }, { $id: 'Archive' })
export type Archive = Static<typeof Archive>
/** A workspace's archives together, bytes. */
export const ARCHIVE_QUOTA_BYTES = 5 * 1000 ** 3
