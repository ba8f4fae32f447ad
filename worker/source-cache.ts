import { createHash } from 'node:crypto'
import { createWriteStream, mkdirSync, rmSync } from 'node:fs'
import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { Clock } from './clock.ts'
import { unlessAborted } from './retry.ts'
import type { GitCheckout } from './work.ts'

/** The files of a commit, as one tar.gz. */
export interface PackedTree {
  readonly bytes: number
  /** Lines for the log of every run that gets it. */
  readonly notes: readonly string[]
  /** From its beginning, as often as it is asked for. */
  content(): AsyncIterable<Uint8Array>
  close(): Promise<void>
}

export interface SourceCacheOptions {
  /** Its own: whatever is in it is removed. What an earlier life of the worker left there is trusted by nobody. */
  readonly folder: string
  /** Of all trees together; 0: nothing is kept. */
  readonly maxBytes: number
  readonly clock: Pick<Clock, 'monotonic'>
}

/** So long a tree is good: for the suites of one push, and not for ever after a credential was revoked. */
const MAX_AGE_MS = 60 * 60_000

interface Entry {
  readonly file: string
  readonly bytes: number
  readonly notes: readonly string[]
  readonly since: number
}

/**
 * Trees of commits that were fetched, so that the suites of one push fetch it once. What is asked for is known by all that
 * decides whether it may be read: address, commit, credential and pinned keys. So whoever has another credential, or none,
 * finds nothing, whoever's workspace it is. Which trees there are is known in memory alone.
 */
export class SourceCache {
  readonly #options: SourceCacheOptions
  /** The least recently used first. */
  readonly #entries = new Map<string, Entry>()
  readonly #fetching = new Map<string, Promise<unknown>>()
  #files = 0

  constructor(options: SourceCacheOptions) {
    this.#options = options
    rmSync(options.folder, { recursive: true, force: true })
    mkdirSync(options.folder, { recursive: true, mode: 0o700 })
  }

  /**
   * The tree that is kept, or else what `fetch` brings, which is then kept. Who asks while another fetches the same waits for
   * that one, and fetches by itself where it failed.
   * @throws GivenUp once the signal is aborted; whatever `fetch` throws
   */
  async open(
    source: GitCheckout,
    signal: AbortSignal,
    fetch: () => Promise<PackedTree>,
  ): Promise<PackedTree & { readonly kept: boolean }> {
    const key = keyOf(source)
    const before = this.#fetching.get(key)
    if (before) await unlessAborted(before, signal)
    const entry = this.#entries.get(key)
    const kept = entry && (await this.#read(key, entry))
    if (kept) return { ...kept, kept: true }
    const fetched = fetch().then(async (tree) => {
      await this.#keep(key, tree)
      return tree
    })
    this.#announce(key, fetched)
    return { ...(await fetched), kept: false }
  }

  #announce(key: string, fetched: Promise<unknown>): void {
    if (this.#fetching.has(key)) return
    const over = fetched.then(
      () => undefined,
      () => undefined,
    )
    this.#fetching.set(key, over)
    over.then(() => this.#fetching.delete(key))
  }

  async #read(key: string, entry: Entry): Promise<PackedTree | undefined> {
    if (this.#options.clock.monotonic() - entry.since > MAX_AGE_MS) return this.#drop(key, entry)
    // Open, it stays readable whatever is removed meanwhile.
    const handle = await open(entry.file).catch(() => undefined)
    if (!handle) return this.#drop(key, entry)
    if (this.#entries.delete(key)) this.#entries.set(key, entry)
    return {
      bytes: entry.bytes,
      notes: entry.notes,
      content: () => handle.createReadStream({ start: 0, autoClose: false }),
      close: () => handle.close(),
    }
  }

  /** Never rejects: a tree that cannot be kept is only fetched again. */
  async #keep(key: string, tree: PackedTree): Promise<void> {
    const { folder, maxBytes, clock } = this.#options
    if (tree.bytes > maxBytes) return
    const file = join(folder, `${this.#files++}.tar.gz`)
    try {
      await pipeline(tree.content(), createWriteStream(file, { mode: 0o600, flags: 'wx' }))
    } catch {
      // Most likely the disk is full: then what is kept is what can be spared.
      await rm(file, { force: true }).catch(() => undefined)
      this.#shrinkTo(0)
      return
    }
    const old = this.#entries.get(key)
    if (old) this.#drop(key, old)
    this.#entries.set(key, { file, bytes: tree.bytes, notes: tree.notes, since: clock.monotonic() })
    this.#shrinkTo(maxBytes)
  }

  #shrinkTo(bytes: number): void {
    let sum = [...this.#entries.values()].reduce((total, entry) => total + entry.bytes, 0)
    for (const [key, entry] of this.#entries) {
      if (sum <= bytes) return
      sum -= entry.bytes
      this.#drop(key, entry)
    }
  }

  #drop(key: string, entry: Entry): undefined {
    if (this.#entries.get(key) === entry) this.#entries.delete(key)
    rm(entry.file, { force: true }).catch(() => undefined)
  }
}

/** Hashed, so that no credential stays in memory after its run. */
function keyOf({ url, commit, credential, submodules, hostKeys }: GitCheckout): string {
  const facts = JSON.stringify([url, commit, credential, submodules, hostKeys ?? null])
  return createHash('sha256').update(facts).digest('hex')
}
