// `npm run bench`: figures beside their goals, each ratio to a ceiling measured in the same run. Never a test: machines differ.
import { availableParallelism, cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { bundles } from './bundles.ts'
import { claims } from './claims.ts'
import { deliveries } from './deliveries.ts'
import { cleanEnding } from './ending.ts'
import { growth, mongoGrowth } from './growth.ts'
import { keys } from './keys.ts'
import { latency } from './latency.ts'
import { whyUnusable } from './mongo.ts'
import { mongodb } from './mongodb.ts'
import { overhead } from './overhead.ts'
import { revocation } from './revocation.ts'
import { printTable, type Row } from './table.ts'
import { throughput } from './throughput.ts'

type Measure = (options: { mongodbUrl?: string }) => Row[] | Promise<Row[]>
const PARTS: Record<string, Measure[]> = {
  ...{ bundles: [bundles], overhead: [overhead], throughput: [throughput], latency: [latency] },
  ...{
    deliveries: [deliveries],
    keys: [keys],
    revocation: [revocation],
    claims: [claims],
    growth: [growth, mongoGrowth],
    mongodb: [mongodb],
  },
}

/** The parts that are wanted and the address of a MongoDB; or what is wrong with them, in one line. */
function readArguments(args: string[]): { wanted: string[]; mongodbUrl?: string } | string {
  try {
    const options = { 'mongodb-url': { type: 'string' } } as const
    const { values, positionals } = parseArgs({ args, options, allowPositionals: true })
    const unknown = positionals.filter((name) => !(name in PARTS))
    if (unknown.length > 0) return `There is no part "${unknown.join(', ')}".`
    const url = values['mongodb-url']
    if (url !== undefined && !/^mongodb(\+srv)?:\/\/./.test(url))
      return 'That is no address of a MongoDB (mongodb://…).'
    return { wanted: positionals.length > 0 ? positionals : Object.keys(PARTS), ...(url && { mongodbUrl: url }) }
  } catch (error) {
    return `${(error as Error).message.replace(/\. .*$/s, '')}.`
  }
}

const asked = readArguments(process.argv.slice(2))
if (typeof asked === 'string') {
  console.error(`${asked} Use: npm run bench -- [--mongodb-url URL] [${Object.keys(PARTS).join('] [')}]`)
  process.exit(2)
}
const problem = asked.mongodbUrl && (await whyUnusable(asked.mongodbUrl))
if (problem) {
  console.error(`The MongoDB of --mongodb-url cannot be measured on: ${problem}`)
  process.exit(2)
}
const ending = cleanEnding()
console.log(`${availableParallelism()} × ${cpus()[0]?.model.trim()}, Node ${process.version}\n`)
const start = performance.now()
const rows: Row[] = []
const broken = new Set<string>()
for (const [part, measures] of Object.entries(PARTS)) {
  if (!asked.wanted.includes(part)) continue
  if (!ending.isNear()) console.error(`measuring: ${part}`)
  for (const measure of measures) {
    if (ending.isNear()) break
    try {
      rows.push(...(await measure(asked)))
    } catch (error) {
      // The others are worth their time all the same.
      broken.add(part)
      if (!ending.isNear()) console.error(error)
    }
  }
}
if (rows.length > 0) printTable(rows)
const seconds = Math.round((performance.now() - start) / 1000)
const missed = rows.filter(({ met }) => met === false).length
const failed = broken.size > 0 ? `, not measured: ${[...broken].join(', ')}` : ''
console.log(`\n${rows.length} rows, ${missed} missed${failed}, in ${Math.floor(seconds / 60)} min ${seconds % 60} s`)
ending.now(broken.size > 0 ? 1 : 0)
