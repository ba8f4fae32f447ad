import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { KEY } from '../client/scripted-server.ts'
import { folderWith } from '../gate/gate-world.ts'
import { BASICS } from '../support/e2e-process.ts'

const MAIN = fileURLToPath(new URL('../../action/main.ts', import.meta.url))

/** A workspace and the files through which GitHub's runner and a step talk. */
export async function job(files: Record<string, string>) {
  const workspace = await folderWith({ '.git/HEAD': '', ...files })
  const runner = await folderWith({ output: '', state: '', summary: '', 'event.json': '{}' })
  const file = (name: string) => join(runner.path, name)

  /** Starts the Action as the runner does: inputs, files, and the state that an earlier phase left. */
  async function start(inputs: Record<string, string>, more: Record<string, string> = {}) {
    const state = parseCommandFile(await readFile(file('state'), 'utf8'))
    const child = spawn(process.execPath, [MAIN], {
      cwd: workspace.path,
      env: {
        ...BASICS,
        GITHUB_ACTIONS: 'true',
        GITHUB_WORKSPACE: workspace.path,
        GITHUB_OUTPUT: file('output'),
        GITHUB_STATE: file('state'),
        GITHUB_STEP_SUMMARY: file('summary'),
        GITHUB_EVENT_PATH: file('event.json'),
        GITHUB_EVENT_NAME: 'push',
        GITHUB_REPOSITORY: 'acme/shop',
        GITHUB_SERVER_URL: 'https://github.example',
        ...Object.fromEntries(Object.entries(state).map(([name, value]) => [`STATE_${name}`, value])),
        ...Object.fromEntries(Object.entries(inputs).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value])),
        ...more,
      },
    })
    let log = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        log += text
      })
    }
    const ended = once(child, 'close')
    return {
      child,
      log: () => log,
      /** Resolves when the log has the text. */
      async until(text: string) {
        while (!log.includes(text)) await Promise.race([once(child.stdout, 'data'), ended])
      },
      async end() {
        const [code] = await ended
        const outputs = parseCommandFile(await readFile(file('output'), 'utf8'))
        return { code: code as number | null, log, outputs, summary: await readFile(file('summary'), 'utf8') }
      },
    }
  }

  return {
    workspace: workspace.path,
    start,
    run: async (inputs: Record<string, string>, more?: Record<string, string>) => (await start(inputs, more)).end(),
    setEvent: (event: object) => writeFile(file('event.json'), JSON.stringify(event)),
    async [Symbol.asyncDispose]() {
      await workspace[Symbol.asyncDispose]()
      await runner[Symbol.asyncDispose]()
    },
  }
}

export const server = (url: string) => ({ url, 'api-key': KEY })

/** `name<<delimiter`, lines, delimiter: the form of GITHUB_OUTPUT and GITHUB_STATE. The last of a name counts. */
export function parseCommandFile(text: string): Record<string, string> {
  const values: Record<string, string> = {}
  const lines = text.split('\n')
  for (let at = 0; at < lines.length; at++) {
    const [, name, delimiter] = /^([^<]+)<<(.+)$/.exec(lines[at]!) ?? []
    if (name === undefined || delimiter === undefined) continue
    const end = lines.indexOf(delimiter, at + 1)
    values[name] = lines.slice(at + 1, end).join('\n')
    at = end
  }
  return values
}
