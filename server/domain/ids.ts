import { randomBytes } from 'node:crypto'
import { type IdKind, makeId } from '../../contract/ids.ts'
import type { Clock } from '../clock.ts'

/** Makes ids of a kind: time of the clock, bytes of the system's CSPRNG. */
export type NewId = (kind: IdKind) => string

export function idMaker(clock: Clock, random: (bytes: number) => Uint8Array = randomBytes): NewId {
  return (kind) => makeId(kind, clock.now(), random)
}
