import { clean, oneLine } from '../report/text.ts'
import { KeptTail } from './kept-tail.ts'
import { LineCutter } from './line-cutter.ts'
import type { LogSender } from './log-sender.ts'
import type { Masker } from './masking.ts'

/** Of a run's output the first and the last bytes are kept; what lies between is replaced by a mark. */
const LOG_LIMITS = { headBytes: 10_000_000, tailBytes: 40_000_000 } as const
const RECENT_CHARACTERS = 2_000

/** The log of one attempt: what its commands print, and notes of the worker between. */
export interface Output {
  /** Bytes of a command, as they come. */
  write(chunk: Uint8Array): void
  /** The command ended: what was held back is given out, and its last line is ended. */
  endCommand(): void
  /** A line of the worker's own; names in it may be hostile. */
  note(text: string): void
  /** The last lines printed, masked, without what only a terminal understands. */
  recentLines(count: number): string[]
  /** Everything was handed in, or nobody waits for it any more. */
  end(): Promise<void>
}

/**
 * Bytes → text (what is not UTF-8 becomes U+FFFD) → secrets masked → long lines cut → the head sent as it comes, the tail
 * kept and sent at the end. Costs at most tail + head in memory, however much is printed.
 */
export function createOutput(
  masker: Masker,
  sender: LogSender,
  limits: { headBytes: number; tailBytes: number } = LOG_LIMITS,
): Output {
  const tail = new KeptTail(limits.tailBytes)
  const stream = masker.stream()
  let decoder = newDecoder()
  let cutter = new LineCutter()
  let room = limits.headBytes
  let recent = ''
  let atLineStart = true

  function keep(text: string): void {
    if (text === '') return
    recent =
      text.length >= RECENT_CHARACTERS ? text.slice(-RECENT_CHARACTERS) : (recent + text).slice(-RECENT_CHARACTERS)
    atLineStart = text.endsWith('\n')
    if (room > 0) {
      room -= Buffer.byteLength(text)
      sender.push(text)
    } else tail.push(text)
  }

  function endCommand(): void {
    keep(cutter.push(stream.push(decoder.decode()) + stream.end()))
    if (!atLineStart) keep('\n')
    decoder = newDecoder()
    cutter = new LineCutter()
  }

  return {
    write: (chunk) => keep(cutter.push(stream.push(decoder.decode(chunk, { stream: true })))),
    endCommand,
    note(text) {
      endCommand()
      keep(`[verdict] ${masker.text(oneLine(text))}\n`)
    },
    recentLines(count) {
      return clean(recent)
        .split(/[\r\n]+/)
        .filter((line) => line.trim() !== '')
        .slice(-count)
    },
    async end() {
      endCommand()
      const { leftOut, texts } = tail.take()
      if (leftOut > 0) sender.push(`[verdict] … ${megabytes(leftOut)} of output left out here …\n`)
      for (const text of texts) sender.push(text)
      await sender.end()
    },
  }
}

function newDecoder(): TextDecoder {
  return new TextDecoder('utf-8', { ignoreBOM: true })
}

function megabytes(bytes: number): string {
  return bytes < 1_000_000 ? `${Math.ceil(bytes / 1000)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`
}
