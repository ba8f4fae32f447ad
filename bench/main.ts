// `npm run bench`: figures beside their goals, each ratio to a ceiling measured in the same run. Never a test: machines differ.
import { availableParallelism, cpus } from 'node:os'
import { bundles } from './bundles.ts'
import { deliveries } from './deliveries.ts'
import { keys } from './keys.ts'
import { latency } from './latency.ts'
import { overhead } from './overhead.ts'
import { revocation } from './revocation.ts'
import { printTable, type Row } from './table.ts'
import { throughput } from './throughput.ts'

const parts: Record<string, () => Row[] | Promise<Row[]>> = {
  ...{ bundles, overhead, throughput, latency, deliveries, keys, revocation },
}
const wanted = process.argv.slice(2)
const unknown = wanted.filter((name) => !(name in parts))
if (unknown.length > 0) {
  console.error(`There is no part "${unknown.join(', ')}". Parts: ${Object.keys(parts).join(', ')}.`)
  process.exit(2)
}

console.log(`${availableParallelism()} × ${cpus()[0]?.model.trim()}, Node ${process.version}\n`)
const rows: Row[] = []
for (const [name, measure] of Object.entries(parts)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue
  console.error(`measuring: ${name}`)
  rows.push(...(await measure()))
}
printTable(rows)
