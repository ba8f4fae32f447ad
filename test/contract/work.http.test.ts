import { httpWorker } from '../support/http-worker.ts'
import { workContract } from './work.contract.ts'

workContract('over HTTP', async (server) => {
  const [one, other] = [await httpWorker(server), await httpWorker(server)]
  return {
    work: one.work,
    other: other.work,
    async close() {
      one.close()
      other.close()
    },
  }
})
