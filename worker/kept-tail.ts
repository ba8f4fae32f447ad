const BLOCK_BYTES = 64 * 1024

/** The last bytes of a text of any length, in bounded memory: whole blocks, of which the oldest goes. */
export class KeptTail {
  readonly #maxBytes: number
  readonly #blocks: Buffer[] = []
  #used = BLOCK_BYTES
  #leftOut = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  push(text: string): void {
    const bytes = Buffer.from(text)
    for (let at = 0; at < bytes.length; ) {
      if (this.#used === BLOCK_BYTES) this.#addBlock()
      const copied = bytes.copy(this.#blocks.at(-1)!, this.#used, at)
      this.#used += copied
      at += copied
    }
  }

  #addBlock(): void {
    const full = this.#blocks.length * BLOCK_BYTES >= this.#maxBytes
    // The block that goes is the one to fill next: no garbage, however much comes.
    const block = full ? this.#blocks.shift()! : Buffer.allocUnsafe(BLOCK_BYTES)
    if (full) this.#leftOut += BLOCK_BYTES
    this.#blocks.push(block)
    this.#used = 0
  }

  /** How many bytes went, and the rest from the beginning of a line on, in pieces. */
  take(): { leftOut: number; texts: string[] } {
    const decoder = new TextDecoder()
    const last = this.#blocks.length - 1
    let leftOut = this.#leftOut
    const texts = this.#blocks.map((block, i) => {
      let bytes = i === last ? block.subarray(0, this.#used) : block
      if (i === 0 && leftOut > 0) {
        const start = bytes.indexOf('\n') + 1 || characterStart(bytes)
        leftOut += start
        bytes = bytes.subarray(start)
      }
      return decoder.decode(bytes, { stream: i < last })
    })
    this.#blocks.length = 0
    this.#used = BLOCK_BYTES
    this.#leftOut = 0
    return { leftOut, texts }
  }
}

/** Where the first whole UTF-8 character begins. */
function characterStart(bytes: Uint8Array): number {
  const start = bytes.findIndex((byte) => (byte & 0xc0) !== 0x80)
  return start < 0 ? bytes.length : start
}
