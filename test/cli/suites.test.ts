import { describe, expect, it } from 'vitest'
import type { Suite } from '../../contract/suites.ts'
import { KEY, problem, type Scripted, scriptedServer } from '../client/scripted-server.ts'
import { checkout } from './checkout.ts'
import { machine, verdict } from './machine.ts'

const REPOSITORY = 'github.com/acme/shop'
const TREE = {
  'verdict.yaml':
    'project: shop\nsuites:\n  checkout: { run: npm test, files: [a.txt] }\n  smoke: { run: npm run smoke }\n',
  'a.txt': 'a',
}
const here = () => checkout(TREE, `https://ann:hunter2@${REPOSITORY}.git`)

function suiteOf(name: string, fields: Partial<Suite> = {}): Suite {
  return {
    name,
    revision: 1,
    digest: 'd'.repeat(64),
    definition: null,
    repository: REPOSITORY,
    locked: false,
    createdAt: '2026-11-01T00:00:00.000Z',
    updatedAt: '2026-11-20T09:00:00.000Z',
    ...fields,
  }
}

/** A server that takes every archive and suite; `stored` is what it has before. */
async function suiteServer(stored: readonly Suite[] = [], more: Record<string, Scripted> = {}) {
  return scriptedServer({
    'GET /v1/suites': { json: { items: stored, next: null } },
    ...more,
    '*': ({ method, path, body }) => {
      if (path.startsWith('/v1/archives/')) return { status: method === 'HEAD' ? 404 : 201, json: {} }
      const name = decodeURIComponent(path.split('/')[3] ?? '')
      const known = stored.find((suite) => suite.name === name)
      if (method === 'PUT' && path.includes('/secrets/')) return { status: 204 }
      if (method === 'PUT')
        return { json: suiteOf(name, { revision: (known?.revision ?? 0) + (body.includes('takeOver') ? 7 : 1) }) }
      if (method === 'DELETE' && known) return { status: 204 }
      return known ? { json: known } : problem(404, 'unknown_suite', { detail: `There is no suite "${name}"` })
    },
  })
}
type Server = Awaited<ReturnType<typeof suiteServer>>
const asked = ({ seen }: Server, method: string, prefix: string) =>
  seen
    .filter((one) => one.method === method && one.path.startsWith(prefix))
    .map(({ path }) => path.slice(prefix.length))

