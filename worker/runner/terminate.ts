import { setTimeout as sleep } from 'node:timers/promises'
import { type ProcessEntry, readProcess, signalIfThere } from './process-table.ts'

const LOOK_MS = 20
const SHELLS = /^(ba|da|a|z|k)?sh$/

/**
 * SIGTERM to all processes of a command. A shell at their top is spared for a moment: it would die at once, the command
 * would be over with it, and a child that is just cleaning up would be killed. It gets the signal when those that ran at
 * the beginning have ended, or when half of the grace is over.
 */
export async function terminate(
  members: () => Promise<ProcessEntry[]>,
  isTop: (entry: ProcessEntry) => boolean,
  graceMs: number,
): Promise<void> {
  const all = await members()
  const others = all.filter((entry) => !isTop(entry))
  if (others.length > 0 && all.some((entry) => isTop(entry) && SHELLS.test(entry.name))) {
    for (const { pid } of others) signalIfThere(pid, 'SIGTERM')
    const until = performance.now() + graceMs / 2
    while (performance.now() < until && (await anyLeft(others))) await sleep(LOOK_MS)
  }
  for (const { pid } of await members()) signalIfThere(pid, 'SIGTERM')
}

async function anyLeft(entries: readonly ProcessEntry[]): Promise<boolean> {
  const now = await Promise.all(entries.map(({ pid }) => readProcess(pid)))
  return entries.some(({ startedAt }, index) => now[index]?.startedAt === startedAt)
}
