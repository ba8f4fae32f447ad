import { execFileSync } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openFolderBlobs } from '../../../server/blobs/folder/folder.ts'
import { StoreError } from '../../../server/store/ports/store.ts'
import { createRun, runningRun } from '../../contract/store/subject.ts'
import { databaseIn, openIn, temporaryFolder } from './store-folder.ts'

const MEGABYTE = 1024 ** 2

/** Mounts a small disk of its own for the test; undefined where that is not allowed. */
function smallDisk(): string | undefined {
  const folder = temporaryFolder()
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m,mode=700', 'tmpfs', folder], { stdio: 'ignore' })
  } catch {
    return undefined
  }
  onTestFinished(() => {
    execFileSync('umount', ['--lazy', folder])
  })
  return folder
}

describe('the disk', () => {
  const NEEDS = 'needs root and leave to mount a tmpfs'

  it('that is full fails a write with `full` and nothing half written, lets reads go on, and writes again when there is room', async ({
    skip,
  }) => {
    const folder = smallDisk() ?? skip(NEEDS)
    writeFileSync(join(folder, 'ballast'), Buffer.alloc(MEGABYTE))
    const { store } = await openIn(folder)
    const { lease } = await runningRun(store)
    const first = await createRun(store)
    const kept: number[] = []
    const refused: unknown[] = []
    const text = 'x'.repeat(50_000)
    for (let seq = 1; seq <= 200; seq++) {
      const [chunk, run] = await Promise.allSettled([store.runLog.append(lease, seq, text), createRun(store)])
      if (chunk.status === 'fulfilled') kept.push(seq)
      else refused.push(chunk.reason)
      // Both were one group: they are written together or not at all.
      expect(run.status).toBe(chunk.status)
    }
    expect(kept.length).toBeGreaterThan(0)
    expect(refused.length).toBeGreaterThan(0)
    for (const error of refused) {
      expect(error).toBeInstanceOf(StoreError)
      expect(error).toMatchObject({ code: 'full', message: expect.stringContaining('no room left on its disk') })
    }
    expect((await store.runLog.read(lease.run, 1, 0, 1000)).map(({ seq }) => seq)).toEqual(kept)
    expect(await store.runs.get(first.id)).toEqual(first)
    expect((await store.queue.depth()).queued).toBe(kept.length + 1)

    rmSync(join(folder, 'ballast'))
    await createRun(store)
    await store.ping()
    await store.close()
    const look = new DatabaseSync(databaseIn(folder), { readOnly: true })
    expect(look.prepare('PRAGMA integrity_check').all()).toEqual([{ integrity_check: 'ok' }])
    look.close()
  })

  it('that is full fails a blob with `no_room` and leaves nothing of it', async ({ skip }) => {
    const folder = smallDisk() ?? skip(NEEDS)
    const blobs = await openFolderBlobs(folder)
    const free = await blobs.freeBytes()
    expect(free).toBeGreaterThan(3 * MEGABYTE)
    async function* content(bytes: number) {
      for (let done = 0; done < bytes; done += 65_536) yield new Uint8Array(65_536)
    }
    const put = blobs.put(content(6 * MEGABYTE), { maxBytes: 100 * MEGABYTE })
    await expect(put).rejects.toMatchObject({ name: 'BlobError', code: 'no_room' })
    expect(await blobs.freeBytes()).toBe(free)
    expect((await blobs.put(content(MEGABYTE), { maxBytes: 100 * MEGABYTE })).bytes).toBe(MEGABYTE)
  })

  it('that is read-only is named when the store is opened', async ({ skip }) => {
    const folder = smallDisk() ?? skip(NEEDS)
    execFileSync('mount', ['-o', 'remount,ro', folder])
    await expect(openIn(folder)).rejects.toMatchObject({
      name: 'StoreError',
      message: expect.stringMatching(/^Data folder .* cannot be written to \(EROFS/),
    })
  })

  it('that lets the folder be written and the database not is named when the store is opened', async ({ skip }) => {
    const folder = smallDisk() ?? skip(NEEDS)
    const file = databaseIn(folder)
    await (await openIn(folder)).store.close()
    execFileSync('mount', ['--bind', file, file])
    onTestFinished(() => {
      execFileSync('umount', ['--lazy', file])
    })
    execFileSync('mount', ['-o', 'remount,bind,ro', file])
    await expect(openIn(folder)).rejects.toMatchObject({
      name: 'StoreError',
      message: expect.stringMatching(/verdict\.db cannot be opened as Verdict's database \(EROFS/),
    })
  })
})