describe('suites push', () => {
  it('stores all suites of the file with their files and where they came from, but no credentials', async () => {
    await using server = await suiteServer()
    const { code, stdout } = await verdict(['suites', 'push'], { server, cwd: here() })
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: 'shop/checkout pushed, revision 1 (1 file)\nshop/smoke pushed, revision 1 (2 files)\n',
    })
    const [push] = server.seen.filter(({ path, method }) => method === 'PUT' && path === '/v1/suites/shop%2Fcheckout')
    const body = JSON.parse(push!.body.toString())
    expect(body).toMatchObject({
      definition: { run: 'npm test', archive: expect.stringMatching(/^[0-9a-f]{64}$/) },
      source: { repository: REPOSITORY, commit: expect.stringMatching(/^[0-9a-f]{40}$/), dirty: false },
    })
    expect(body).not.toHaveProperty('takeOver')
    expect(push!.body.toString()).not.toContain('hunter2')
  })

  it('stores a suite with a source without any files: its runs fetch them', async () => {
    await using server = await suiteServer()
    const source = 'source: { git: "https://git.example/acme/shop.git" }'
    const cwd = checkout({ 'verdict.yaml': `suites:\n  far: { run: npm test, ${source} }\n` })
    const { code, stdout } = await verdict(['suites', 'push'], { server, cwd })
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: 'far pushed, revision 1 (its commits come from https://git.example/acme/shop.git)\n',
    })
    const put = server.seen.find(({ method }) => method === 'PUT')
    expect(JSON.parse(put!.body.toString()).definition).toEqual({
      run: 'npm test',
      source: { git: 'https://git.example/acme/shop.git' },
    })
    expect(asked(server, 'PUT', '/v1/archives/')).toEqual([])
  })

  it('takes names, says what is unchanged, and gives the suites with --json', async () => {
    const stored = [suiteOf('shop/checkout', { revision: 4 })]
    const unchanged = { json: suiteOf('shop/checkout', { revision: 4 }) }
    await using server = await suiteServer(stored, { 'PUT /v1/suites/shop%2Fcheckout': unchanged })
    const { stdout } = await verdict(['suites', 'push', 'check*'], { server, cwd: here() })
    expect(stdout).toBe('shop/checkout unchanged, revision 4 (1 file)\n')
    const json = JSON.parse((await verdict(['suites', 'push', 'checkout', '--json'], { server, cwd: here() })).stdout)
    expect(json).toMatchObject({ items: [{ name: 'shop/checkout' }], pruned: [] })
  })

  it('uploads once more when the archive went in between', async () => {
    let refusals = 1
    await using server = await scriptedServer({
      'GET /v1/suites/shop%2Fcheckout': problem(404, 'unknown_suite'),
      'PUT /v1/suites/shop%2Fcheckout': () =>
        refusals-- > 0 ? problem(422, 'archive_missing') : { json: suiteOf('shop/checkout') },
      '*': ({ method }) => ({ status: method === 'HEAD' ? 404 : 201, json: {} }),
    })
    expect(await verdict(['suites', 'push', 'checkout'], { server, cwd: here() })).toMatchObject({ code: 0 })
  })

  it('asks for --take-over before it takes a suite from another repository', async () => {
    const conflict = problem(409, 'suite_of_other_repository', { detail: 'shop/checkout is of github.com/acme/old' })
    await using refusing = await suiteServer([], { 'PUT /v1/suites/shop%2Fcheckout': conflict })
    expect(await verdict(['suites', 'push', 'checkout'], { server: refusing, cwd: here() })).toMatchObject({
      code: 2,
      stderr: "verdict: shop/checkout is of github.com/acme/old (--take-over makes it this repository's)\n",
    })
    await using server = await suiteServer()
    const { stdout } = await verdict(['suites', 'push', 'checkout', '--take-over'], { server, cwd: here() })
    expect(stdout).toContain('revision 7')
  })

  const STORED = [
    suiteOf('shop/checkout'),
    suiteOf('shop/old'),
    suiteOf('shop/only-run', { revision: null }),
    suiteOf('shop/elsewhere', { repository: 'github.com/acme/other' }),
    suiteOf('web/old'),
  ]

  it('deletes with --prune what the file has no more, of this project and repository alone', async () => {
    await using server = await suiteServer(STORED)
    const { code, stdout } = await verdict(['suites', 'push', '--prune'], { server, cwd: here() })
    expect(code).toBe(0)
    expect(stdout).toMatch(/\nshop\/old deleted\n$/)
    expect(asked(server, 'DELETE', '/v1/suites/')).toEqual(['shop%2Fold'])
  })

  it('asks at a terminal before it prunes, and does nothing without a yes', async () => {
    await using server = await suiteServer(STORED)
    const on = machine({ terminal: true, cwd: here(), env: { VERDICT_URL: server.url, VERDICT_API_KEY: KEY } })
    const done = on.run('suites', 'push', '--prune')
    await expect.poll(on.stderr).toContain('Delete shop/old, which')
    on.type('n\n')
    expect(await done).toBe(2)
    expect([...asked(server, 'DELETE', '/'), ...asked(server, 'PUT', '/')]).toEqual([])
  })

  it.each([
    ['names beside --prune', ['--prune', 'checkout'], here, /leave the names out/],
    [
      'an unknown suite',
      ['chekcout'],
      here,
      /no suite "chekcout" \(did you mean "shop\/checkout" or "checkout"\?|no suite "chekcout"/,
    ],
    ['no suite file', [], () => checkout({}), /there is no verdict.yaml/],
    [
      'nothing to tell its own suites by',
      ['--prune'],
      () => checkout({ 'verdict.yaml': 'suites: { a: { run: x } }' }),
      /--prune cannot tell/,
    ],
  ])('changes nothing with %s', async (_, argv, folder, message) => {
    await using server = await suiteServer(STORED)
    const { code, stderr } = await verdict(['suites', 'push', ...argv], { server, cwd: folder() })
    expect(code).toBe(2)
    expect(stderr).toMatch(message)
    expect([...asked(server, 'DELETE', '/'), ...asked(server, 'PUT', '/')]).toEqual([])
  })
})

