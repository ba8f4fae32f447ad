import { neutral } from '../report/terminal.ts'
import { oneLine } from '../report/text.ts'

/** Rows under a heading, in columns that line up; the last column is not padded. What others wrote stays on its line. */
export function table(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = [heading, ...rows].map((row) => row.map((cell) => neutral(oneLine(cell)) || '-'))
  const widths = heading.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)))
  return cells
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** `2026-11-20 09:00` in UTC, or `-`: what a list has room for. */
export function shortTime(time: string | null): string {
  return time === null ? '-' : time.slice(0, 16).replace('T', ' ')
}
