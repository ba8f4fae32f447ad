import { readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { openFolderBlobs } from '../../server/blobs/folder/folder.ts'
import { temporaryFolder } from '../support/folder.ts'
import { blobsContract } from './blobs.contract.ts'

blobsContract('a folder', async () => {
  const folder = temporaryFolder('verdict-blobs-')
  return {
    blobs: await openFolderBlobs(folder),
    close: async () => {
      // Nothing that failed may have left anything half written.
      expect(await readdir(join(folder, 'incoming'))).toEqual([])
    },
  }
})

async function* text(content: string) {
  yield Buffer.from(content)
}

it('a folder of blobs is spread over two levels and open to its user alone', async () => {
  const parent = temporaryFolder('verdict-blobs-')
  const folder = join(parent, 'blobs')
  const blobs = await openFolderBlobs(folder)
  const { sha256 } = await blobs.put(text('a'), { maxBytes: 10 })
  const file = await stat(join(folder, sha256.slice(0, 2), sha256.slice(2, 4), sha256))
  expect(file.size).toBe(1)
  expect(file.mode & 0o777).toBe(0o600)
  expect((await stat(folder)).mode & 0o777).toBe(0o700)
})

it('a folder of blobs forgets at its start what an earlier process left half written, and keeps the rest', async () => {
  const folder = temporaryFolder('verdict-blobs-')
  const { sha256 } = await (await openFolderBlobs(folder)).put(text('whole'), { maxBytes: 10 })
  await writeFile(join(folder, 'incoming', 'left-over'), 'half')
  const blobs = await openFolderBlobs(folder)
  expect(await readdir(join(folder, 'incoming'))).toEqual([])
  expect(await blobs.has(sha256)).toBe(true)
})