describe('stored suites', () => {
  it('are listed', async () => {
    const items = [suiteOf('shop/checkout', { locked: true }), suiteOf('a', { revision: null, repository: null })]
    await using server = await suiteServer(items)
    const { stdout } = await verdict(['suites', 'list'], { server })
    expect(stdout.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
      ['SUITE', 'REVISION', 'LOCKED', 'UPDATED (UTC)', 'REPOSITORY'],
      ['shop/checkout', '1', 'locked', '2026-11-20 09:00', REPOSITORY],
      ['a', 'not pushed', '-', '2026-11-20 09:00', '-'],
      [''],
    ])
    expect(JSON.parse((await verdict(['suites', 'list', '--json'], { server })).stdout)).toEqual({ items })
  })

  it('are shown with their revisions, by the short name within their project', async () => {
    const definition = {
      kind: 'command',
      archive: null,
      files: [],
      setup: null,
      run: 'npm test',
      report: ['report.xml'],
      artifacts: [],
      timeoutSeconds: 600,
      attempts: 2,
      concurrency: 20,
      network: 'none',
      limits: { memoryBytes: 2e9, processes: 512, diskBytes: 1e9 },
      runsOn: [],
      variables: { TARGET: 'x' },
      secrets: ['TOK'],
      locked: false,
    } as const
    const source = { repository: REPOSITORY, commit: '4f2a91c0aa', dirty: true }
    const revision = {
      suite: 'shop/checkout',
      revision: 1,
      digest: '',
      definition,
      source,
      createdAt: '2026-11-20T09:00:00.000Z',
      createdBy: null,
    }
    await using server = await suiteServer([suiteOf('shop/checkout', { definition: definition as never })], {
      'GET /v1/suites/shop%2Fcheckout/revisions': { json: { items: [revision], next: null } },
    })
    const { stdout } = await verdict(['suites', 'show', 'checkout'], { server, cwd: here() })
    expect(stdout).toContain('run         npm test\nreport      report.xml\ntimeout     10m\n')
    expect(stdout).toContain('limits      2 GB memory, 512 processes, 1 GB disk')
    expect(stdout).toMatch(/\n1 +2026-11-20 09:00 +4f2a91c \(dirty\) +github/)
  })

  it('are deleted only when all names are known', async () => {
    await using server = await suiteServer([suiteOf('a'), suiteOf('b')])
    expect(await verdict(['suites', 'delete', 'a', 'c'], { server })).toMatchObject({
      code: 2,
      stderr: 'verdict: There is no suite "c"\n',
    })
    expect(asked(server, 'DELETE', '/')).toEqual([])
    expect(await verdict(['suites', 'delete', 'a', 'b'], { server })).toMatchObject({
      code: 0,
      stdout: 'a deleted\nb deleted\n',
    })
  })

  it('are deleted at a terminal after a yes, or with --yes', async () => {
    await using server = await suiteServer([suiteOf('a')])
    const env = { VERDICT_URL: server.url, VERDICT_API_KEY: KEY }
    const on = machine({ terminal: true, env })
    const done = on.run('suites', 'delete', 'a')
    await expect.poll(on.stderr).toContain('Delete a with revisions and secrets? [y/N]')
    on.type('y\n')
    expect(await done).toBe(0)
    expect(await machine({ terminal: true, env }).run('suites', 'delete', 'a', '--yes')).toBe(0)
    expect(asked(server, 'DELETE', '/v1/suites/')).toEqual(['a', 'a'])
  })
})

describe('suites secret', () => {
  it('keeps what is piped in and never shows it', async () => {
    await using server = await suiteServer([suiteOf('smoke')])
    const outcome = await verdict(['suites', 'secret', 'set', 'smoke', 'TOK'], { server, stdin: 's3cret\n' })
    expect(outcome).toMatchObject({ code: 0, stdout: 'TOK is kept for smoke\n', stderr: '' })
    const [put] = server.seen.filter(({ method }) => method === 'PUT')
    expect([put!.path, put!.body.toString()]).toEqual(['/v1/suites/smoke/secrets/TOK', '{"value":"s3cret"}'])
  })

  it.each([
    ['a value in place of the name', 'TOK=s3cret', 'a secret has a name like SHOP_TOKEN'],
    ['a reserved name', 'PATH', 'PATH is reserved'],
  ])('refuses %s', async (_, name, message) => {
    await using server = await suiteServer([suiteOf('smoke')])
    const { code, stderr } = await verdict(['suites', 'secret', 'set', 'smoke', name], { server, stdin: 'x' })
    expect(code).toBe(2)
    expect(stderr).toContain(message)
    expect(stderr).not.toContain('s3cret')
    expect(server.seen).toEqual([])
  })

  it('lists names and dates, and deletes', async () => {
    const items = [{ name: 'TOK', createdAt: '2026-11-01T00:00:00.000Z', updatedAt: '2026-11-20T09:00:00.000Z' }]
    await using server = await suiteServer([suiteOf('smoke')], {
      'GET /v1/suites/smoke/secrets': { json: { items, next: null } },
    })
    expect((await verdict(['suites', 'secret', 'list', 'smoke'], { server })).stdout).toBe(
      'NAME  SET (UTC)\nTOK   2026-11-20 09:00\n',
    )
    expect(await verdict(['suites', 'secret', 'delete', 'smoke', 'TOK'], { server })).toMatchObject({
      code: 0,
      stdout: 'TOK of smoke is deleted\n',
    })
    expect(asked(server, 'DELETE', '/v1/suites/')).toEqual(['smoke/secrets/TOK'])
  })
})
