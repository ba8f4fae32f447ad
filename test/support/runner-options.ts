import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RunnerOptions } from '../../worker/runner/detect.ts'
import type { Command, Exit, RunFolder } from '../../worker/runner/runner.ts'

export const MIB = 1024 ** 2
export const LIMITS = { memoryBytes: 512 * MIB, processes: 200, diskBytes: 256 * MIB }

/** Options of a runner in a temporary folder, and how to remove that. */
export function temporaryRunner(overrides: Partial<RunnerOptions> = {}): { options: RunnerOptions; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'verdict-runner-'))
  const options: RunnerOptions = {
    choice: 'sandbox',
    allowUnsandboxed: false,
    baseFolder: join(folder, 'runs'),
    uidBase: 60_000,
    paths: ['/usr'],
    network: 'none',
    allowed: [],
    maximum: { memoryBytes: 4096 * MIB, processes: 2048, diskBytes: 4096 * MIB },
    nodePath: process.execPath,
    toolPath: process.env.PATH ?? '',
    ...overrides,
  }
  return { options, remove: () => rmSync(folder, { recursive: true, force: true }) }
}

/** Executes to the end and gives the output as text, too. */
export async function executeIn(
  folder: RunFolder,
  shell: string,
  overrides: Partial<Command> = {},
): Promise<Exit & { output: string }> {
  const chunks: Uint8Array[] = []
  const exit = await folder.execute({
    shell,
    environment: {},
    onOutput: (chunk) => {
      chunks.push(chunk)
    },
    signal: new AbortController().signal,
    graceMs: 200,
    ...overrides,
  })
  return { ...exit, output: Buffer.concat(chunks).toString() }
}
