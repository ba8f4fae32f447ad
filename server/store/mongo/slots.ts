/** How many buckets runs are spread over by their workspace. Never changed: it is written into every run. */
export const BUCKETS = 16

/** The bucket of a workspace's runs. */
export const bucketOf = (workspace: string) => hash(workspace) % BUCKETS

/** A number below `slots` that is not taken, a different one for different ids; undefined when as many are taken. */
export function freeSlot(id: string, slots: number, taken: ReadonlySet<number>): number | undefined {
  if (taken.size >= slots) return undefined
  const start = hash(id) % slots
  // At most one more than there are taken ones has to be looked at.
  for (let i = 0; i < slots; i++) {
    const slot = (start + i) % slots
    if (!taken.has(slot)) return slot
  }
  return undefined
}

/** FNV-1a, 32 bits (draft-eastlake-fnv): the same on every node. */
function hash(text: string): number {
  let h = 0x811c9dc5
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193) >>> 0
  // The last characters of ids differ most; mix them into the low bits.
  return (h ^ (h >>> 15)) >>> 0
}
