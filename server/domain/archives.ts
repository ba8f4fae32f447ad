import { Readable } from 'node:stream'
import { UNPACKED_LIMITS } from '../../contract/archive-limits.ts'
import type { Archive } from '../../contract/archives.ts'
import { ARCHIVE_QUOTA_BYTES } from '../../contract/archives.ts'
import { ArchiveError } from '../../tree/archive-error.ts'
import { digestFiles } from '../../tree/digest.ts'
import { inspectArchive } from '../../tree/unpack.ts'
import { BlobError, type Blobs } from '../blobs/blobs.ts'
import type { ArchiveRecord } from '../store/ports/archives.ts'
import type { Store } from '../store/ports/store.ts'
import { type Caller, requireScope } from './caller.ts'
import { Problem } from './problem.ts'

/** Packed trees, seen in their workspace only. */
export interface Archives {
  /** Keeps an uploaded archive after checking its digest and every entry of it. */
  put(caller: Caller, sha256: string, content: AsyncIterable<Uint8Array>): Promise<Archive>
  has(caller: Caller, sha256: string): Promise<boolean>
  /** The workspace's archive of that digest; throws `archive_missing` when it is not there. Keeps it from being swept. */
  needed(workspace: string, sha256: string): Promise<ArchiveRecord>
}

export interface ArchivesOptions {
  readonly store: Store
  readonly blobs: Blobs
  readonly now: () => number
  readonly maxBytes: number
  readonly minFreeBytes: number
}

const DAY_MS = 86_400_000

export function archives(options: ArchivesOptions): Archives {
  const { store, blobs } = options

  async function check(sha256: string): Promise<string> {
    const blob = await blobs.get(sha256)
    if (!blob)
      throw new Problem('unavailable', 'The archive went away while it was being checked. Send it again.', {
        retryAfter: 1,
      })
    try {
      const { entries } = await inspectArchive(Readable.from(blob.content), UNPACKED_LIMITS)
      return digestFiles(entries)
    } catch (error) {
      if (!(error instanceof ArchiveError)) throw error
      throw new Problem('archive_invalid', `The archive was refused: ${error.message}`)
    }
  }

  return {
    async put(caller, sha256, content) {
      requireScope(caller, 'runs:write', 'suites:write')
      if ((await blobs.freeBytes()) < options.minFreeBytes) {
        throw new Problem(
          'disk_full',
          'The server is short of disk space and takes no archives just now. Tell its operator.',
          { retryAfter: 60 },
        )
      }
      const known = await store.archives.get(caller.workspace, sha256)
      // Equal bytes may be another workspace's archive, or an artifact: those stay, whatever becomes of this upload.
      const wasThere = await blobs.has(sha256)
      const forget = async () => {
        if (!wasThere) await blobs.delete(sha256)
      }
      const { bytes } = await blobs
        .put(content, { expected: sha256, maxBytes: options.maxBytes })
        .catch((error: unknown) => {
          throw blobProblem(error, options.maxBytes)
        })
      const filesDigest =
        known?.filesDigest ??
        (await check(sha256).catch(async (error: unknown) => {
          await forget()
          throw error
        }))
      const added = await store.archives.add(
        { workspace: caller.workspace, sha256, bytes, filesDigest },
        ARCHIVE_QUOTA_BYTES,
      )
      if (added === 'quota') {
        await forget()
        throw new Problem(
          'archive_quota',
          `The archives of the workspace would be over ${ARCHIVE_QUOTA_BYTES / 1e9} GB. Those that nothing names go 14 days after their last use; delete suites that nobody needs.`,
        )
      }
      return { sha256, bytes }
    },
    async has(caller, sha256) {
      requireScope(caller, 'runs:write', 'suites:write')
      return (await store.archives.get(caller.workspace, sha256)) !== undefined && (await blobs.has(sha256))
    },
    async needed(workspace, sha256) {
      const archive = await store.archives.get(workspace, sha256)
      if (!archive)
        throw new Problem(
          'archive_missing',
          `The archive ${sha256} is not in this workspace. Upload it: PUT /v1/archives/${sha256}.`,
        )
      if (archive.lastUsedAt < options.now() - DAY_MS) await store.archives.markUsed(workspace, sha256)
      return archive
    },
  }
}

function blobProblem(error: unknown, maxBytes: number): unknown {
  if (!(error instanceof BlobError)) return error
  if (error.code === 'too_large')
    return new Problem(
      'too_large',
      `The archive is larger than ${maxBytes} bytes. Leave out what the tests do not need (files: in verdict.yaml, or a .verdictignore).`,
    )
  if (error.code === 'digest_mismatch')
    return new Problem('archive_invalid', 'The bytes do not have the SHA-256 that the address names. Send them again.')
  return new Problem('disk_full', 'The server has no room left on its disk. Tell its operator.', {
    retryAfter: 60,
    cause: error,
  })
}
