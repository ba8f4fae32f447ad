import type { Doc } from '../mongo/database.ts'
import { laneOf } from '../mongo/run-record.ts'
import { bucketOf } from '../mongo/slots.ts'
import { factsOf, type requestOf } from '../ports/run-rules.ts'
import type { NewRun } from '../ports/runs.ts'

/** What a run is found and claimed by in MongoDB, from what was asked for: in SQLite much of it has tables of its own. */
export function runDoc({ caseBlocks, ...run }: Doc): Doc {
  const request: ReturnType<typeof requestOf> = JSON.parse(run.request)
  const { definition, abandonAfterSeconds } = request
  const asked = { ...request, id: run._id, workspace: run.workspace, suite: run.suite, sealedSecrets: null } as NewRun
  return {
    ...run,
    bucket: bucketOf(run.workspace),
    ...(run.finishedAt === null ? { open: true } : {}),
    lane: laneOf(asked),
    runsOn: definition.runsOn,
    concurrency: definition.concurrency,
    facts: factsOf(asked).map(({ kind, value }) => `${kind}:${value}`),
    ...(abandonAfterSeconds === null ? {} : { abandonAfterSeconds }),
    // A block that its worker sends once more is known: nothing of it is to be written any more.
    ...(caseBlocks
      ? { caseBlocks: (caseBlocks as number[]).map((seq) => ({ seq, from: run.caseCount, count: 0 })) }
      : {}),
  } as Doc
}
