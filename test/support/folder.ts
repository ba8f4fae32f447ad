import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'

const made: string[] = []

// Registered when a test file is collected, before any hook of its own: so it runs after all of them, when nothing of the
// file's servers and workers is left that could still write.
afterAll(() => {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
})

/** A new empty folder, by its real path, that is gone when the test file is over. Call it anywhere: in a test, a hook, a module. */
export function temporaryFolder(prefix: string): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), prefix)))
  made.push(folder)
  return folder
}
