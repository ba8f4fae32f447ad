/** Ends what was cut. */
export const CUT_MARK = '… [cut]'

/** Nothing in here but what XML 1.0, JSON and terminals all take. Most texts are, so most are returned as they are. */
const SUSPECT = /[^\n\t\x20-\x7e\u00a0-\ud7ff\ue000-\ufffd]|#x1B\[/
/**
 * Escape sequences of ECMA-48: CSI, OSC with its end, two-character ones. `#x1B` is what pytest writes for the escape
 * character, which XML 1.0 does not allow.
 */
const ESCAPE_SEQUENCES =
  /(?:\u001b\[|\u009b|#x1B\[)[0-?]*[ -/]*[@-~]|\u001b\][^\u0007\u001b\n]*(?:\u0007|\u001b\\)|\u001b[ -/]*[0-Z\\^-~]/g
const CONTROLS = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\ufffe\uffff]/g
const BREAKS = /[\n\t\u2028\u2029]/
const LONE_SURROGATES = /\p{Surrogate}/gu

/** The text without escape sequences and control characters (tab and line feed stay), lines ended by `\n`. */
export function clean(text: string): string {
  if (!SUSPECT.test(text)) return text
  return text
    .replace(/\r\n?/g, '\n')
    .replace(ESCAPE_SEQUENCES, '')
    .replace(CONTROLS, '')
    .replace(LONE_SURROGATES, '\ufffd')
}

/** The text, cleaned, on one line. */
export function oneLine(text: string): string {
  const cleaned = clean(text)
  if (!BREAKS.test(cleaned)) return cleaned.trim()
  return cleaned.replace(/\s+/g, (blanks) => (BREAKS.test(blanks) ? ' ' : blanks)).trim()
}

/** The text in at most `limit` characters, the mark at its end included when something was cut. */
export function cut(text: string, limit: number): string {
  if (text.length <= limit) return text
  // Never between the halves of a surrogate pair.
  return text.slice(0, Math.max(0, limit - CUT_MARK.length)).replace(/[\ud800-\udbff]$/, '') + CUT_MARK
}

/** `1 test`, `2 tests`, `1,200 tests`. */
export function counted(count: number, noun: string): string {
  return `${count.toLocaleString('en-US')} ${noun}${count === 1 ? '' : 's'}`
}
