/**
 * Aho and Corasick's machine: finds all of many words in one pass over a text, in time that depends neither on their
 * number nor on how a hostile text repeats their beginnings. State 0 is the start. Kept in flat arrays: 22 bytes a
 * character of the words.
 */
export class Automaton {
  /** Of a state: how many of the last characters are the beginning of a word. */
  readonly depth: Int32Array
  /** Of a state: the length of the longest word that ends here, or 0. */
  readonly ending: Int32Array
  /** The state after one character from the start, by its code: most characters of a text go through here only. */
  readonly fromStart = new Int32Array(0x1_0000)
  readonly #code: Uint16Array
  readonly #child: Int32Array
  readonly #sibling: Int32Array
  readonly #fallback: Int32Array

  constructor(words: readonly string[]) {
    const most = words.reduce((sum, word) => sum + word.length, 1)
    this.depth = new Int32Array(most)
    this.ending = new Int32Array(most)
    this.#code = new Uint16Array(most)
    this.#child = new Int32Array(most)
    this.#sibling = new Int32Array(most)
    this.#fallback = new Int32Array(most)
    let states = 1
    for (const word of words) {
      let state = 0
      for (let i = 0; i < word.length; i++) {
        const code = word.charCodeAt(i)
        state = this.#childOf(state, code) || this.#grow(state, code, states++)
      }
      this.ending[state] = word.length
    }
    this.#linkFallbacks(states)
  }

  /** The state after one more character. */
  next(state: number, code: number): number {
    let from = state
    while (from !== 0) {
      const child = this.#childOf(from, code)
      if (child !== 0) return child
      from = this.#fallback[from]!
    }
    return this.fromStart[code]!
  }

  #childOf(state: number, code: number): number {
    if (state === 0) return this.fromStart[code]!
    let child = this.#child[state]!
    while (child !== 0 && this.#code[child] !== code) child = this.#sibling[child]!
    return child
  }

  #grow(parent: number, code: number, state: number): number {
    this.#code[state] = code
    this.depth[state] = this.depth[parent]! + 1
    this.#sibling[state] = this.#child[parent]!
    this.#child[parent] = state
    if (parent === 0) this.fromStart[code] = state
    return state
  }

  /** Breadth first, so that a state's fallback, which is nearer to the start, is ready before it. */
  #linkFallbacks(states: number): void {
    const queue = new Int32Array(states)
    let filled = 1
    for (let at = 0; at < filled; at++) {
      const parent = queue[at]!
      for (let state = this.#child[parent]!; state !== 0; state = this.#sibling[state]!) {
        const fallback = parent === 0 ? 0 : this.next(this.#fallback[parent]!, this.#code[state]!)
        this.#fallback[state] = fallback
        if (this.ending[state] === 0) this.ending[state] = this.ending[fallback]!
        queue[filled++] = state
      }
    }
  }
}
