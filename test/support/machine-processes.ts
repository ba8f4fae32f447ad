import { readFileSync } from 'node:fs'
import { readProcessTable } from '../../worker/runner/process-table.ts'

/** The processes of the machine whose command line begins with these words. Empty where the machine shows none. */
export async function processesRunning(...words: string[]): Promise<number[]> {
  const table = process.platform === 'linux' ? await readProcessTable() : []
  return table.map(({ pid }) => pid).filter((pid) => commandLine(pid).startsWith(`${words.join('\0')}\0`))
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return ''
  }
}
