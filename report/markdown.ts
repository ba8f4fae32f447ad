import { clean, oneLine } from './text.ts'

const HTML: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

/** Text inside an HTML element. Control characters and line breaks are gone. */
export function htmlText(text: string): string {
  return oneLine(text).replace(/[&<>"]/g, (character) => HTML[character] ?? '')
}

/**
 * Text as it is, in a paragraph or a table's cell: no markup, no HTML. `@name` and `#1` are parted by a zero-width space, since GitHub
 * turns them into mentions and links after all escapes are gone.
 */
export function plainText(text: string): string {
  return oneLine(text)
    .replace(/[\\`*_{}[\]()<>#!|~&]/g, '\\$&')
    .replace(/[@#](?=\S)/g, '$&\u200b')
}

/** Text as a code span: nothing in it is markup, mention or link. */
export function codeSpan(text: string): string {
  const line = oneLine(text)
  const fence = '`'.repeat(longestRun(line) + 1)
  // A blank on either side keeps backticks at the ends apart from the fence, and makes an empty text a span at all.
  return line === '' ? '' : `${fence} ${line} ${fence}`
}

/** Text as a fenced block; the fence is longer than any in the text. */
export function codeBlock(text: string): string {
  const content = clean(text)
  const fence = '`'.repeat(Math.max(3, longestRun(content) + 1))
  return `${fence}text\n${content}\n${fence}\n`
}

/** A row of a table. Cells are Markdown; `|` parts them even inside of code spans. */
export function tableRow(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replace(/\\?\|/g, '\\|')).join(' | ')} |\n`
}

/** A link whose text is ours; an address that is not plain http(s) is left out. */
export function link(text: string, url: string): string {
  return /^https?:\/\/[^\s<>()"'`\\|]+$/.test(url) ? `[${text}](${url})` : text
}

function longestRun(text: string): number {
  return (text.match(/`+/g) ?? []).reduce((longest, run) => Math.max(longest, run.length), 0)
}
