import type { Clock } from '../client/index.ts'
import type { Screen } from './host.ts'

const REDRAW_MS = 250
/** Back to the first column and clear to the end of the line (ECMA-48 8.3.41). */
const CLEAR = '\r\u001b[K'

/** One line at the bottom of a terminal that is drawn anew all the time, and lines above it that stay. */
export class LiveLine {
  readonly #screen: Screen
  readonly #clock: Clock
  readonly #text: () => string
  #drawn = ''
  #cancel: (() => void) | undefined

  /** `text` is asked at every redraw; it has no line end and no colours. */
  constructor(screen: Screen, clock: Clock, text: () => string) {
    this.#screen = screen
    this.#clock = clock
    this.#text = text
  }

  start(): void {
    this.#cancel ??= this.#clock.after(REDRAW_MS, () => {
      this.#cancel = undefined
      this.#draw()
      this.start()
    })
  }

  /** Writes lines that stay, with their line ends, above the live line. */
  print(lines: string): void {
    this.#clear()
    this.#screen.write(lines)
    if (this.#cancel) this.#draw()
  }

  stop(): void {
    this.#cancel?.()
    this.#cancel = undefined
    this.#clear()
  }

  #draw(): void {
    // One column is left free: a full line would wrap on some terminals, and clearing would miss its first part.
    const text = [...this.#text()].slice(0, Math.max(10, (this.#screen.columns || 80) - 1)).join('')
    if (text === this.#drawn) return
    this.#screen.write(`${CLEAR}${text}`)
    this.#drawn = text
  }

  #clear(): void {
    if (this.#drawn !== '') this.#screen.write(CLEAR)
    this.#drawn = ''
  }
}
