import { createHash } from 'node:crypto'
import { mkdir, open, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { CallOptions, Client } from '../client/index.ts'
import type { Artifact } from '../contract/artifacts.ts'
import type { Run } from '../contract/runs.ts'
import { pathProblem } from '../tree/path.ts'

const PATIENCE_MS = 30_000
/** A broken download is begun anew so often. */
const TRIES = 3

export interface Downloads {
  /** Where they are now. */
  readonly files: readonly string[]
  /** What could not be had, a sentence each. */
  readonly problems: readonly string[]
}

/**
 * Downloads what the runs left behind into `directory`, as `<suite>/<path>`. The paths come from code that ran elsewhere:
 * what would lie outside of the folder is not written. Never rejects: artifacts are for people and decide nothing.
 */
export async function downloadArtifacts(
  runs: readonly Run[],
  client: Client,
  directory: string,
  options: CallOptions = {},
): Promise<Downloads> {
  const files: string[] = []
  const problems: string[] = []
  for (const run of runs.filter(({ artifacts }) => artifacts > 0)) {
    try {
      for await (const artifact of client.runs.artifacts(run.id, { patienceMs: PATIENCE_MS, ...options })) {
        const problem = pathProblem(`${run.suite}/${artifact.path}`)
        const target = join(directory, ...run.suite.split('/'), ...artifact.path.split('/'))
        const failed =
          problem === undefined ? await tryDownload(run, artifact, client, target, options) : `its path ${problem}`
        if (failed === undefined) files.push(target)
        else problems.push(`Artifact ${JSON.stringify(artifact.path)} of ${run.suite} was not kept: ${failed}`)
      }
    } catch (error) {
      problems.push(`The artifacts of ${run.suite} could not be listed: ${(error as Error).message}`)
    }
  }
  return { files, problems }
}

async function tryDownload(
  run: Run,
  artifact: Artifact,
  client: Client,
  target: string,
  options: CallOptions,
): Promise<string | undefined> {
  let failed: string | undefined
  for (let tries = 0; tries < TRIES && !options.signal?.aborted; tries++) {
    try {
      const body = await client.runs.artifact(run.id, artifact.path, { patienceMs: PATIENCE_MS, ...options })
      await write(body, artifact, target)
      return undefined
    } catch (error) {
      failed = (error as Error).message
    }
  }
  return failed ?? 'the download was ended'
}

/** Whole or not at all: nobody finds half a file under the artifact's name. */
async function write(body: AsyncIterable<Uint8Array>, { bytes, sha256 }: Artifact, target: string): Promise<void> {
  await mkdir(dirname(target), { recursive: true })
  const part = `${target}.${sha256.slice(0, 8)}.part`
  const hash = createHash('sha256')
  let size = 0
  const file = await open(part, 'w')
  try {
    for await (const chunk of body) {
      size += chunk.byteLength
      if (size > bytes) throw new Error(`it is longer than the ${bytes} bytes that the server told`)
      hash.update(chunk)
      await file.appendFile(chunk)
    }
    await file.close()
    if (hash.digest('hex') !== sha256) throw new Error('what arrived is not what the server keeps (SHA-256)')
    await rename(part, target)
  } catch (error) {
    await file.close().catch(() => {})
    await rm(part, { force: true })
    throw error
  }
}
