import { execFile } from 'node:child_process'
import { closeSync, constants, openSync, unlinkSync } from 'node:fs'
import { Socket } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** How long output may still come once the command has ended; only a process that escaped can hold the pipe longer. */
const DRAIN_MS = 1_000

/**
 * One real pipe for standard output and standard error together, so that their order is kept. Not the socket pair that
 * `stdio: 'pipe'` makes: a socket cannot be opened again, so `> /dev/stderr` would fail in a run.
 */
export interface OutputPipe {
  /** For the child's standard output and standard error. */
  readonly writeEnd: number
  /** To be called when the child has its copies: closes ours, and passes on what comes. */
  read(onOutput: (chunk: Uint8Array) => void): void
  /** Waits a bounded time for the rest; nothing is passed on after it has settled. */
  drain(): Promise<void>
  close(): void
}

/** Opens a pipe through a name in `folder` that is gone again when this returns. `path` is where `mkfifo` is looked for. */
export async function openOutputPipe(folder: string, path: string): Promise<OutputPipe> {
  const name = join(folder, 'output')
  // Anybody may open it again through /proc/self/fd: the name is gone, so only who holds it already can.
  await promisify(execFile)('mkfifo', ['-m', '666', name], { env: { PATH: path } })
  const readEnd = openSync(name, constants.O_RDONLY | constants.O_NONBLOCK)
  const writeEnd = openSync(name, constants.O_WRONLY)
  unlinkSync(name)
  const socket = new Socket({ fd: readEnd, readable: true, writable: false })
  const ended = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  socket.on('error', () => socket.destroy())
  let writeEndOpen = true
  const closeWriteEnd = (): void => {
    if (writeEndOpen) closeSync(writeEnd)
    writeEndOpen = false
  }
  return {
    writeEnd,
    read(onOutput) {
      closeWriteEnd()
      socket.on('data', onOutput)
    },
    async drain() {
      const timer = setTimeout(() => socket.destroy(), DRAIN_MS)
      await ended
      clearTimeout(timer)
    },
    close() {
      closeWriteEnd()
      socket.destroy()
    },
  }
}
