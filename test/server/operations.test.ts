import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { temporaryFolder } from '../support/folder.ts'
import { freePort, startServer, type TestServer } from '../support/server.ts'
import { newPerson } from './people.ts'

const CLI = '#!/usr/bin/env node\nconsole.log("fixture")\n'
const digest = createHash('sha256').update(CLI).digest('hex')
const folder = temporaryFolder('verdict-cli-')
let server: TestServer
let metricsPort: number
beforeAll(async () => {
  const file = join(folder, 'verdict.mjs')
  writeFileSync(file, CLI)
  metricsPort = await freePort()
  server = await startServer({
    cli: { 'verdict.mjs': { file, sha256: digest }, 'verdict.sh': { file, sha256: digest } },
    env: { VERDICT_RUNNER: 'none', VERDICT_METRICS_PORT: String(metricsPort) },
  })
})
afterAll(async () => {
  await server?.stop()
})
const open = (path: string) => server.request('GET', path, { token: null })

describe('every answer', () => {
  it.each(['/livez', '/v1/runs', '/nowhere', '/oauth/token', '/.well-known/jwks.json'])(
    'tells browsers to run, frame and share nothing: %s',
    async (path) => {
      const { headers } = await open(path)
      expect(headers.get('content-security-policy')).toBe("default-src 'none'; frame-ancestors 'none'")
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('x-frame-options')).toBe('DENY')
      expect(headers.get('referrer-policy')).toBe('no-referrer')
      expect(headers.get('cross-origin-resource-policy')).toBe('same-origin')
    },
  )

  it('lets the reference page alone show its own files', async () => {
    const { headers } = await open('/docs/')
    expect(headers.get('content-security-policy')).toContain("default-src 'self'")
  })
})

describe('probes', () => {
  it('say that the process is alive', async () => {
    expect((await open('/livez')).json).toEqual({ status: 'alive' })
  })

  it('name a missing runner in a 200', async () => {
    const answer = await open('/readyz')
    expect([answer.status, answer.json.status]).toEqual([200, 'ready'])
    expect(answer.json.reasons.join()).toContain('VERDICT_RUNNER')
  })

  it('say which runner there is and what it isolates', async () => {
    const other = await startServer()
    const answer = await other.request('GET', '/readyz', { token: null })
    expect(answer.json.reasons.join()).toMatch(/runner process.*NOT isolated/s)
    await other.stop()
  })
})

describe('a store that is away', () => {
  it('is a 503 with a reason and a time, and all is well when it is back', async () => {
    // Another program holds the database: a backup that went wrong.
    const other = new DatabaseSync(join(server.dataDir, 'verdict.db'))
    other.exec('BEGIN IMMEDIATE')
    const json = { suite: 'a', definition: { run: 'x' } }
    const refused = await server.request('POST', '/v1/runs', { json })
    expect([refused.status, refused.json.code]).toEqual([503, 'unavailable'])
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    const ready = await open('/readyz')
    expect([ready.status, ready.json.status]).toEqual([503, 'not ready'])
    expect(ready.json.reasons[0]).toMatch(/^store: /)
    expect((await open('/livez')).status).toBe(200)
    other.exec('ROLLBACK')
    other.close()
    expect((await open('/readyz')).status).toBe(200)
    expect((await server.request('POST', '/v1/runs', { json })).status).toBe(202)
  })
})

describe('metrics', () => {
  it('count answers by route and status, never by address', async () => {
    await server.request('GET', '/v1/runs/run_secret-looking')
    const answer = await server.request('GET', '/metrics')
    expect(answer.headers.get('content-type')).toMatch(/^text\/plain/)
    expect(answer.text).toContain('route="/v1/runs/:id",status="404"')
    expect(answer.text).toContain('route="/oauth/token",status="200"')
    expect(answer.text).not.toContain('secret-looking')
  })

  it('count unfinished runs by state', async () => {
    const person = await newPerson(server)
    const json = { suite: 'a', definition: { run: 'true' } }
    await server.request('POST', '/v1/runs', { token: person.token, json })
    expect((await server.request('GET', '/metrics')).text).toMatch(/verdict_runs\{state="queued"\} [1-9]/)
  })

  it('are open on a port of their own where one is configured', async () => {
    const answer = await fetch(`http://127.0.0.1:${metricsPort}/metrics`)
    expect(answer.status).toBe(200)
    expect(await answer.text()).toContain('verdict_runs')
    expect((await fetch(`http://127.0.0.1:${metricsPort}/v1/me`)).status).toBe(404)
  })
})

