import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { GivenUp } from '../../worker/retry.ts'
import { type PackedTree, SourceCache } from '../../worker/source-cache.ts'
import type { GitCheckout } from '../../worker/work.ts'
import { MovableClock } from '../support/clock.ts'

const NEVER = new AbortController().signal
const SOURCE: GitCheckout = {
  ...{ url: 'https://git.example/acme/shop.git', commit: 'a'.repeat(40), credential: 'token-1', submodules: false },
}
let folder: string
let clock: MovableClock
let closed: number
beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'verdict-sources-')), 'sources')
  clock = new MovableClock()
  closed = 0
})
afterEach(() => rmSync(join(folder, '..'), { recursive: true, force: true }))

const cacheOf = (maxBytes = 1000) => new SourceCache({ folder, maxBytes, clock })
const treeOf = (text: string): PackedTree => ({
  bytes: text.length,
  notes: [`left out: ${text}`],
  async *content() {
    yield Buffer.from(text)
  },
  async close() {
    closed++
  },
})
/** Opens what is kept, or fetches this text; answers the text and whether it was kept. */
async function take(cache: SourceCache, text: string, change: Partial<GitCheckout> = {}, signal = NEVER) {
  const tree = await cache.open({ ...SOURCE, ...change }, signal, async () => treeOf(text))
  const content = (await buffer(tree.content())).toString()
  await tree.close()
  return { content, kept: tree.kept, notes: tree.notes }
}
const ofCommit = (digit: string) => ({ commit: digit.repeat(40) })
const files = () => readdirSync(folder)

describe('trees of commits that are kept', () => {
  it('are fetched once, and come with the same notes again', async () => {
    const cache = cacheOf()
    expect(await take(cache, 'first')).toEqual({ content: 'first', kept: false, notes: ['left out: first'] })
    expect(await take(cache, 'never')).toEqual({ content: 'first', kept: true, notes: ['left out: first'] })
    expect(closed).toBe(1)
  })

  it.each<[string, Partial<GitCheckout>]>([
    ['another commit', ofCommit('b')],
    ['another repository', { url: 'https://git.example/acme/other.git' }],
    ['another credential', { credential: 'token-2' }],
    ['no credential', { credential: null }],
    ['submodules', { submodules: true }],
    ['other pinned keys', { hostKeys: ['ssh-ed25519 AAAA'] }],
  ])('are nothing to who asks with %s', async (_what, change) => {
    const cache = cacheOf()
    await take(cache, 'secret')
    expect(await take(cache, 'own', change)).toMatchObject({ content: 'own', kept: false })
    const refused = cache.open({ ...SOURCE, ...change, commit: 'c'.repeat(40) }, NEVER, async () => {
      throw new Error('refused')
    })
    await expect(refused).rejects.toThrow('refused')
  })

  it('have names and a folder that tell nothing, and are for the worker alone', async () => {
    const cache = cacheOf()
    await take(cache, 'x')
    expect(files()).toEqual(['0.tar.gz'])
  })

  it('give way, the least recently used first, once they are too many bytes', async () => {
    const cache = cacheOf(10)
    for (const digit of ['1', '2']) await take(cache, 'x'.repeat(4), ofCommit(digit))
    expect(await take(cache, '', ofCommit('1'))).toMatchObject({ kept: true })
    await take(cache, 'x'.repeat(4), ofCommit('3'))
    expect(await take(cache, '', ofCommit('1'))).toMatchObject({ kept: true })
    expect(await take(cache, '', ofCommit('3'))).toMatchObject({ kept: true })
    expect(await take(cache, 'again', ofCommit('2'))).toMatchObject({ content: 'again', kept: false })
    await expect.poll(() => files().length).toBeLessThanOrEqual(2)
  })

  it.each([
    ['larger than all of them may be', 3],
    ['at all, when the operator wants none', 0],
  ])('are not kept %s', async (_what, maxBytes) => {
    const cache = cacheOf(maxBytes)
    expect(await take(cache, 'long')).toMatchObject({ content: 'long', kept: false })
    expect(await take(cache, 'anew')).toMatchObject({ content: 'anew', kept: false })
    expect(files()).toEqual([])
  })

  it('are fetched anew after an hour, as one that may not read it any more must', async () => {
    const cache = cacheOf()
    await take(cache, 'old')
    clock.advance(60 * 60_000)
    expect(await take(cache, 'old')).toMatchObject({ kept: true })
    clock.advance(1)
    expect(await take(cache, 'new')).toMatchObject({ content: 'new', kept: false })
    await expect.poll(files).toEqual(['1.tar.gz'])
  })

  it('are read to their end by whoever has them open, also once they gave way', async () => {
    const cache = cacheOf(10)
    await take(cache, 'precious')
    const open = await cache.open(SOURCE, NEVER, async () => treeOf('never'))
    await take(cache, 'x'.repeat(10), ofCommit('b'))
    await expect.poll(files).toEqual(['1.tar.gz'])
    expect((await buffer(open.content())).toString()).toBe('precious')
    expect((await buffer(open.content())).toString()).toBe('precious')
    await open.close()
  })

  it('are fetched anew when somebody removed their files', async () => {
    const cache = cacheOf()
    await take(cache, 'first')
    rmSync(join(folder, '0.tar.gz'))
    expect(await take(cache, 'second')).toMatchObject({ content: 'second', kept: false })
  })

  it('of an earlier life are removed, whole or cut off, and never used', async () => {
    await take(cacheOf(), 'first')
    writeFileSync(join(folder, '1.tar.gz'), 'half')
    const cache = cacheOf()
    expect(files()).toEqual([])
    expect(await take(cache, 'second')).toMatchObject({ content: 'second', kept: false })
  })

  it('that cannot be written are used all the same, and make room', async () => {
    const cache = cacheOf()
    await take(cache, 'first')
    // What a full disk does: the file cannot be made.
    mkdirSync(join(folder, '1.tar.gz'))
    expect(await take(cache, 'second', ofCommit('b'))).toMatchObject({ content: 'second', kept: false })
    expect(await take(cache, 'anew')).toMatchObject({ content: 'anew', kept: false })
  })
})

