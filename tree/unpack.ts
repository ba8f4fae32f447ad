import { constants } from 'node:fs'
import { chmod, lchown, mkdir, open, readdir, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { UNPACKED_LIMITS } from '../contract/archive-limits.ts'
import { type ArchiveSink, readArchive } from './archive.ts'
import type { ArchiveLimits } from './archive-paths.ts'
import { EXECUTABLE_MODE, type TreeEntry } from './entry.ts'

const NOWHERE: ArchiveSink = {
  folder: async () => undefined,
  file: async (_path, _mode, content) => {
    for await (const _ of content);
  },
  link: async () => undefined,
}

/**
 * The files and links of a tar.gz, sorted by path, with nothing written anywhere: what a server asks of an upload. Throws
 * `ArchiveError` for an archive that {@link unpackTree} would not unpack.
 */
export async function inspectArchive(
  source: Readable | Uint8Array,
  limits: ArchiveLimits = UNPACKED_LIMITS,
): Promise<{ entries: TreeEntry[] }> {
  return { entries: await readArchive(source, limits, NOWHERE) }
}

/**
 * Unpacks a tar.gz into `folder`, which must be there and empty: folders and executables 0755, other files 0644, whatever
 * the archive says; all of it owned by `owner` when given. Nothing is written through a link, because links are made last, and
 * nothing over what is there. Throws `ArchiveError` for a bad archive, else the file system's error; what was written until then
 * is left for the caller to remove with the folder.
 */
export async function unpackTree(
  source: Readable | Uint8Array,
  folder: string,
  { limits = UNPACKED_LIMITS, owner }: { limits?: ArchiveLimits; owner?: { uid: number; gid: number } } = {},
): Promise<{ entries: TreeEntry[] }> {
  if ((await readdir(folder)).length > 0)
    throw new Error(`${folder} is not empty: a tree is unpacked into an empty folder only`)
  return { entries: await readArchive(source, limits, folderSink(folder, owner)) }
}

function folderSink(root: string, owner: { uid: number; gid: number } | undefined): ArchiveSink {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0)
  return {
    async folder(path) {
      const place = join(root, path)
      await mkdir(place)
      // Not by mkdir's mode, from which the umask takes away.
      await chmod(place, EXECUTABLE_MODE)
      if (owner) await lchown(place, owner.uid, owner.gid)
    },
    async file(path, mode, content) {
      const handle = await open(join(root, path), flags, 0o600)
      try {
        await handle.writeFile(content)
        if (owner) await handle.chown(owner.uid, owner.gid)
        await handle.chmod(mode)
      } finally {
        await handle.close()
      }
    },
    async link(path, target) {
      const place = join(root, path)
      await symlink(target, place)
      if (owner) await lchown(place, owner.uid, owner.gid)
    },
  }
}
