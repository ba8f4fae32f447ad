import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const SIGNALS = { SIGINT: 130, SIGTERM: 143 } as const
/** A database on another machine that does not answer any more keeps nobody from going. */
const PATIENCE_MS = 10_000
const interrupted = new Set<() => unknown>()

/** `clean` is called when the benchmark is broken off, one after the other. The answer takes that back. */
export function whenInterrupted(clean: () => unknown): () => void {
  interrupted.add(clean)
  return () => interrupted.delete(clean)
}

export interface Ending {
  /** Whether the benchmark was broken off: what fails then is no news. */
  isNear(): boolean
  now(code: number): void
}

/**
 * Puts all that the benchmark and its processes write into one temporary folder, which goes with the program: at its end, at
 * an error and at Ctrl-C.
 */
export function cleanEnding(): Ending {
  const folder = mkdtempSync(join(tmpdir(), 'verdict-bench-'))
  for (const name of ['TMPDIR', 'TEMP', 'TMP']) process.env[name] = folder
  let broken = false
  function leave(code: number): void {
    // The last listener, so that those who kill processes come first: what still runs still writes.
    process.once('exit', () => rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }))
    process.exit(code)
  }
  async function clean(): Promise<void> {
    for (const one of interrupted) await Promise.resolve(one()).catch(() => undefined)
  }
  for (const [signal, code] of Object.entries(SIGNALS)) {
    process.once(signal, async () => {
      broken = true
      process.on('uncaughtException', () => undefined)
      await Promise.race([clean(), new Promise((resolve) => setTimeout(resolve, PATIENCE_MS))])
      leave(code)
    })
  }
  return {
    isNear: () => broken,
    now(code) {
      if (!broken) leave(code)
    },
  }
}
