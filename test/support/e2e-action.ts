import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { MEANT } from './e2e-leaks.ts'
import { type Ended, TestProcess } from './e2e-process.ts'
import { ACTION, type Stage } from './e2e-stage.ts'

const ACTION_YML = fileURLToPath(new URL('../../action.yml', import.meta.url))
/** Files that the runner gives to a step, by the variable that names them. */
const FILES = ['GITHUB_OUTPUT', 'GITHUB_STATE', 'GITHUB_STEP_SUMMARY', 'GITHUB_ENV', 'GITHUB_PATH'] as const

/** What the runner says was checked out; git knows better where there is a repository. */
export const COMMIT = '4f2a91c'.padEnd(40, '0')

export interface StepOptions {
  /** The checkout. */
  readonly workspace: string
  /** The `with:` of the step, laid over `url` and `api-key`. */
  readonly with?: Readonly<Record<string, string>>
  /** The `env:` of the step. */
  readonly env?: Readonly<Record<string, string>>
  /** GitHub's event. */
  readonly event?: { readonly name: string; readonly payload: object }
}

/** One `uses:` step as GitHub's runner runs it: inputs with their defaults, files for what it says, state for its post. */
export class ActionStep {
  readonly #stage: Stage
  readonly #workspace: string
  readonly #folder: string
  readonly #env: Readonly<Record<string, string>>

  private constructor(stage: Stage, workspace: string, folder: string, env: Readonly<Record<string, string>>) {
    this.#stage = stage
    this.#workspace = workspace
    this.#folder = folder
    this.#env = env
    stage.leaks.folder(folder)
  }

  static async prepare(stage: Stage, options: StepOptions): Promise<ActionStep> {
    const { workspace, event = { name: 'push', payload: {} } } = options
    const folder = await stage.newFolder()
    for (const name of FILES) await writeFile(join(folder, name), '')
    await writeFile(join(folder, 'event.json'), JSON.stringify(event.payload))
    const { inputs } = parse(await readFile(ACTION_YML, 'utf8')) as { inputs: Record<string, { default?: string }> }
    const defaults = Object.fromEntries(Object.entries(inputs).map(([name, input]) => [name, input.default ?? '']))
    const given = { ...defaults, url: stage.url, 'api-key': stage.key, ...options.with }
    const env = {
      HOME: folder,
      CI: 'true',
      GITHUB_ACTIONS: 'true',
      GITHUB_WORKSPACE: workspace,
      GITHUB_SERVER_URL: 'https://github.example.com',
      GITHUB_REPOSITORY: 'acme/shop',
      GITHUB_SHA: COMMIT,
      GITHUB_REF: 'refs/heads/main',
      GITHUB_REF_NAME: 'main',
      GITHUB_RUN_ID: '4711',
      GITHUB_EVENT_NAME: event.name,
      GITHUB_EVENT_PATH: join(folder, 'event.json'),
      ...Object.fromEntries(FILES.map((name) => [name, join(folder, name)])),
      ...Object.fromEntries(
        Object.entries(given).map(([name, value]) => [`INPUT_${name.replace(/ /g, '_').toUpperCase()}`, value]),
      ),
      ...options.env,
    }
    return new ActionStep(stage, workspace, folder, env)
  }

  /** The step itself, started. */
  start(): TestProcess {
    return this.#launch({})
  }

  /** The step itself, run to its end. */
  main(): Promise<Ended> {
    return this.start().ended
  }

  /** What the runner runs at the end of the job, however the step ended. */
  async post(): Promise<Ended> {
    const state = Object.entries(await this.#named('GITHUB_STATE')).map(([name, value]) => [`STATE_${name}`, value])
    return this.#launch(Object.fromEntries(state)).ended
  }

  outputs(): Promise<Record<string, string>> {
    return this.#named('GITHUB_OUTPUT')
  }

  summary(): Promise<string> {
    return readFile(join(this.#folder, 'GITHUB_STEP_SUMMARY'), 'utf8')
  }

  #launch(state: Readonly<Record<string, string>>): TestProcess {
    const step = new TestProcess({
      program: process.execPath,
      args: [ACTION],
      cwd: this.#workspace,
      env: { ...this.#env, ...state },
    })
    this.#stage.leaks.output('the log of the Action', () => step.stdout + step.stderr, MEANT.masks)
    return step
  }

  /** `name<<delimiter`, the value's lines, `delimiter`: the last of a name counts. */
  async #named(file: (typeof FILES)[number]): Promise<Record<string, string>> {
    const text = await readFile(join(this.#folder, file), 'utf8')
    const entries = text.matchAll(/^([^\n<]+)<<([^\n]+)\n([\s\S]*?)\n\2$/gm)
    return Object.fromEntries([...entries].map(([, name, , value]) => [name, value]))
  }
}

/** Workflow commands of one kind in a log: `::error title=…,file=…::message`. */
export function commandsOf(log: string, kind: string): string[] {
  return log.split('\n').filter((line) => line.startsWith(`::${kind} `) || line.startsWith(`::${kind}::`))
}
