import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { lstat, mkdir, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import tar, { type Header } from 'tar-stream'
import { describe, expect, it } from 'vitest'
import { ArchiveError } from '../../tree/archive-error.ts'
import { inspectArchive, unpackTree } from '../../tree/unpack.ts'
import { newFolder, newTree, readTree } from './folders.ts'

type Entry = Partial<Header> & { name: string; content?: string | Buffer }

/** A tar as nobody honest would write it. */
async function tarOf(entries: readonly Entry[]): Promise<Buffer> {
  const pack = tar.pack()
  for (const { content = '', ...header } of entries) pack.entry(header, content)
  pack.finalize()
  const chunks: Buffer[] = []
  for await (const chunk of pack as unknown as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks)
}

const archiveOf = async (...entries: Entry[]) => gzipSync(await tarOf(entries))
const file = (name: string, content: string | Buffer = 'x'): Entry => ({ name, content })
const link = (name: string, linkname: string): Entry => ({ name, type: 'symlink', linkname })

/** Both readers have to say the same, and nothing may be written outside of the folder. */
async function refusalOf(archive: Uint8Array, limits?: { bytes: number; entries: number; depth: number }) {
  const outer = await newTree({ 'beside.txt': 'untouched' })
  const folder = join(outer, 'run')
  await mkdir(folder)
  const inspected = await inspectArchive(archive, limits).catch((error) => error)
  const unpacked = await unpackTree(archive, folder, { limits }).catch((error) => error)
  expect(unpacked).toBeInstanceOf(ArchiveError)
  expect(inspected).toMatchObject({ code: unpacked.code, message: unpacked.message })
  expect((await readdir(outer)).sort()).toEqual(['beside.txt', 'run'])
  expect((await readTree(outer))['beside.txt']).toBe('untouched')
  return `${unpacked.code}: ${unpacked.message}`
}

describe('a hostile archive', () => {
  it.each<[string, Entry[], string]>([
    ['an absolute path', [file('/etc/x')], 'bad_path: the path "/etc/x" in the archive is an absolute path'],
    ['a Windows path', [file('C:/x')], 'bad_path: the path "C:/x" in the archive is an absolute path'],
    ['..', [file('../x')], 'bad_path: the path "../x" in the archive leads out of the tree by ".."'],
    ['.. within', [file('a/../../x')], 'bad_path: the path "a/../../x" in the archive leads out of the tree by ".."'],
    [
      'a folder ..',
      [{ name: '..', type: 'directory' }],
      'bad_path: the path ".." in the archive leads out of the tree by ".."',
    ],
    ['a backslash', [file('..\\x')], 'bad_path: the path "..\\\\x" in the archive holds a backslash'],
    ['an empty part', [file('a//b')], 'bad_path: the path "a//b" in the archive has an empty part or a "."'],
    ['a dot', [file('a/./b')], 'bad_path: the path "a/./b" in the archive has an empty part or a "."'],
    ['two dots in front', [file('././a')], 'bad_path: the path "./a" in the archive has an empty part or a "."'],
    ['a NUL', [file('ü\0x')], 'bad_path: the path "ü\\u0000x" in the archive holds a NUL character'],
    ['a long name', [file('n'.repeat(256))], /^bad_path: .* has a name of more than 255 bytes$/ as unknown as string],
    ['a long path', [file('n/'.repeat(1500))], /^bad_path: .* is longer than 2048 bytes$/ as unknown as string],
    [
      'a link to an absolute path',
      [link('l', '/etc/passwd')],
      'link_outside: "l" in the archive is a link out of the tree, or without an end (to "/etc/passwd")',
    ],
    [
      'a link above the root',
      [link('a/l', '../../x')],
      'link_outside: "a/l" in the archive is a link out of the tree, or without an end (to "../../x")',
    ],
    [
      'a link by way of a link',
      [link('a/b/up', '..'), link('evil', 'a/b/up/../..')],
      'link_outside: "evil" in the archive is a link out of the tree, or without an end (to "a/b/up/../..")',
    ],
    ['a file behind a link', [link('l', 'a'), file('l/x')], 'behind_link: "l/x" in the archive lies behind the link l'],
    [
      'a folder behind a link',
      [link('l', 'a'), { name: 'l/x/', type: 'directory' }],
      'behind_link: "l/x" in the archive lies behind the link l',
    ],
    ['a link in place of a folder', [file('l/x'), link('l', 'a')], 'path_taken: "l" is in the archive more than once'],
    ['a file over a link', [link('l', 'a'), file('l')], 'path_taken: "l" is in the archive more than once'],
    ['a file twice', [file('a'), file('a')], 'path_taken: "a" is in the archive more than once'],
    ['a file twice, once with ./', [file('a'), file('./a')], 'path_taken: "a" is in the archive more than once'],
    ['a file in place of a folder', [file('a/b'), file('a')], 'path_taken: "a" is in the archive more than once'],
    ['a file below a file', [file('a'), file('a/b')], 'path_taken: "a/b" in the archive lies below the file a'],
    [
      'a folder in place of a file',
      [file('a'), { name: 'a', type: 'directory' }],
      'path_taken: "a" is in the archive more than once',
    ],
    [
      'a hard link',
      [file('a'), { name: 'b', type: 'link', linkname: 'a' }],
      'not_a_file: "b" in the archive is a hard link: only files, folders and links may be',
    ],
    [
      'a hard link out',
      [{ name: 'b', type: 'link', linkname: '/etc/passwd' }],
      'not_a_file: "b" in the archive is a hard link: only files, folders and links may be',
    ],
    [
      'a block device',
      [{ name: 'sda', type: 'block-device', devmajor: 8 }],
      'not_a_file: "sda" in the archive is a device: only files, folders and links may be',
    ],
    [
      'a character device',
      [{ name: 'mem', type: 'character-device', devmajor: 1, devminor: 1 }],
      'not_a_file: "mem" in the archive is a device: only files, folders and links may be',
    ],
    [
      'a FIFO',
      [{ name: 'f', type: 'fifo' }],
      'not_a_file: "f" in the archive is a FIFO: only files, folders and links may be',
    ],
    [
      'an unknown kind',
      [{ name: 'c', type: 'contiguous-file' }],
      'not_a_file: "c" in the archive is of an unknown kind: only files, folders and links may be',
    ],
    ['a file without a name', [file('./')], 'bad_path: the path "" in the archive is empty'],
  ])('is refused: %s', async (_, entries, expected) => {
    expect(await refusalOf(await archiveOf(file('first'), ...entries))).toEqual(
      typeof expected === 'string' ? expected : expect.stringMatching(expected),
    )
  })

  it.each<[string, Entry[], string]>([
    [
      'too many files',
      Array.from({ length: 11 }, (_, index) => file(`f${index}`)),
      'too_many_entries: the archive holds more than 10 files and folders',
    ],
    [
      'too many folders',
      [file('a/b/c/d/x'), file('e/f/g/h/x'), file('i/x')],
      'too_many_entries: the archive holds more than 10 files and folders',
    ],
    ['too deep', [file('a/b/c/d/e/x')], 'too_deep: "a/b/c/d/e/x" in the archive lies in more than 4 folders'],
    ['too long', [file('a', Buffer.alloc(20_000))], 'too_many_bytes: the archive unpacks to more than 20000 bytes'],
    [
      'too long together',
      [file('a', Buffer.alloc(9_000)), file('b', Buffer.alloc(9_000))],
      'too_many_bytes: the archive unpacks to more than 20000 bytes',
    ],
  ])('is refused at the limits: %s', async (_, entries, expected) => {
    expect(await refusalOf(await archiveOf(...entries), { bytes: 20_000, entries: 10, depth: 4 })).toBe(expected)
  })

  it('is stopped at the limit, however much it would unpack to', async () => {
    const bomb = gzipSync(
      Buffer.concat([await tarOf([file('a')]).then((tar) => tar.subarray(0, 1024)), Buffer.alloc(300_000_000)]),
      { level: 1 },
    )
    const before = process.memoryUsage().rss
    await expect(inspectArchive(bomb, { bytes: 5_000_000, entries: 10, depth: 4 })).rejects.toMatchObject({
      code: 'too_many_bytes',
    })
    expect(process.memoryUsage().rss - before).toBeLessThan(200_000_000)
  })

  it('is refused by the size that it claims, before anything of it is read', async () => {
    const header = (await tarOf([file('a', Buffer.alloc(100_000))])).subarray(0, 512)
    const archive = gzipSync(header)
    await expect(inspectArchive(archive, { bytes: 50_000, entries: 10, depth: 4 })).rejects.toMatchObject({
      code: 'too_many_bytes',
    })
  })
})

describe('a broken archive', () => {
  const whole = archiveOf(file('a', randomBytes(50_000)), file('b', 'b'))
  const bare = tarOf([file('a', 'x'.repeat(2000)), file('b', 'b')])

  it.each<[string, () => Promise<Uint8Array>, RegExp]>([
    ['nothing', async () => Buffer.alloc(0), /cut off|no complete/],
    ['no gzip', async () => Buffer.from('hello, this is no archive'), /incorrect header check/],
    ['a tar without gzip', () => bare, /incorrect header check/],
    ['gzip of no tar', async () => gzipSync(randomBytes(4096)), /no complete tar\.gz: /],
    ['gzip of nothing', async () => gzipSync(''), /cut off/],
    ['half of it', async () => (await whole).subarray(0, 20_000), /unexpected end of file/],
    ['all but the last byte', async () => (await whole).subarray(0, -1), /unexpected end of file/],
    [
      'a turned bit',
      async () => {
        const turned = Buffer.from(await whole)
        turned[turned.length - 5] = turned[turned.length - 5]! ^ 1
        return turned
      },
      /incorrect/,
    ],
    ['a tar that ends in a file', async () => gzipSync((await bare).subarray(0, 1500)), /no complete tar\.gz|cut off/],
    ['a tar that ends after a file', async () => gzipSync((await bare).subarray(0, 512 * 5)), /cut off/],
    [
      'a tar whose header was changed',
      async () => {
        const changed = Buffer.from(await bare)
        changed[0] = 0x7a
        return gzipSync(changed)
      },
      /Invalid tar header/,
    ],
  ])('is refused: %s', async (_, make, expected) => {
    expect(await refusalOf(await make())).toMatch(/^archive_corrupt: /)
    await expect(inspectArchive(Readable.from([await make()]))).rejects.toThrow(expected)
  })

  it('is not what a source that breaks off makes of it', async () => {
    const reset = Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' })
    const archive = await whole
    const source = Readable.from(
      (async function* () {
        yield archive.subarray(0, 10_000)
        throw reset
      })(),
    )
    await expect(inspectArchive(source)).rejects.toBe(reset)
  })
})

describe('unpacking', () => {
  it('takes what other tools pack: ./ in front, folders, pax headers of Git', async () => {
    const root = await newTree({ 'a/b.txt': 'b', 'run.sh': { executable: 'x' }, 'a/l': { link: 'b.txt' } })
    const archive = execFileSync('tar', ['-czf', '-', '-C', root, '.'])
    const folder = await newFolder()
    const { entries } = await unpackTree(archive, folder)
    expect(await readTree(folder)).toEqual(await readTree(root))
    expect(entries).toEqual([
      {
        path: 'a/b.txt',
        kind: 'file',
        mode: 0o644,
        size: 1,
        sha256: '3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d',
      },
      {
        path: 'a/l',
        kind: 'link',
        mode: 0o777,
        size: 5,
        target: 'b.txt',
        sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      },
      {
        path: 'run.sh',
        kind: 'file',
        mode: 0o755,
        size: 1,
        sha256: '2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881',
      },
    ])
    expect(await inspectArchive(Readable.from([archive]))).toEqual({ entries })
  })

  it('gives every file the mode 0644 or 0755, and every folder 0755, whatever the archive and the umask say', async () => {
    const folder = await newFolder()
    const before = process.umask(0o077)
    try {
      const archive = await archiveOf(
        { name: 'd/', type: 'directory', mode: 0o7777 },
        { ...file('d/suid'), mode: 0o6755 },
        { ...file('d/none'), mode: 0o1 },
        file('e/f'),
      )
      await unpackTree(archive, folder)
    } finally {
      process.umask(before)
    }
    const modeOf = async (path: string) => ((await stat(join(folder, path))).mode & 0o7777).toString(8)
    expect(await Promise.all(['d', 'd/suid', 'd/none', 'e', 'e/f'].map(modeOf))).toEqual([
      '755',
      '755',
      '644',
      '755',
      '644',
    ])
  })

  it('makes links after everything else, dangling ones too', async () => {
    const folder = await newFolder()
    await unpackTree(await archiveOf(link('a', 'z/x'), link('b', 'nowhere'), file('z/x', 'found')), folder)
    expect(await readTree(folder)).toEqual({ a: { link: 'z/x' }, b: { link: 'nowhere' }, 'z/x': 'found' })
    expect((await lstat(join(folder, 'a'))).isSymbolicLink()).toBe(true)
  })

  it('wants an empty folder', async () => {
    const folder = await newTree({ old: 'x' })
    await expect(unpackTree(await archiveOf(file('a')), folder)).rejects.toThrow('is not empty')
    await expect(unpackTree(await archiveOf(file('a')), join(folder, 'gone'))).rejects.toMatchObject({ code: 'ENOENT' })
  })

  it('reads an upload in small pieces', async () => {
    const archive = await archiveOf(file('a', randomBytes(3000)), file('b/c', 'c'), link('l', 'a'))
    const pieces = Array.from({ length: Math.ceil(archive.length / 7) }, (_, index) =>
      archive.subarray(index * 7, index * 7 + 7),
    )
    expect(await inspectArchive(Readable.from(pieces))).toEqual(await inspectArchive(archive))
  })
})
