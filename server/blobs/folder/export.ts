import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { BlobError, type Blobs } from '../blobs.ts'
import { blobsIn } from './copy.ts'

/**
 * Puts every blob of a folder into another place, and reads it back from there. Repeatable: what is there is only read back.
 * Answers how many there are and their size in bytes. Rejects with a {@link BlobError} when one is not what its name says.
 */
export async function exportBlobs(folder: string, to: Blobs): Promise<{ blobs: number; bytes: number }> {
  let [blobs, bytes] = [0, 0]
  for (const path of await blobsIn(folder)) {
    const file = join(folder, path)
    const sha256 = basename(path)
    const { size } = await stat(file)
    if (!(await to.has(sha256))) await to.put(createReadStream(file), { expected: sha256, maxBytes: size })
    await readBack(to, sha256)
    blobs++
    bytes += size
  }
  return { blobs, bytes }
}

/**
 * Removes from another place the blobs that the folder has not, or not any more. `there`: the digests of all that it holds.
 * Answers how many.
 */
export async function removeOthers(folder: string, to: Blobs, there: AsyncIterable<string>): Promise<number> {
  const here = new Set((await blobsIn(folder)).map((path) => basename(path)))
  let removed = 0
  for await (const sha256 of there) {
    if (here.has(sha256)) continue
    await to.delete(sha256)
    removed++
  }
  return removed
}

async function readBack(to: Blobs, sha256: string): Promise<void> {
  const hash = createHash('sha256')
  for await (const chunk of (await to.get(sha256))?.content ?? []) hash.update(chunk)
  const found = hash.digest('hex')
  if (found === sha256) return
  throw new BlobError('digest_mismatch', `The file ${sha256} has the SHA-256 ${found} after it was copied.`)
}
