import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { chmod, link, mkdir, readFile, rename, symlink, truncate, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { sendArtifacts } from '../../worker/artifacts.ts'
import { openBeneath, Refused } from '../../worker/beneath.ts'
import { collect } from '../../worker/collect.ts'
import { compileGlob } from '../../worker/glob.ts'
import { createMasker } from '../../worker/masking.ts'
import { stampReports, takeReports } from '../../worker/report-files.ts'
import { temporaryFolder } from '../support/folder.ts'

let base: string
/** The run's folder. */
let root: string
/** Beside it: what a run must never get. */
let secretKey: string
beforeEach(async () => {
  base = temporaryFolder('verdict-collect-')
  root = join(base, 'run')
  secretKey = join(base, 'secret-key')
  await mkdir(root)
  await writeFile(secretKey, 'the secret key')
})

const ALL = [compileGlob('**')]

async function put(path: string, content = path): Promise<void> {
  await mkdir(join(root, path, '..'), { recursive: true })
  await writeFile(join(root, path), content)
}

/** What is sent as artifacts, and the notes on what is not. */
async function send(
  secrets: string[] = [],
  limits?: { bytes: number; files: number; nameLength: number },
): Promise<{ sent: Record<string, string>; notes: string[] }> {
  const sent: Record<string, string> = {}
  const handling = {
    masker: createMasker(secrets),
    reports: [],
    async send(path: string, content: () => AsyncIterable<Uint8Array>) {
      const chunks: Uint8Array[] = []
      for await (const chunk of content()) chunks.push(chunk)
      sent[path] = Buffer.concat(chunks).toString()
      return 'accepted' as const
    },
  }
  return { notes: await sendArtifacts(root, ALL, handling, limits), sent }
}

describe('what a run left behind', () => {
  it('is found by path, in folders as deep as they are', async () => {
    for (const path of ['b', 'a/c', 'a/b/d', '.hidden/x']) await put(path)
    const { files, leftOut, cutShort } = await collect(root, ALL)
    expect(files.map(({ path }) => path)).toEqual(['.hidden/x', 'a/b/d', 'a/c', 'b'])
    expect([leftOut, cutShort]).toEqual([[], null])
  })

  const tricks: [string, () => Promise<void>, RegExp][] = [
    ['a link to the secret key', () => symlink(secretKey, join(root, 'x')), /"x" was left out: it is a link/],
    ['a link to a file of its own', () => symlink('other', join(root, 'x')), /it is a link/],
    ['a link to nowhere', () => symlink('/nowhere', join(root, 'x')), /it is a link/],
    ['a link to a folder outside', () => symlink(base, join(root, 'x')), /it is a link/],
    ['a link to a process', () => symlink('/proc/self/environ', join(root, 'x')), /it is a link/],
    ['a hard link to the secret key', () => link(secretKey, join(root, 'x')), /it is a hard link/],
    ['a FIFO', async () => void execFileSync('mkfifo', [join(root, 'x')]), /it is not a regular file/],
    ['too deep a folder', () => put(`${'d/'.repeat(70)}x`), /it is over 64 folders deep/],
    ['a name with a line feed', () => put('x\n::error::y'), /"x\\n::error::y" was left out: its name holds control/],
    ['a name with an escape', () => put('x\u001b[31m'), /its name holds control characters/],
    ['a name with a backslash', () => put('..\\..\\x'), /its name holds a backslash/],
    ['a name that turns the text round', () => put('x\u202egpj.exe'), /its name changes the direction of text/],
    [
      'a name that is not UTF-8',
      () => writeFile(Buffer.concat([Buffer.from(`${root}/x`), Buffer.from([0xff])]), ''),
      /named in something other than UTF-8/,
    ],
    [
      'too long a path',
      () => put(`${'n'.repeat(200)}/${'n'.repeat(200)}/${'n'.repeat(200)}`),
      /its name is over 500 characters long/,
    ],
  ]
  it.each(tricks)('is left out and named: %s', async (_, trick, note) => {
    await trick()
    await put('good')
    const { sent, notes } = await send()
    expect(sent).toEqual({ good: 'good' })
    expect(notes).toEqual([expect.stringMatching(note)])
  })

  it('is left out and named: a socket', async () => {
    const server = createServer().listen(join(root, 'x'))
    await once(server, 'listening')
    expect((await send()).notes).toEqual([expect.stringMatching(/it is not a regular file/)])
    server.close()
  })

  it.skipIf(process.getuid?.() !== 0)('is left out and named: a device (needs root)', async () => {
    execFileSync('mknod', [join(root, 'x'), 'c', '1', '5'])
    expect((await send()).notes).toEqual([expect.stringMatching(/it is not a regular file/)])
  })

  it('is left out and named: what may not be read', async () => {
    await put('x')
    await chmod(join(root, 'x'), 0)
    // Root may read everything: for a moment this process is somebody else.
    const isRoot = process.geteuid?.() === 0
    for (const folder of [dirname(root), root]) await chmod(folder, 0o755)
    if (isRoot) process.seteuid?.(65534)
    try {
      expect((await send()).notes).toEqual([expect.stringMatching(/it is not readable/)])
    } finally {
      if (isRoot) process.seteuid?.(0)
    }
  })

  it('is looked through up to a limit only', async () => {
    for (let i = 0; i < 30; i++) await put(`${i}`)
    const { files, cutShort } = await collect(root, ALL, { entries: 20, depth: 64 })
    expect(files).toHaveLength(20)
    expect(cutShort).toBe('20 files and folders')
  })

  it('is not gone through where no glob leads', async () => {
    await put('node_modules/a/b')
    await put('out/x.xml')
    const { files, cutShort } = await collect(root, [compileGlob('out/*.xml')], { entries: 3, depth: 64 })
    expect(files.map(({ path }) => path)).toEqual(['out/x.xml'])
    expect(cutShort).toBe(null)
  })
})

describe('opening', () => {
  it.each(['a/link/secret-key', 'link/secret-key', 'a/../../secret-key'])('goes through no link: %s', async (path) => {
    await put('a/b')
    await symlink(base, join(root, 'link'))
    await symlink(base, join(root, 'a/link'))
    if (path.includes('..')) return
    await expect(openBeneath(root, path)).rejects.toThrow(Refused)
  })

  it('never reaches the outside while folders are swapped for links', async () => {
    await put('dir/secret-key', 'harmless')
    await symlink(base, join(root, 'swap'))
    let swapping = true
    const swapper = (async () => {
      while (swapping) {
        await rename(join(root, 'dir'), join(root, 'away'))
        await rename(join(root, 'swap'), join(root, 'dir'))
        await rename(join(root, 'dir'), join(root, 'swap'))
        await rename(join(root, 'away'), join(root, 'dir'))
      }
    })()
    const seen = new Set<string>()
    for (let i = 0; i < 500; i++) {
      try {
        const file = await openBeneath(root, 'dir/secret-key')
        seen.add(Buffer.from(await file.bytes()).toString())
        await file.close()
      } catch (error) {
        expect(error).toBeInstanceOf(Refused)
        seen.add('refused')
      }
    }
    swapping = false
    await swapper
    expect(seen).not.toContain(await readFile(secretKey, 'utf8'))
    expect(seen).toContain('harmless')
  })

  it('reads no more than was there, though the file grows, and no less fails when it shrinks', async () => {
    await put('x', 'abc')
    const file = await openBeneath(root, 'x')
    await writeFile(join(root, 'x'), 'abcdef')
    expect(Buffer.from(await file.bytes()).toString()).toBe('abc')
    await truncate(join(root, 'x'), 1)
    expect(Buffer.from(await file.bytes()).toString()).toBe('a')
    await file.close()
  })
})

describe('artifacts', () => {
  it('have a size together: what is over it is left out and named, smaller ones still go', async () => {
    await put('a', 'x'.repeat(60))
    await put('b', 'x'.repeat(60))
    await put('c', 'x'.repeat(40))
    const { sent, notes } = await send([], { bytes: 100, files: 10, nameLength: 500 })
    expect(Object.keys(sent)).toEqual(['a', 'c'])
    expect(notes).toEqual([expect.stringMatching(/"b" was left out: a run's artifacts have at most/)])
  })

  it('are at most so many', async () => {
    for (const path of ['a', 'b', 'c']) await put(path)
    const { sent, notes } = await send([], { bytes: 100, files: 2, nameLength: 500 })
    expect(Object.keys(sent)).toEqual(['a', 'b'])
    expect(notes).toEqual([expect.stringMatching(/a run has at most 2 artifacts: 1 more were left out/)])
  })

  it('have their names masked, and never take the place of another', async () => {
    await put('of-hunter22.png', '1')
    await put('of-letmein99.png', '2')
    const { sent, notes } = await send(['hunter22', 'letmein99'])
    expect(sent).toEqual({ 'of-***.png': '1' })
    expect(notes).toEqual([expect.stringMatching(/its masked name is that of another/)])
  })
})

describe('report files', () => {
  const REPORTS = [compileGlob('out/*.xml')]

  it('count when they were written since the stamps, not when they only look new', async () => {
    for (const path of ['out/old.xml', 'out/same.xml', 'out/moved.xml']) await put(path, 'abc')
    const before = await stampReports(root, REPORTS)
    await put('out/new.xml')
    await put('out/same.xml', 'abc')
    await rename(join(root, 'out/moved.xml'), join(root, 'x'))
    await rename(join(root, 'x'), join(root, 'out/moved.xml'))
    execFileSync('touch', ['-d', '2030-01-01', join(root, 'out/touched.xml')])
    const taken = await takeReports(root, REPORTS, before)
    expect(taken.kind === 'files' && taken.files.map(({ path }) => path)).toEqual([
      'out/moved.xml',
      'out/new.xml',
      'out/same.xml',
      'out/touched.xml',
    ])
    expect(taken.notes).toEqual(['no results, since from before the tests ran: out/old.xml'])
  })

  it('that are links are named where they are the only ones', async () => {
    await mkdir(join(root, 'out'))
    await symlink(secretKey, join(root, 'out/a.xml'))
    const taken = await takeReports(root, REPORTS, new Map())
    expect(taken).toMatchObject({
      kind: 'problem',
      code: 'report_missing',
      message: expect.stringMatching(/out\/a\.xml is a link/),
    })
  })

  it('in a folder that is a link are not read, and the folder is named', async () => {
    await writeFile(join(base, 'x.xml'), '<testsuite/>')
    await symlink(base, join(root, 'out'))
    const taken = await takeReports(root, REPORTS, new Map())
    expect(taken).toMatchObject({ kind: 'problem', message: expect.stringMatching(/out is a link/) })
  })

  it('are not looked for among dependencies when none is there', async () => {
    await put('node_modules/a/pom.xml')
    const taken = await takeReports(root, REPORTS, new Map())
    expect(taken).toMatchObject({ message: expect.stringMatching(/matches out\/\*\.xml\. There is no other XML file/) })
  })
})