describe('the API document', () => {
  it('is OpenAPI 3.1 whose references all lead somewhere', async () => {
    const { json, text } = await open('/openapi.json')
    expect(json.openapi).toBe('3.1.0')
    expect(json.servers).toEqual([{ url: server.url }])
    const references = [...text.matchAll(/"\$ref":"([^"]+)"/g)].map(([, to]) => to as string)
    expect(references.length).toBeGreaterThan(10)
    for (const reference of new Set(references)) {
      const found = reference
        .split('/')
        .slice(1)
        .reduce((at, name) => at?.[name], json)
      expect([reference, typeof found]).toEqual([reference, 'object'])
    }
  })

  it('tells of every operation what it does, takes and answers', async () => {
    const { json } = await open('/openapi.json')
    for (const [path, operations] of Object.entries<Record<string, Record<string, object>>>(json.paths)) {
      for (const [method, operation] of Object.entries(operations)) {
        const name = `${method} ${path}`
        expect([name, operation]).toEqual([
          name,
          expect.objectContaining({ summary: expect.any(String), tags: [expect.any(String)] }),
        ])
        expect([name, Object.keys(operation.responses ?? {}).some((status) => /^[23]/.test(status))]).toEqual([
          name,
          true,
        ])
        expect([name, Object.keys(operation.responses ?? {})]).not.toEqual([name, ['default']])
        const named = [...path.matchAll(/\{([^}]+)\}/g)].map(([, parameter]) => parameter)
        const declared = ((operation.parameters ?? []) as { in: string; name: string }[]).filter(
          (one) => one.in === 'path',
        )
        expect([name, declared.map((one) => one.name).sort()]).toEqual([name, named.sort()])
      }
    }
  })
})

describe('the reference page', () => {
  it('loads only files of this server, each of which is there', async () => {
    const page = await open('/docs')
    expect(page.status).toBe(200)
    const files = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, file]) => file as string)
    expect(files.length).toBeGreaterThan(3)
    for (const file of files) {
      const url = new URL(file, `${server.url}/docs`)
      expect(url.origin).toBe(server.url)
      expect([file, (await open(url.pathname)).status]).toEqual([file, 200])
    }
    const policy = page.headers.get('content-security-policy')
    expect(policy).toContain("default-src 'self'")
    expect(policy).not.toMatch(/https?:|upgrade-insecure/)
  })
})

describe('the CLI that belongs to the server', () => {
  it('is served with its digest, as sha256sum -c reads it', async () => {
    const cli = await open('/cli/verdict.mjs')
    expect(cli.headers.get('content-type')).toBe('text/javascript; charset=utf-8')
    expect(cli.headers.get('content-length')).toBe(String(CLI.length))
    expect(cli.text).toBe(CLI)
    expect((await open('/cli/verdict.mjs.sha256')).text).toBe(`${digest}  verdict.mjs\n`)
  })

  it('has one for agents without Node beside it', async () => {
    const sh = await open('/cli/verdict.sh')
    expect([sh.headers.get('content-type'), sh.text]).toEqual(['text/x-shellscript; charset=utf-8', CLI])
    expect((await open('/cli/verdict.sh.sha256')).text).toBe(`${digest}  verdict.sh\n`)
  })

  it('is named as missing where it was not built', async () => {
    const other = await startServer({ env: { VERDICT_RUNNER: 'none' } })
    const missing = { 'verdict.mjs': 'npm run bundle', 'verdict.sh': 'shell/verdict.sh' }
    for (const [name, hint] of Object.entries(missing)) {
      for (const path of [`/cli/${name}`, `/cli/${name}.sha256`]) {
        const answer = await other.request('GET', path, { token: null })
        expect([answer.status, answer.json.detail]).toEqual([404, expect.stringContaining(hint)])
      }
    }
    await other.stop()
  })
})
