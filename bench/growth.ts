import { type Figures, measured, type Subject } from './load.ts'
import { openMongo } from './mongo.ts'
import { type Operation, operationsOn } from './operations.ts'
import { slowerRow } from './ratios.ts'
import type { Row } from './table.ts'
import type { Amounts } from './template.ts'
import { mongoWorld, sqliteWorld, type World } from './worlds.ts'

const FEW = 1_000
const MANY_SQLITE = 1_000_000
const MANY_MONGODB = 100_000
const ROUNDS = 9
const MOST = 1.3

/** How much slower everything is with a million of keys and finished runs in the store than with a thousand. */
export const growth = (): Promise<Row[]> => growthRows('SQLite', MANY_SQLITE, sqliteWorld)

/** The same on MongoDB, with a hundred thousand. */
export async function mongoGrowth({ mongodbUrl }: { mongodbUrl?: string }): Promise<Row[]> {
  const mongo = await openMongo(mongodbUrl)
  if (!mongo) return []
  try {
    return await growthRows(mongo.name, MANY_MONGODB, (amounts) => mongoWorld(mongo, amounts))
  } finally {
    await mongo.stop()
  }
}

async function growthRows(store: string, most: number, world: (amounts: Amounts) => Promise<World>): Promise<Row[]> {
  const few = await world({ keys: FEW, runs: FEW })
  const many = await world({ keys: most, runs: most })
  try {
    const figures = await measuredOn(few, many)
    return Object.entries(figures).map(([operation, of]) =>
      slowerRow(`${store}: ${operation}, slower with ${most} keys and runs than with ${FEW}`, of, MOST),
    )
  } finally {
    await few.stop()
    await many.stop()
  }
}

/** Both are there all the time and loaded in turn, so that what else the machine does hits both alike. */
async function measuredOn(few: World, many: World) {
  const sides = { few: await operationsOn(few), many: await operationsOn(many) }
  const names = Object.keys(sides.few.operations) as Operation[]
  const figures = Object.fromEntries(names.map((name) => [name, { few: [], many: [] }])) as unknown as Record<
    Operation,
    { few: Figures[]; many: Figures[] }
  >
  // A round before warms caches and is not counted.
  for (let round = 0; round <= ROUNDS; round++) {
    for (const name of names) {
      for (const side of round % 2 === 0 ? (['few', 'many'] as const) : (['many', 'few'] as const)) {
        const one = await measured(sides[side].operations[name] as Subject)
        if (round > 0) figures[name][side].push(one)
      }
    }
  }
  for (const { close } of Object.values(sides)) await close()
  return figures
}
