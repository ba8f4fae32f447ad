import { spawnSync } from 'node:child_process'
import { statSync } from 'node:fs'
import { root } from './processes.ts'
import { quantile, type Row } from './table.ts'

const STARTS = 25

/** How large the shipped files are, and how fast the CLI starts beside a Node that does nothing. */
export function bundles(): Row[] {
  const ratios: number[] = []
  for (let i = 0; i < STARTS; i++) {
    const [cli, node] = [time(['dist/cli/verdict.mjs', '--version']), time(['-e', '0'])]
    ratios.push(cli / node)
  }
  const ratio = quantile(ratios, 0.5)
  return [
    sizeRow('Action bundle', 'dist/action/index.js', 1000),
    sizeRow('CLI bundle', 'dist/cli/verdict.mjs', 600),
    {
      what: '`verdict --version` beside `node -e 0` (median of pairs)',
      figure: `${ratio.toFixed(2)} ×`,
      goal: '≤ 1.8 ×',
      met: ratio <= 1.8,
    },
  ]
}

function sizeRow(what: string, file: string, most: number): Row {
  const kilobytes = statSync(root + file).size / 1000
  return { what, figure: `${kilobytes.toFixed(0)} kB`, goal: `≤ ${most} kB`, met: kilobytes <= most }
}

function time(args: string[]): number {
  const start = performance.now()
  spawnSync(process.execPath, args, { cwd: root, stdio: 'ignore' })
  return performance.now() - start
}
