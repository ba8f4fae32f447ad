import type { Limit } from './limits.ts'
import type { OutputPipe } from './output-pipe.ts'
import { type Probe, watch } from './probes.ts'
import type { Command, Exit } from './runner.ts'

/** A command that was started, whatever holds it. */
export interface Started {
  /** Its first process has ended; its pipes may still be open. */
  readonly exited: Promise<{ readonly code: number | null; readonly signal: string | null }>
  /** SIGTERM to all of it, within a grace of so long. */
  terminate(graceMs: number): Promise<void>
  /** SIGKILL to all of it, also to what it left behind; settles when nothing of it runs. */
  kill(): Promise<void>
}

/**
 * Sees a started command to its end. That is its own exit, never a closed pipe: a child that it left behind may hold the
 * pipe for hours. Then what is left is killed and the rest of the output is read, for a bounded time.
 */
export async function supervise(
  started: Started,
  pipe: OutputPipe,
  command: Command,
  probes: readonly Probe[],
): Promise<Exit> {
  let limit: Limit | null = null
  let graceTimer: NodeJS.Timeout | undefined
  const stop = (): void => {
    graceTimer = setTimeout(() => void started.kill(), command.graceMs)
    void started.terminate(command.graceMs)
  }
  const watching = watch(probes, (found) => {
    limit ??= found
    void started.kill()
  })
  if (command.signal.aborted) stop()
  else command.signal.addEventListener('abort', stop, { once: true })
  const { code, signal } = await started.exited
  command.signal.removeEventListener('abort', stop)
  clearTimeout(graceTimer)
  watching.stop()
  await started.kill()
  await pipe.drain()
  for (const probe of probes) {
    if (limit === null && probe.ended) limit = await probe.ended(code === 0)
  }
  return { code, signal, limit }
}
