/** The longest line of a run's log, characters. */
const LINE_MAX = 1_000_000
export const LINE_CUT_MARK = ' … [verdict: the rest of this line was left out, over 1 MB]'

/** Cuts lines that are too long. A carriage return ends a line, too: progress bars are made of them. */
export class LineCutter {
  readonly #max: number
  #length = 0
  #cutting = false

  constructor(max = LINE_MAX) {
    this.#max = max
  }

  push(text: string): string {
    if (!this.#cutting && this.#length + text.length <= this.#max) {
      const end = Math.max(text.lastIndexOf('\n'), text.lastIndexOf('\r'))
      this.#length = end < 0 ? this.#length + text.length : text.length - end - 1
      return text
    }
    return (text.match(/[^\r\n]+|[\r\n]/g) ?? []).map((part) => this.#part(part)).join('')
  }

  #part(part: string): string {
    if (part === '\n' || part === '\r') {
      this.#length = 0
      this.#cutting = false
      return part
    }
    if (this.#cutting) return ''
    const room = this.#max - this.#length
    if (part.length <= room) {
      this.#length += part.length
      return part
    }
    this.#cutting = true
    // Never between the halves of a surrogate pair.
    return part.slice(0, room).replace(/[\ud800-\udbff]$/, '') + LINE_CUT_MARK
  }
}
