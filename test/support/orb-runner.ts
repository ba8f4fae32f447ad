import { createHash } from 'node:crypto'
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type Ended, TestProcess } from './e2e-process.ts'
import type { Job, Step } from './orb-expander.ts'

/** A container of CircleCI as far as an orb sees one: where /tmp and the caches are, which shell, which environment. */
export interface OrbContainer {
  /** What is /tmp in the container. */
  readonly tmp: string
  /** The checkout. */
  readonly cwd: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** Kept over jobs, by key. */
  readonly caches: Map<string, string>
  /** The command line that runs a script; default is what CircleCI takes where there is bash. */
  readonly shell?: readonly string[]
  /** Told of each step's process as it starts. */
  readonly onStart?: (process: TestProcess, name: string) => void
}

export interface RanJob {
  /** Of the first step that failed; 0 when none did. */
  readonly exitCode: number | null
  readonly output: string
  /** What ran, by its name, in order. */
  readonly steps: readonly { readonly name: string; readonly ended: Ended }[]
  readonly restored: readonly string[]
  readonly saved: readonly string[]
  /** The folders that were kept as test results and as artifacts. */
  readonly testResults: readonly string[]
  readonly artifacts: readonly string[]
}

/** Where the orb's own files lie. */
const ITS_FOLDERS = /\/tmp\/(?=verdict-(?:orb|results))/g
const BASH = ['bash', '-eo', 'pipefail']

/** Runs the steps of an expanded job as CircleCI does: after a failure only what keeps results is done. */
export async function runJob(job: Job, container: OrbContainer): Promise<RanJob> {
  const { tmp, caches } = container
  const inContainer = (text: string) => text.replace(ITS_FOLDERS, `${tmp}/`)
  const ran = { steps: [], restored: [], saved: [], testResults: [], artifacts: [] } as {
    -readonly [K in keyof Omit<RanJob, 'exitCode' | 'output'>]: RanJob[K][number][]
  }
  let exitCode: number | null = 0
  for (const { kind, given } of job.steps) {
    const path = inContainer(String(given.path ?? ''))
    if (kind === 'store_test_results') ran.testResults.push(path)
    if (kind === 'store_artifacts') ran.artifacts.push(path)
    if (exitCode !== 0) continue
    if (kind === 'restore_cache') {
      for (const key of await Promise.all((given.keys as string[]).map((one) => cacheKey(inContainer(one))))) {
        const kept = caches.get(key)
        if (kept === undefined) continue
        ran.restored.push(key)
        await cp(kept, join(tmp, 'verdict-orb/client'), { recursive: true })
      }
    }
    if (kind === 'save_cache') {
      const key = await cacheKey(inContainer(String(given.key)))
      // A key that is there is never written again.
      if (caches.has(key)) continue
      const kept = join(dirname(tmp), `cache-${caches.size}`)
      for (const from of given.paths as string[]) await cp(inContainer(from), kept, { recursive: true })
      caches.set(key, kept)
      ran.saved.push(key)
    }
    if (kind === 'run') {
      const ended = await runStep(given, job, container, inContainer)
      ran.steps.push({ name: String(given.name), ended })
      exitCode = ended.exitCode
    }
  }
  const output = ran.steps.map(({ ended }) => ended.stdout + ended.stderr).join('')
  return { exitCode, output, ...ran }
}

async function runStep(
  given: Step['given'],
  job: Job,
  { tmp, cwd, env, shell = BASH, onStart }: OrbContainer,
  inContainer: (text: string) => string,
): Promise<Ended> {
  await mkdir(tmp, { recursive: true })
  const file = join(tmp, 'step.sh')
  await writeFile(file, inContainer(String(given.command)))
  const [program = '', ...args] = shell
  const process = new TestProcess({
    program,
    args: [...args, file],
    cwd,
    env: { ...env, ...textsOf(job.environment, String), ...textsOf(given.environment, inContainer) },
  })
  onStart?.(process, String(given.name))
  const ended = await process.ended
  await rm(file)
  return ended
}

/** CircleCI gives a boolean of `environment` to the shell as 1 or 0. */
function textsOf(values: unknown, text: (value: string) => string): Record<string, string> {
  return Object.fromEntries(
    Object.entries((values ?? {}) as Record<string, unknown>).map(([name, value]) => [
      name,
      typeof value === 'boolean' ? String(Number(value)) : text(String(value)),
    ]),
  )
}

async function cacheKey(template: string): Promise<string> {
  const [, file = ''] = /\{\{ checksum "([^"]+)" \}\}/.exec(template) ?? []
  const checksum = createHash('sha256')
    .update(await readFile(file))
    .digest('base64')
  return template.replace(/\{\{ checksum "[^"]+" \}\}/, checksum).replace('{{ arch }}', process.arch)
}
