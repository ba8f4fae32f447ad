import { execFileSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { appendFile, cp, mkdtemp, rm, truncate, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { chooseFiles } from '../../tree/choose.ts'
import { digestFiles } from '../../tree/digest.ts'
import { packTree } from '../../tree/pack.ts'
import { inspectArchive, unpackTree } from '../../tree/unpack.ts'
import { newFolder, newTree, readTree, type Written, writeTree } from './folders.ts'

const LONG = `${'long-folder-name/'.repeat(12)}ü-${'n'.repeat(120)}.txt`
const TREE: Record<string, Written> = {
  'a.txt': 'hello',
  empty: '',
  'bin/run': { executable: '#!/bin/sh\n' },
  'src/größe.ts': 'é',
  [LONG]: 'long',
  'src/current': { link: '../bin/run' },
  [`links/${'l'.repeat(110)}`]: { link: `../${LONG}` },
}

/** A lone surrogate cannot be written to a disk. */
const isUtf8 = (text: string) => Buffer.from(text).toString() === text

async function pack(root: string) {
  return packTree(root, (await chooseFiles(root, [])).files)
}

describe('a packed tree', () => {
  it('holds the same as the tree when it is unpacked', async () => {
    const packed = await pack(await newTree(TREE))
    const folder = await newFolder()
    const { entries } = await unpackTree(packed.archive, folder)
    expect(await readTree(folder)).toEqual(TREE)
    expect(packed).toMatchObject({ files: 7, filesDigest: digestFiles(entries) })
    expect(packed.bytes).toBe(entries.reduce((sum, { size }) => sum + size, 0))
    expect(packed.sha256).toBe(createHash('sha256').update(packed.archive).digest('hex'))
  })

  it('holds the same, whatever is in it', async () => {
    const segment = fc
      .string({ minLength: 1, maxLength: 12, unit: 'grapheme' })
      .filter((name) => !/[/\\\0\uFFFD]|^\.|^!/u.test(name) && isUtf8(name))
    const written = fc.oneof(
      fc.uint8Array({ maxLength: 2000 }).map((bytes) => Buffer.from(bytes).toString('base64')),
      fc
        .string({ maxLength: 50 })
        .filter((text) => isUtf8(text))
        .map((executable) => ({ executable })),
      fc.constant({ link: 'somewhere' }),
    )
    const tree = fc.dictionary(
      fc.array(segment, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/')),
      written,
      { maxKeys: 8 },
    )
    const folder = await newFolder()
    await fc.assert(
      fc.asyncProperty(tree, async (asked) => {
        const root = await mkdtemp(join(folder, 'tree-'))
        // Some paths exclude each other (`a`, `a/b`): what could be written is the tree.
        for (const [path, what] of Object.entries(asked)) await writeTree(root, { [path]: what }).catch(() => undefined)
        const { files, leftOut } = await chooseFiles(root, [])
        const packed = await packTree(root, files)
        const target = await mkdtemp(join(folder, 'unpacked-'))
        const { entries } = await unpackTree(packed.archive, target)
        const expected = await readTree(root)
        for (const { path } of leftOut) delete expected[path]
        expect(await readTree(target)).toEqual(expected)
        expect(digestFiles(entries)).toBe(packed.filesDigest)
        await rm(root, { recursive: true })
        await rm(target, { recursive: true })
      }),
      { numRuns: 60 },
    )
  })

  it('is the same bytes for the same tree, wherever and whenever it was written', async () => {
    const root = await newTree(TREE)
    const copy = await newFolder()
    await cp(root, copy, { recursive: true, verbatimSymlinks: true })
    await utimes(join(copy, 'a.txt'), 1, 1)
    await writeTree(copy, { '.git/HEAD': 'ref: x' })
    const [one, two] = [await pack(root), await pack(copy)]
    expect(Buffer.compare(one.archive, two.archive)).toBe(0)
    // RFC 1952: no time, no extra flags, unknown system.
    expect([...one.archive.subarray(0, 10)]).toEqual([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255])
    await appendFile(join(copy, 'a.txt'), '!')
    expect((await pack(copy)).filesDigest).not.toBe(one.filesDigest)
  })

  it('can be read by tar', async () => {
    const { archive } = await pack(await newTree(TREE))
    const listing = execFileSync('tar', ['-tzf', '-'], {
      input: archive,
      encoding: 'utf8',
      env: { ...process.env, LC_ALL: 'C.UTF-8' },
    })
    expect(listing.split('\n').filter(Boolean)).toHaveLength(7)
    expect(listing).toContain('bin/run\n')
  })

  it('may hold nothing', async () => {
    const packed = await packTree(await newFolder(), [])
    expect(packed).toMatchObject({ files: 0, bytes: 0 })
    expect(await inspectArchive(packed.archive)).toEqual({ entries: [] })
  })
})

describe('packing', () => {
  it('is given up above the limit, with what is largest', async () => {
    const root = await newTree({
      'videos/a.mp4': randomBytes(3_000_000),
      'src/a.ts': 'x',
      'z.bin': randomBytes(1_000_000),
    })
    const { files } = await chooseFiles(root, [])
    const packing = packTree(root, files, { maxBytes: 1_000_000 })
    await expect(packing).rejects.toThrow(
      /^The files of the suite pack to more than 1 MB\. The largest: videos\/a\.mp4 3 MB, z\.bin 1 MB, src\/a\.ts 1 B\./,
    )
    await expect(packing).rejects.toMatchObject({ code: 'too_large' })
    expect((await packTree(root, files, { maxBytes: 5_000_000 })).archive.length).toBeGreaterThan(4_000_000)
  })

  it('is not begun when a server would not unpack it', async () => {
    const file = (path: string, size: number) => ({ path, kind: 'file' as const, mode: 0o644 as const, size })
    const large = packTree('/nonexistent', [file('disk.img', 2_000_000_000)])
    await expect(large).rejects.toThrow(
      /^The files of the suite have 2 GB, more than 1 GB\. The largest: disk\.img 2 GB\./,
    )
    const many = packTree(
      '/nonexistent',
      Array.from({ length: 26_000 }, (_, index) => file(`${index}/x`, 1)),
    )
    await expect(many).rejects.toThrow(/^The files of the suite and their folders are 52000, more than 50000\./)
  })

  it.each<[string, (path: string) => Promise<void>, string]>([
    ['gone', (path) => rm(path), 'unreadable'],
    ['longer', (path) => appendFile(path, 'x'), 'changed'],
    ['shorter', (path) => truncate(path, 1), 'changed'],
    [
      'a link',
      async (path) => {
        await rm(path)
        await writeTree(join(path, '..'), { 'b.txt': { link: '/etc/passwd' } })
      },
      'unreadable',
    ],
  ])('says so when a file is %s that was chosen', async (_, change, code) => {
    const root = await newTree({ 'a.txt': 'a', 'b.txt': 'before' })
    const { files } = await chooseFiles(root, [])
    await change(join(root, 'b.txt'))
    await expect(packTree(root, files)).rejects.toMatchObject({ code, message: expect.stringMatching(/^b\.txt /) })
  })

  it('takes a file of many chunks', async () => {
    const root = await newFolder()
    await writeFile(join(root, 'large.bin'), Buffer.alloc(5_000_001, 'abc'))
    const packed = await pack(root)
    expect((await inspectArchive(packed.archive)).entries).toMatchObject([{ path: 'large.bin', size: 5_000_001 }])
  })
})
