import { execFile, spawnSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import versions from '../../tools/versions.json' with { type: 'json' }
import { temporaryFolder } from '../support/folder.ts'
import { exchangeForm, startServer, type TestServer } from '../support/server.ts'
import { markdownFiles } from './markdown-files.ts'

const page = markdownFiles().find(({ path }) => path === 'docs/embedding.md')?.text ?? ''
const snippets = [...page.matchAll(/^```([a-z]+) verify\n([\s\S]*?)^```$/gm)].map(([, language = '', text = '']) => ({
  language,
  text,
}))
const tools = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'verdict-tools')
const pyjwt = join(tools, `pyjwt[crypto]-${versions.python['pyjwt[crypto]']}`, 'lib')
const golangJwt = versions.go['golang-jwt']

/** Runs a snippet in a folder of its own; resolves with what it prints, rejects when it refuses. */
const RUN: Record<
  string,
  { missing: () => string; run: (folder: string, text: string, env: object) => Promise<string> }
> = {
  ts: {
    missing: () => '',
    // From the text, so that the package is found from here.
    run: (_folder, text, env) => output(process.execPath, ['--input-type=module-typescript', '-e', text], env),
  },
  python: {
    missing: () => (existsSync(pyjwt) ? '' : 'needs PyJWT: tools/ci-tools.sh'),
    run: (folder, text, env) => {
      writeFileSync(join(folder, 'verify.py'), text)
      return output('python3', [join(folder, 'verify.py')], { ...env, PYTHONPATH: pyjwt })
    },
  },
  go: {
    missing: () => {
      const path = spawnSync('go', ['env', 'GOMODCACHE'], { encoding: 'utf8' }).stdout?.trim() ?? ''
      const there = existsSync(join(path, `github.com/golang-jwt/jwt/v5@v${golangJwt}`))
      return path !== '' && there ? '' : 'needs Go and golang-jwt: tools/ci-tools.sh'
    },
    run: async (folder, text, env) => {
      writeFileSync(join(folder, 'main.go'), text)
      writeFileSync(
        join(folder, 'go.mod'),
        `module verify\n\ngo 1.21\n\nrequire github.com/golang-jwt/jwt/v5 v${golangJwt}\n`,
      )
      const offline = { ...env, GOFLAGS: '-mod=mod', GOPROXY: 'off', GOSUMDB: 'off', GOTOOLCHAIN: 'local' }
      return output('go', ['run', '.'], offline, folder)
    },
  },
}

async function output(program: string, argv: string[], env: object, cwd?: string): Promise<string> {
  const { stdout } = await promisify(execFile)(program, argv, { env: { ...process.env, ...env }, ...(cwd && { cwd }) })
  return stdout.trim()
}

let server: TestServer
let token: string
let foreign: string
beforeAll(async () => {
  const audiences = { 'https://api.example': ['orders:read'], 'https://other.example': ['x'] }
  server = await startServer({ env: { VERDICT_RUNNER: 'none', VERDICT_AUDIENCES: JSON.stringify(audiences) } })
  const user = (
    await server.request('PUT', '/v1/users/by-external-id/auth0%7C1', { json: { metadata: { plan: 'pro' } } })
  ).json
  const json = { name: 'ci', audiences: Object.keys(audiences) }
  const { key } = (await server.request('POST', `/v1/users/${user.id}/keys`, { json })).json
  const tokenFor = async (audience: string) =>
    (await server.exchange(exchangeForm(key, { audience }))).json.access_token
  token = await tokenFor('https://api.example')
  foreign = await tokenFor('https://other.example')
})
afterAll(() => server?.stop())

describe('the verifiers of docs/embedding.md', () => {
  it('are in the languages that it promises', () => {
    expect(snippets.map(({ language }) => language)).toEqual(['ts', 'python', 'go'])
  })

  it.for(snippets)(
    'in $language take a token for the API, and refuse others',
    { timeout: 120_000 },
    async ({ language, text }, { skip }) => {
      const { missing, run } = RUN[language]!
      const reason = missing()
      if (reason !== '') return skip(reason)
      const folder = temporaryFolder('verdict-verify-')
      const verify = (one: string) => run(folder, text, { VERDICT_URL: server.url, TOKEN: one })
      expect(await verify(token)).toBe('auth0|1 orders:read')
      const own = await server.token()
      const forged = token.replace(/\.[^.]+$/, (signature) => `.${'A'.repeat(signature.length - 1)}`)
      for (const wrong of [foreign, own, forged, `${token.split('.')[0]}.${token.split('.')[1]}.`]) {
        await expect(verify(wrong)).rejects.toThrow()
      }
    },
  )
})
