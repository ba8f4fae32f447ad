import { type Limit, memoryLimit, processLimit, type RunLimits } from './limits.ts'
import { ownMemory, type ProcessEntry } from './process-table.ts'

/** How a limit is seen that the kernel does not hold by itself, or holds without a word. */
export interface Probe {
  /** While the command runs. A limit that is returned ends the command. */
  running?(): Promise<Limit | null>
  /** Once, after it has ended by itself. */
  ended?(succeeded: boolean): Promise<Limit | null>
}

const EVERY_MS = 250

/** Asks all probes again and again until one answers with a limit, or `stop` is called. */
export function watch(probes: readonly Probe[], onLimit: (limit: Limit) => void): { stop(): void } {
  let stopped = false
  const timers = new Set<NodeJS.Timeout>()
  const next = (ask: () => Promise<Limit | null>): void => {
    const timer = setTimeout(async () => {
      timers.delete(timer)
      const limit = await ask().catch(() => null)
      if (stopped) return
      if (limit) onLimit(limit)
      else next(ask)
    }, EVERY_MS)
    timers.add(timer)
  }
  for (const probe of probes) if (probe.running) next(() => probe.running!())
  return {
    stop() {
      stopped = true
      for (const timer of timers) clearTimeout(timer)
    },
  }
}

/** Where no control group holds them: memory and number of the processes that `list` gives. */
export function processProbe(list: () => Promise<ProcessEntry[]>, limits: RunLimits): Probe {
  return {
    async running() {
      const entries = await list()
      if (entries.reduce((sum, entry) => sum + entry.threads, 0) > limits.processes) return processLimit(limits)
      return (await ownMemory(entries)) >= limits.memoryBytes ? memoryLimit(limits) : null
    },
  }
}
