import type { Database } from './database.ts'

/** Those of the blobs that no archive and no artifact needs, each once. */
export async function unneededBlobs(db: Database, blobs: readonly string[]): Promise<string[]> {
  const asked = [...new Set(blobs)]
  if (asked.length === 0) return []
  const where = { sha256: { $in: asked } }
  const needed = await Promise.all(
    (['archives', 'artifacts'] as const).map((name) =>
      db
        .collection(name)
        .find(where, { projection: { sha256: 1 } })
        .toArray(),
    ),
  )
  const kept = new Set(needed.flat().map(({ sha256 }) => sha256))
  return asked.filter((sha256) => !kept.has(sha256))
}
