import { type Static, Type } from 'typebox'

/** A file that a run left behind for people. */
export const Artifact = Type.Object(
  {
    path: Type.String({ description: 'relative, with `/`' }),
    bytes: Type.Integer(),
    sha256: Type.String(),
    url: Type.String(),
  },
  { $id: 'Artifact' },
)
export type Artifact = Static<typeof Artifact>
/** A run's artifacts together, bytes; more are left out and named in the log. */
export const ARTIFACTS_MAX_BYTES = 50 * 1000 * 1000
