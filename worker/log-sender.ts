import { GivenUp, type Patience, untilAnswered } from './retry.ts'
import type { Acceptance } from './work.ts'

/** Output waits so long for more of it, ms. */
const GATHER_MS = 100
/** So much of it is sent without waiting, characters. */
const ENOUGH = 64_000
/** At most so much goes in one call, characters: what gathered while the call before was on its way. */
const MOST = 256_000

export interface LogSender {
  push(text: string): void
  /** Sends what is left; resolves when all was answered, or nobody waits for it any more. */
  end(): Promise<void>
}

/**
 * Hands text in by numbered calls, one after the other, for as long as the server cannot be reached.
 * @param onLost the run is another's; nothing more is sent.
 */
export function createLogSender(
  send: (seq: number, text: string) => Promise<Acceptance>,
  onLost: () => void,
  patience: Patience,
  signal: AbortSignal,
): LogSender {
  let waiting: string[] = []
  let length = 0
  let seq = 0
  let sending: Promise<void> | undefined
  let cancelTimer: (() => void) | undefined
  let dead = false

  function take(): string {
    let size = 0
    let count = 0
    while (count < waiting.length && (count === 0 || size + waiting[count]!.length <= MOST))
      size += waiting[count++]!.length
    length -= size
    return waiting.splice(0, count).join('')
  }

  async function drain(): Promise<void> {
    cancelTimer?.()
    cancelTimer = undefined
    try {
      while (waiting.length > 0 && !dead) {
        const text = take()
        const number = ++seq
        const answer = await untilAnswered('log', () => send(number, text), patience, signal)
        if (answer === 'lost') {
          dead = true
          onLost()
        }
      }
    } catch (error) {
      if (!(error instanceof GivenUp)) throw error
      dead = true
    }
    if (dead) waiting = []
  }

  /** One call at a time: two could arrive in the wrong order. */
  function start(): Promise<void> {
    sending ??= drain().finally(() => {
      sending = undefined
    })
    return sending
  }

  return {
    push(text) {
      if (dead || text === '') return
      for (let at = 0; at < text.length; ) {
        const end = pieceEnd(text, at)
        waiting.push(text.slice(at, end))
        at = end
      }
      length += text.length
      if (length >= ENOUGH) void start()
      else if (!sending) cancelTimer ??= patience.clock.after(GATHER_MS, () => void start())
    },
    async end() {
      while (waiting.length > 0 && !dead) await start()
      if (sending) await sending
    },
  }
}

/** Never between the halves of a surrogate pair. */
function pieceEnd(text: string, at: number): number {
  const end = Math.min(text.length, at + ENOUGH)
  const last = text.charCodeAt(end - 1)
  return end < text.length && last >= 0xd800 && last <= 0xdbff ? end - 1 : end
}
