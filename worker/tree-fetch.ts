import { ArchiveError } from '../tree/archive-error.ts'
import { unpackTree } from '../tree/unpack.ts'
import { Judged } from './judged.ts'
import { type Patience, untilAnswered } from './retry.ts'
import type { Lease, Work } from './work.ts'

/**
 * Fetches the packed tree of the run and unpacks it into the folder. The archive is kept whole in memory (the operator
 * limits its size), so that a connection that breaks half-way leaves no half-filled folder.
 * @throws Judged `archive_lost` when it is gone or broken, `sandbox_failed` when the worker's disk is full
 */
export async function fetchTree(
  work: Work,
  lease: Lease,
  folder: string,
  patience: Patience,
  signal: AbortSignal,
): Promise<void> {
  const archive = await untilAnswered('archive', () => readWhole(work, lease), patience, signal)
  if (!archive)
    throw new Judged('archive_lost', 'The files of the run are not in the server any more. Start the run again.')
  try {
    await unpackTree(archive, folder)
  } catch (error) {
    // It was checked when it was uploaded: what is broken now was broken in the store.
    if (error instanceof ArchiveError) {
      throw new Judged('archive_lost', `The stored files of the run are damaged: ${error.message}`, { cause: error })
    }
    throw asDiskFull(error) ?? error
  }
}

async function readWhole(work: Work, lease: Lease): Promise<Buffer | undefined> {
  const content = await work.archive(lease)
  if (!content) return undefined
  const chunks: Uint8Array[] = []
  for await (const chunk of content) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** What a full disk means for a run; undefined for another error. */
export function asDiskFull(error: unknown): Judged | undefined {
  const code = (error as NodeJS.ErrnoException)?.code
  if (code !== 'ENOSPC' && code !== 'EDQUOT') return undefined
  return new Judged('sandbox_failed', "The worker's disk is full; tell its operator.", { cause: error })
}