describe('several runs of one commit at once', () => {
  /** A fetch that ends when the test says so. */
  function held() {
    let end = (_text: string) => {}
    let fail = () => {}
    const fetched = new Promise<PackedTree>((resolve, reject) => {
      end = (text) => resolve(treeOf(text))
      fail = () => reject(new Error('away'))
    })
    return { fetch: () => fetched, end, fail }
  }

  it('fetch it once', async () => {
    const cache = cacheOf()
    const first = held()
    const opening = cache.open(SOURCE, NEVER, first.fetch)
    const others = Array.from({ length: 20 }, () => take(cache, 'never'))
    first.end('first')
    expect((await opening).kept).toBe(false)
    expect(new Set((await Promise.all(others)).map(({ content }) => content))).toEqual(new Set(['first']))
  })

  it('wait for nobody who fetches another', async () => {
    const cache = cacheOf()
    const first = held()
    const opening = cache.open(SOURCE, NEVER, first.fetch)
    expect(await take(cache, 'other', { credential: null })).toMatchObject({ content: 'other' })
    first.end('first')
    await opening
  })

  it('fetch it by themselves, all at the same time, when the first one failed', async () => {
    const cache = cacheOf()
    const first = held()
    const opening = cache.open(SOURCE, NEVER, first.fetch)
    const fetching: string[] = []
    const gate = held()
    const others = ['one', 'two', 'three'].map((name) =>
      cache.open(SOURCE, NEVER, () => {
        fetching.push(name)
        return gate.fetch()
      }),
    )
    first.fail()
    await expect(opening).rejects.toThrow('away')
    await expect.poll(() => fetching).toEqual(['one', 'two', 'three'])
    gate.end('again')
    await Promise.all(others)
    expect(await take(cache, 'never')).toMatchObject({ kept: true })
    await expect.poll(() => files().length).toBe(1)
  })

  it('are let go at once when they are stopped while they wait', async () => {
    const cache = cacheOf()
    const first = held()
    const opening = cache.open(SOURCE, NEVER, first.fetch)
    const stop = new AbortController()
    const waiting = take(cache, 'never', {}, stop.signal)
    stop.abort()
    await expect(waiting).rejects.toThrow(GivenUp)
    first.end('first')
    await opening
  })
})
