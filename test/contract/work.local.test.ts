import { workContract } from './work.contract.ts'

workContract('in one process', async ({ server }) => ({
  work: server.work.forWorker('wrk_a'),
  other: server.work.forWorker('wrk_b'),
}))
