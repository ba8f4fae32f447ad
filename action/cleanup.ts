import { isFinal } from '../contract/reasons.ts'
import { cancelRun } from '../gate/cancel-run.ts'
import { readServer } from './inputs.ts'
import { clientOf, inputOf, type Job, messageOf } from './job.ts'
import { RUNS_STATE } from './listener.ts'

/** A killed job has more time here than its step had at the signal. */
const LIMIT_MS = 15_000

/**
 * The step's `post`: cancels the runs that the step left going because it was killed; most often there are none. Never fails
 * the job: what the server does not hear now, it does by itself two minutes later.
 */
export async function cleanUp(job: Job): Promise<void> {
  const { toolkit, clock } = job
  const ids = savedRuns(toolkit.getState(RUNS_STATE))
  if (ids.length === 0) return
  const server = readServer(inputOf(job), job.env)
  if (server.apiKey !== '') toolkit.setSecret(server.apiKey)
  try {
    const client = clientOf(job, server)
    await Promise.all(
      ids.map(async (id) => {
        const run = await cancelRun({ client, clock }, id, { limitMs: LIMIT_MS })
        const end = run === undefined ? 'could not be cancelled, the server will do so itself' : run.state
        toolkit.info(run !== undefined && !isFinal(run.state) ? `${id} is being cancelled` : `${id} ${end}`)
      }),
    )
  } catch (error) {
    toolkit.warning(`Runs may still go on (${ids.join(', ')}): ${messageOf(error)}`)
  }
}

function savedRuns(state: string): string[] {
  try {
    const ids: unknown = JSON.parse(state || '[]')
    return Array.isArray(ids) ? ids.filter((id) => typeof id === 'string') : []
  } catch {
    return []
  }
}
