import { execFile, spawnSync } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { startServer, type TestServer } from '../support/server.ts'
import { markdownFiles } from './markdown-files.ts'

const missing = ['bash', 'curl', 'sed'].filter((tool) => spawnSync(tool, ['--version']).error !== undefined)
const reason = missing.length > 0 ? ` (skipped: ${missing.join(', ')} missing)` : ''

const blocks = markdownFiles().find(({ path }) => path === 'docs/api.md')?.blocks ?? []
const shell = blocks.filter(({ language }) => language === 'sh').map(({ text }) => text)
const aboutUsers = shell.filter((text) => text.includes('/v1/users'))

async function run({ url, key }: TestServer, parts: readonly string[]): Promise<string> {
  const env = { PATH: process.env.PATH, VERDICT_URL: url, VERDICT_API_KEY: key }
  const { stdout } = await promisify(execFile)('bash', ['-c', ['set -euo pipefail', ...parts].join('\n')], { env })
  return stdout
}

describe.skipIf(missing.length > 0)(`the shell examples of docs/api.md${reason}`, () => {
  it('exchange a key, start a run, wait for its verdict, read its results, and end the token', async () => {
    const server = await startServer()
    try {
      const output = await run(
        server,
        shell.filter((text) => !aboutUsers.includes(text)),
      )
      expect(output).toContain('"state":"passed"')
      expect(output).toMatch(/hello$/m)
      expect(output).toContain('<testcase')
    } finally {
      await server.stop()
    }
  })

  it('make a service user and its key', async () => {
    const server = await startServer({ env: { VERDICT_RUNNER: 'none' } })
    try {
      const output = await run(server, [shell[0] ?? '', ...aboutUsers])
      expect(output).toMatch(/"key":"vdt_/)
    } finally {
      await server.stop()
    }
  })
})
