import { chmod, mkdir, readdir, readFile, readlink, stat, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { temporaryFolder } from '../support/folder.ts'

/** A new empty folder, gone when the test has ended. */
export async function newFolder(): Promise<string> {
  const folder = temporaryFolder('verdict-tree-')
  return folder
}

/** What is written at a path: text or bytes, an executable, or a link. */
export type Written = string | Uint8Array | { executable: string } | { link: string }

export async function writeTree(root: string, tree: Readonly<Record<string, Written>>): Promise<void> {
  for (const [path, written] of Object.entries(tree)) {
    const place = join(root, path)
    await mkdir(dirname(place), { recursive: true })
    if (typeof written === 'string' || written instanceof Uint8Array) await writeFile(place, written)
    else if ('link' in written) await symlink(written.link, place)
    else {
      await writeFile(place, written.executable)
      await chmod(place, 0o755)
    }
  }
}

/** A new folder that holds a tree. */
export async function newTree(tree: Readonly<Record<string, Written>>): Promise<string> {
  const root = await newFolder()
  await writeTree(root, tree)
  return root
}

/** What is in a folder, as {@link writeTree} would write it (texts only). */
export async function readTree(root: string, folder = ''): Promise<Record<string, Written>> {
  const tree: Record<string, Written> = {}
  for (const entry of await readdir(join(root, folder), { withFileTypes: true })) {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`
    const place = join(root, path)
    if (entry.isDirectory()) Object.assign(tree, await readTree(root, path))
    else if (entry.isSymbolicLink()) tree[path] = { link: await readlink(place) }
    else {
      const text = await readFile(place, 'utf8')
      tree[path] = (await stat(place)).mode & 0o111 ? { executable: text } : text
    }
  }
  return tree
}
