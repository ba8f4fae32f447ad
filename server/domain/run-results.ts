import type { Artifact } from '../../contract/artifacts.ts'
import type { Case } from '../../contract/cases.ts'
import { writeJUnit } from '../../report/junit-write.ts'
import type { Blobs } from '../blobs/blobs.ts'
import type { Store } from '../store/ports/store.ts'
import type { Caller } from './caller.ts'
import { Problem } from './problem.ts'
import type { RunReader } from './run-reader.ts'
import { runView } from './run-view.ts'

/** What a run left behind: its log, its JUnit file, its artifacts. */
export interface RunResults {
  /** The whole log of the run's present attempt, in pieces. */
  log(caller: Caller, id: string): Promise<AsyncIterable<string>>
  junit(caller: Caller, id: string): Promise<string>
  artifacts(caller: Caller, id: string): Promise<Artifact[]>
  artifact(caller: Caller, id: string, path: string): Promise<{ bytes: number; content: AsyncIterable<Uint8Array> }>
}

const CHUNKS_PER_READ = 100
const CASES_PER_READ = 1000

export function runResults(options: { store: Store; blobs: Blobs; reader: RunReader; publicUrl: string }): RunResults {
  const { store, blobs, reader } = options

  async function* logOf(run: string, attempt: number): AsyncIterable<string> {
    let after = 0
    for (;;) {
      const chunks = await store.runLog.read(run, attempt, after, CHUNKS_PER_READ)
      for (const chunk of chunks) yield chunk.text
      if (chunks.length < CHUNKS_PER_READ) return
      after = (chunks.at(-1) as { seq: number }).seq
    }
  }

  async function allCases(run: string, attempt: number): Promise<Case[]> {
    const cases: Case[] = []
    for (;;) {
      const some = await store.cases.list(run, attempt, { afterId: cases.at(-1)?.id ?? 0, limit: CASES_PER_READ })
      cases.push(...some)
      if (some.length < CASES_PER_READ) return cases
    }
  }

  return {
    async log(caller, id) {
      const run = await reader.record(caller, id)
      return logOf(run.id, run.attempt)
    },
    async junit(caller, id) {
      const run = await reader.record(caller, id)
      return writeJUnit([
        { name: run.suite, run: runView(run, options.publicUrl), cases: await allCases(run.id, run.attempt) },
      ])
    },
    async artifacts(caller, id) {
      const run = await reader.record(caller, id)
      const url = (path: string) => `${options.publicUrl}/v1/runs/${run.id}/artifacts/${encodeURIComponent(path)}`
      return (await store.artifacts.list(run.id, run.attempt)).map((artifact) => ({
        ...artifact,
        url: url(artifact.path),
      }))
    },
    async artifact(caller, id, path) {
      const run = await reader.record(caller, id)
      const artifact = await store.artifacts.get(run.id, run.attempt, path)
      const blob = artifact && (await blobs.get(artifact.sha256))
      if (!blob)
        throw new Problem(
          'not_found',
          `The run ${id} has no artifact "${path.slice(0, 200)}", or it is not kept any more.`,
        )
      return blob
    },
  }
}
