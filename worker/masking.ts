import type { ReportedCase } from '../contract/cases.ts'
import { Automaton } from './automaton.ts'
import { formsOf } from './secret-forms.ts'

export const MASK = '***'

/** Masks a text that comes in pieces: what may be the beginning of a secret is held back until it is known. */
interface MaskingStream {
  push(text: string): string
  /** The rest. The stream may be used again after it. */
  end(): string
}

export interface Masker {
  stream(): MaskingStream
  text(value: string): string
  /** A text that somebody cut: what it ends with may be the beginning of a secret and is masked, too. */
  cutText(value: string, mark: string): string
  /** Bytes of any encoding that extends ASCII; those that are a secret's UTF-8 are masked. */
  bytes(content: Uint8Array): Uint8Array
}

/** Masks each of the secrets, whatever their form (see {@link formsOf}), wherever it stands. */
export function createMasker(secrets: Iterable<string>): Masker {
  const forms = formsOf(secrets)
  const automaton = new Automaton(forms)
  let binary: Automaton | undefined
  const stream = (): MaskingStream => (forms.length === 0 ? UNMASKED : new Masking(automaton))
  const masked = (value: string, one: MaskingStream) => one.push(value) + one.end()
  return {
    stream,
    text: (value) => masked(value, stream()),
    cutText(value, mark) {
      const one = stream()
      if (!value.endsWith(mark)) return masked(value, one)
      const body = value.slice(0, -mark.length)
      const shown = one.push(body)
      return shown + (one.end() === '' ? '' : MASK) + mark
    },
    bytes(content) {
      if (forms.length === 0) return content
      binary ??= new Automaton(forms.map((form) => Buffer.from(form).toString('latin1')))
      const text = Buffer.from(content.buffer, content.byteOffset, content.byteLength).toString('latin1')
      return Buffer.from(masked(text, new Masking(binary)), 'latin1')
    },
  }
}

/** The case with every secret in its texts masked. `cutMark` ends those that were cut. */
export function maskCase(one: ReportedCase, masker: Masker, cutMark: string): ReportedCase {
  const mask = (value: string | null) => (value === null ? null : masker.cutText(value, cutMark))
  return {
    ...one,
    name: masker.cutText(one.name, cutMark),
    classname: mask(one.classname),
    testSuite: mask(one.testSuite),
    file: mask(one.file),
    message: mask(one.message),
    details: mask(one.details),
  }
}

const UNMASKED: MaskingStream = { push: (text) => text, end: () => '' }

class Masking implements MaskingStream {
  readonly #automaton: Automaton
  #state = 0
  /** Not yet given out: as many characters as the state's depth. */
  #held = ''
  /** Found in what is held: starts and ends in turn, apart from each other, in order. */
  #found: number[] = []
  /** Whether what was given out last is a mask. */
  #open = false

  constructor(automaton: Automaton) {
    this.#automaton = automaton
  }

  push(chunk: string): string {
    const { depth, ending, fromStart } = this.#automaton
    const text = this.#held + chunk
    let state = this.#state
    for (let i = this.#held.length; i < text.length; i++) {
      if (state === 0) {
        // Nearly all of a log is passed over here.
        while (i < text.length && fromStart[text.charCodeAt(i)] === 0) i++
        if (i === text.length) break
        state = fromStart[text.charCodeAt(i)]!
      } else state = this.#automaton.next(state, text.charCodeAt(i))
      const length = ending[state]!
      if (length > 0) this.#add(i + 1 - length, i + 1)
    }
    this.#state = state
    return this.#giveOut(text, text.length - depth[state]!)
  }

  end(): string {
    const rest = this.#giveOut(this.#held, this.#held.length)
    this.#state = 0
    this.#open = false
    return rest
  }

  /** Secrets that overlap or touch become one mask. */
  #add(start: number, end: number): void {
    let from = start
    while (this.#found.length > 0 && this.#found.at(-1)! >= from) {
      this.#found.pop()
      from = Math.min(from, this.#found.pop()!)
    }
    this.#found.push(from, end)
  }

  /** The text up to `safe`, masked; no secret that is found later can begin before it. The rest is held. */
  #giveOut(text: string, safe: number): string {
    let shown = ''
    let at = 0
    const later: number[] = []
    for (let i = 0; i < this.#found.length; i += 2) {
      const start = this.#found[i]!
      const end = this.#found[i + 1]!
      if (start < safe) {
        const goesOn = this.#open && start === at
        shown += text.slice(at, start) + (goesOn ? '' : MASK)
        this.#open = true
        at = Math.min(end, safe)
      }
      if (end > safe) later.push(Math.max(0, start - safe), end - safe)
    }
    if (at < safe) {
      shown += text.slice(at, safe)
      this.#open = false
    }
    this.#held = text.slice(safe)
    this.#found = later
    return shown
  }
}
