import { type Figures, middle, ratio } from './load.ts'
import type { Row } from './table.ts'

const CEILING = 'beside the bare route'

/** What is done a second, and a second of the server's own CPU time, each beside the ceiling of the same rounds. */
export function besideRows(
  what: string,
  ours: readonly Figures[],
  ceiling: readonly Figures[],
  least: number,
  per: (keyof Figures)[] = ['rate', 'perCpu'],
): Row[] {
  return per
    .filter((of) => !Number.isNaN(middle(ours, of)))
    .map((of) => {
      const [a, b, times] = [middle(ours, of), middle(ceiling, of), ratio(ours, ceiling, of)]
      return {
        what: `${what}, per ${of === 'rate' ? 'second' : 'CPU-second'}, ${CEILING}`,
        figure: `${a.toFixed(0)} of ${b.toFixed(0)} = ${times.toFixed(2)} ×`,
        goal: `≥ ${least.toFixed(2)} ×`,
        met: times >= least,
      }
    })
}

/** How much slower the same is with much in the store than with little. */
export function slowerRow(
  what: string,
  { few, many }: { few: readonly Figures[]; many: readonly Figures[] },
  most: number,
): Row {
  const [slower, cpu] = [ratio(few, many, 'rate'), ratio(few, many, 'perCpu')]
  const rates = `${middle(few, 'rate').toFixed(0)}/s, then ${middle(many, 'rate').toFixed(0)}/s`
  return {
    what,
    figure: `${rates} = ${slower.toFixed(2)} ×${Number.isNaN(cpu) ? '' : ` (CPU ${cpu.toFixed(2)} ×)`}`,
    goal: `≤ ${most.toFixed(2)} ×`,
    met: slower <= most,
  }
}
