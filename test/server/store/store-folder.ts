import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { onTestFinished } from 'vitest'
import { openSqliteStore } from '../../../server/store/sqlite/open.ts'
import { MovableClock } from '../../support/clock.ts'

/** A folder that is gone when the test is over. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'verdict-store-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

export const databaseIn = (folder: string) => join(folder, 'verdict.db')

/** A store on that folder, closed when the test is over unless it was before. */
export async function openIn(folder: string, options: { logGroupMs?: number } = {}) {
  const clock = new MovableClock()
  const store = await openSqliteStore({ file: databaseIn(folder), clock, logGroupMs: 0, ...options })
  onTestFinished(() => store.close())
  return { store, clock }
}

/**
 * A process of its own that opens the store in the folder and does what the code says (it has `store` and `say`).
 * Gives the lines that it says; it is killed when the test is over.
 */
export function storeProcess(folder: string, code: string) {
  const open = new URL('../../../server/store/sqlite/open.ts', import.meta.url).href
  const subject = new URL('../../../contract/definition.ts', import.meta.url).href
  const program = `
    import { writeSync } from 'node:fs'
    import { openSqliteStore } from ${JSON.stringify(open)}
    import { canonicalDefinition } from ${JSON.stringify(subject)}
    const say = (text) => writeSync(1, text + '\\n')
    const store = await openSqliteStore({ file: ${JSON.stringify(databaseIn(folder))}, clock: Date })
    ${code}`
  const child: ChildProcess = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(async () => {
    if (child.exitCode === null && child.signalCode === null) await kill()
  })
  async function kill() {
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
  }
  return { pid: child.pid!, lines: createInterface({ input: child.stdout! })[Symbol.asyncIterator](), kill }
}
