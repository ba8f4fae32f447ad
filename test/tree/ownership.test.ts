import { lstat } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { chooseFiles } from '../../tree/choose.ts'
import { packTree } from '../../tree/pack.ts'
import { unpackTree } from '../../tree/unpack.ts'
import { newFolder, newTree } from './folders.ts'

const isRoot = process.getuid?.() === 0

describe('an unpacked tree', () => {
  it.skipIf(!isRoot)('belongs to the owner that is given (only root can give files away)', async () => {
    const root = await newTree({ 'a/b': 'x', l: { link: 'a' } })
    const { archive } = await packTree(root, (await chooseFiles(root, [])).files)
    const folder = await newFolder()
    await unpackTree(archive, folder, { owner: { uid: 60_123, gid: 60_124 } })
    for (const path of ['a', 'a/b', 'l']) {
      expect(await lstat(join(folder, path))).toMatchObject({ uid: 60_123, gid: 60_124 })
    }
  })
})
