import type { CallOptions, Client } from '../client/index.ts'
import { neutral } from '../report/terminal.ts'

const PATIENCE_MS = 10_000
/** A line that long is kept by its end: a run that never ends its line must not fill the memory. Characters. */
const LONGEST_LINE = 4_000

/**
 * The last lines of a run's log, made harmless for terminals and CI logs; none when it is empty or cannot be had: the
 * verdict does not depend on it.
 */
export async function logTail(client: Client, id: string, lines: number, options: CallOptions = {}): Promise<string[]> {
  const tail: string[] = []
  let rest = ''
  const decoder = new TextDecoder()
  try {
    for await (const chunk of await client.runs.log(id, { patienceMs: PATIENCE_MS, ...options })) {
      const all = (rest + decoder.decode(chunk, { stream: true })).split('\n')
      rest = (all.pop() ?? '').slice(-LONGEST_LINE)
      tail.push(...all.slice(-lines).map((line) => line.slice(-LONGEST_LINE)))
      tail.splice(0, tail.length - lines)
    }
  } catch {
    // What came so far is better than nothing.
  }
  if (rest !== '') tail.push(rest)
  const shown = tail.slice(-lines).flatMap((line) => neutral(line).split('\n'))
  return shown.every((line) => line.trim() === '') ? [] : shown.slice(-lines)
}
