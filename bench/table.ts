/** One line of the result: what was measured, the figure, what it is held against. */
export interface Row {
  readonly what: string
  readonly figure: string
  readonly goal: string
  /** Undefined: shown for comparison only. */
  readonly met?: boolean
}

export function printTable(rows: readonly Row[]): void {
  const cells = [
    ['what', 'measured', 'goal', ''],
    ...rows.map(({ what, figure, goal, met }) => [what, figure, goal, met === undefined ? '' : met ? 'met' : 'MISSED']),
  ]
  const widths = [0, 1, 2].map((column) => Math.max(...cells.map((row) => (row[column] as string).length)))
  for (const row of cells)
    console.log(
      row
        .map((cell, column) => (column < 3 ? cell.padEnd(widths[column] as number) : cell))
        .join('  ')
        .trimEnd(),
    )
}

export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] as number
}
