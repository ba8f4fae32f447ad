import { apiCaller, exchange } from './api.ts'
import { exchanges } from './exchanges.ts'
import { flatOut, inRounds } from './load.ts'
import { type BenchServer, startCeiling } from './processes.ts'
import { besideRows, slowerRow } from './ratios.ts'
import type { Row } from './table.ts'
import { sqliteWorld } from './worlds.ts'

const FEW = 1_000
const MANY = 1_000_000
const SECONDS = 3
const ROUNDS = 5
const LEAST = 0.6
const MOST = 1.2

/** Exchanges with few and with a million users and keys in the store, and authorised reads, beside their ceilings. */
export async function keys(): Promise<Row[]> {
  const few = await sqliteWorld({ keys: FEW, runs: 0 })
  const many = await sqliteWorld({ keys: MANY, runs: 0 })
  const ceiling = await startCeiling()
  try {
    const figures = await inRounds(
      {
        few: { pid: few.server.pid, work: () => exchanges(`${few.server.url}/oauth/token`, few.shown.keys, SECONDS) },
        many: {
          pid: many.server.pid,
          work: () => exchanges(`${many.server.url}/oauth/token`, many.shown.keys, SECONDS),
        },
        ceiling: { pid: ceiling.pid, work: () => exchanges(`${ceiling.url}/token`, few.shown.keys, SECONDS) },
      },
      ROUNDS,
    )
    return [
      ...besideRows(`exchanges with ${FEW} keys`, figures.few, figures.ceiling, LEAST),
      ...besideRows(`exchanges with ${MANY} keys`, figures.many, figures.ceiling, LEAST),
      slowerRow(`exchanges, slower with ${MANY} keys than with ${FEW}`, figures, MOST),
      ...(await reads(few.server, ceiling)),
    ]
  } finally {
    await Promise.all([few, many, ceiling].map((one) => one.stop()))
  }
}

async function reads(server: BenchServer, ceiling: { url: string; pid: number }): Promise<Row[]> {
  const { token, call } = await apiCaller(server)
  const { items } = await call<{ items: { id: string }[] }>('GET', '/v1/runs?limit=1')
  const other = await exchange(`${ceiling.url}/token`, server.key)
  const read = (url: string, token: string) => flatOut({ url, headers: { authorization: `Bearer ${token}` } }, SECONDS)
  const figures = await inRounds(
    {
      ours: { pid: server.pid, work: () => read(`${server.url}/v1/runs/${items[0]?.id}`, token) },
      ceiling: { pid: ceiling.pid, work: () => read(`${ceiling.url}/runs/x`, other) },
    },
    ROUNDS,
  )
  return besideRows('authorised GET /v1/runs/{id}', figures.ours, figures.ceiling, LEAST)
}
