import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { makeSecret, sign, signer, signWithAll } from '../../contract/signature.ts'
import { EVENT_TYPES } from '../../contract/webhook-events.ts'
import { RETRY_DELAYS_MS } from '../../server/domain/delivery-plan.ts'
import { temporaryFolder } from '../support/folder.ts'
import { freePort } from '../support/server.ts'
import { markdownFiles } from './markdown-files.ts'

const page = markdownFiles().find(({ path }) => path === 'docs/callbacks.md')
/** How a receiver of each language is started; the file is in a folder of its own. */
const STARTS: Record<string, { tool: string; file: string; argv: (file: string, text: string) => string[] }> = {
  ts: {
    tool: process.execPath,
    file: 'receiver.ts',
    // From the text, so that the package is found from here.
    argv: (_file, text) => ['--input-type=module-typescript', '-e', text],
  },
  python: { tool: 'python3', file: 'receiver.py', argv: (file) => [file] },
  go: { tool: 'go', file: 'receiver.go', argv: (file) => ['run', file] },
}
const isMissing = (tool: string) => spawnSync(tool, [tool === 'go' ? 'version' : '--version']).status !== 0

const snippets = [...(page?.text ?? '').matchAll(/^```([a-z]+) receiver\n([\s\S]*?)^```$/gm)].map(
  ([, language = '', text = '']) => ({ language, text, missing: isMissing(STARTS[language]?.tool ?? '') }),
)

async function started(language: string, text: string, secret: string): Promise<string> {
  const { tool, file, argv } = STARTS[language]!
  const folder = temporaryFolder('verdict-receiver-')
  writeFileSync(join(folder, file), text)
  const port = await freePort()
  const settings = { WEBHOOK_SECRET: secret, PORT: String(port), GO111MODULE: 'off', GOTOOLCHAIN: 'local' }
  // `go run`, killed, leaves what it built: in this folder.
  const env = { ...process.env, ...settings, TMPDIR: folder }
  const child: ChildProcess = spawn(tool, argv(join(folder, file), text), {
    env,
    stdio: ['ignore', 'ignore', 'ignore'],
    detached: true,
  })
  onTestFinished(() => {
    // With its group: `go run` starts the program that it built.
    process.kill(-child.pid!, 'SIGKILL')
  })
  const url = `http://127.0.0.1:${port}/`
  await expect
    .poll(
      () =>
        fetch(url, { method: 'POST', body: '{}' }).then(
          ({ status }) => status,
          () => 0,
        ),
      { timeout: 60_000 },
    )
    .toBe(400)
  return url
}

describe('the receivers of docs/callbacks.md', () => {
  it('are in the languages that it promises', () => {
    expect(snippets.map(({ language }) => language)).toEqual(['ts', 'ts', 'python', 'go'])
  })

  it.for(snippets)(
    'in $language take what is signed, and nothing else',
    { timeout: 90_000 },
    async (snippet, { skip }) => {
      const { language, text, missing } = snippet
      if (missing) skip(`${STARTS[language]?.tool} is not on PATH`)
      const secret = makeSecret(randomBytes)
      const url = await started(language, text, secret)
      const now = Math.floor(Date.now() / 1000)
      const body = JSON.stringify({ type: 'run.finished', data: { labels: ['ünï'] } })
      const send = async (signature: string, timestamp = now, content = body) => {
        const headers = {
          'webhook-id': 'evt_1',
          'webhook-timestamp': String(timestamp),
          'webhook-signature': signature,
        }
        const type = { 'content-type': 'application/json' }
        return (await fetch(url, { method: 'POST', body: content, headers: { ...headers, ...type } })).status
      }
      const good = await sign(secret, 'evt_1', now, body)
      expect(await send(good)).toBe(204)
      const other = makeSecret(randomBytes)
      expect(
        await send(await signWithAll(await Promise.all([other, secret].map((one) => signer(one))), 'evt_1', now, body)),
      ).toBe(204)
      expect(await send(await sign(other, 'evt_1', now, body))).toBe(400)
      expect(await send(good, now, `${body} `)).toBe(400)
      expect(await send(good.replace('v1,', 'v2,'))).toBe(400)
      expect(await send(await sign(secret, 'evt_1', now - 360, body), now - 360)).toBe(400)
      expect(await send(await sign(secret, 'evt_1', now + 360, body), now + 360)).toBe(400)
    },
  )
})

describe('docs/callbacks.md', () => {
  it('lists every event', () => {
    expect(Object.keys(EVENT_TYPES).filter((type) => !page?.text.includes(`| \`${type}\` |`))).toEqual([])
  })

  it('tells the pauses that there are', () => {
    const words = RETRY_DELAYS_MS.map((ms) =>
      ms < 60_000 ? `${ms / 1000} s` : ms < 3_600_000 ? `${ms / 60_000} min` : `${ms / 3_600_000} h`,
    )
    const told = `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`
    expect(page?.text.replaceAll('\n', ' ')).toContain(told)
  })
})
