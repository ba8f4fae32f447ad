/** Bounds of an archive, apart from its schema so that clients' bundles hold no validator. */

/** The packed bytes of one archive, unless the operator says otherwise. */
export const ARCHIVE_MAX_BYTES = 10 * 1000 * 1000
/** What an archive may hold when unpacked, whatever it claims: bytes, entries, folders within folders. */
export const UNPACKED_LIMITS = { bytes: 1000 ** 3, entries: 50_000, depth: 64 } as const
