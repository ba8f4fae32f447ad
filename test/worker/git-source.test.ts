import { mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { GitCheckout } from '../../worker/work.ts'
import { git, suiteFile } from '../support/e2e-tree.ts'
import { type GitServer, startGitServer } from '../support/git-server.ts'
import { missingForSandbox } from '../support/sandbox-tools.ts'
import { GONE, type SourceWorker, startSourceWorker, suites } from '../support/source-worker.ts'

const missing = missingForSandbox(['bwrap', 'slirp4netns', 'git'])
const about = 'a worker that fetches the commit of a run'

describe.skipIf(missing)(missing ? `${about} (skipped: ${missing})` : about, { timeout: 60_000 }, () => {
  let worker: SourceWorker
  let server: GitServer
  beforeAll(async () => {
    server = await startGitServer()
    worker = await startSourceWorker()
  })
  afterAll(async () => {
    await worker?.close()
    await server?.close()
  })

  const checkout = (repository: string, commit: string, more: Partial<GitCheckout> = {}): GitCheckout => ({
    ...{ url: server.insideUrlOf(repository), commit, credential: null, submodules: false },
    ...more,
  })
  const start: SourceWorker['start'] = (...job) => worker.start(...job)
  const reasonOf: SourceWorker['reasonOf'] = (run) => worker.reasonOf(run)

  it('runs the suite of that very commit, with its variables and no network of its own', async () => {
    const first = await server.push('acme/shop', {
      ...suites('sh test.sh', { variables: { COLOUR: 'red' }, setup: 'echo ready' }),
      'test.sh': 'echo "first $COLOUR $VERDICT_COMMIT"; ls -A; ip -brief link | grep -c tap0',
    })
    await server.push('acme/shop', suites('echo second'))
    const run = start(checkout('acme/shop', first))
    await run.ended()
    expect(run.text).toContain(`fetched host.verdict.internal`)
    expect(run.text).toContain(`first red ${first}\ntest.sh\nverdict.yaml\n0\n`)
    expect(run.text).not.toContain('as pushed')
  })

  it('passes when the tests of the commit pass', async () => {
    const commit = await server.push('acme/green', suites('true'))
    const { outcome } = await start(checkout('acme/green', commit)).ended()
    expect(outcome).toMatchObject({ reason: null, results: { passed: 1, total: 1 } })
  })

  it('keeps what was pushed as the measure: no secret, network or limit more', async () => {
    const commit = await server.push(
      'acme/greedy',
      suites('env | grep -c TOKEN; ulimit -a > /dev/null; ip -brief link | grep -c tap0; true', {
        ...{ secrets: ['OTHER_TOKEN'], network: 'internet', variables: { GIVEN_TOKEN: 'open' } },
      }),
    )
    const run = start(
      checkout('acme/greedy', commit),
      { secrets: ['GIVEN_TOKEN'] },
      { secrets: { GIVEN_TOKEN: 'xyzzy-1' } },
    )
    expect(await reasonOf(run)).toBe(null)
    expect(run.text).toContain('not given: OTHER_TOKEN')
    expect(run.text).toMatch(/^1\n0\n/m)
  })

  it('opens a private repository by its credential, of which the run sees nothing', async () => {
    const look =
      'env; cat /proc/*/environ /proc/*/cmdline | tr "\\0" "\\n"; find /work /home /tmp -name credential; true'
    const commit = await server.push('private/shop', suites(look))
    for (const credential of ['git-token-1', 'x-access-token:git-token-1\n']) {
      const run = start(checkout('private/shop', commit, { credential }))
      expect(await reasonOf(run)).toBe(null)
      expect(run.text).not.toMatch(/git-token-1|\*\*\*|\/credential|GIT_CONFIG/)
    }
    const folders = () => readdirSync(worker.runs).filter((name) => name.startsWith('run-'))
    await expect.poll(folders, { timeout: 5000 }).toEqual([])
    expect(worker.under.logged.join()).not.toContain('git-token-1')
  })

  it('has the credential in no process list while it fetches', async () => {
    const commit = await server.push('private/watched', suites('true'))
    let seen = ''
    let fetching = 0
    const watch = setInterval(() => {
      for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
        try {
          const line = readFileSync(`/proc/${pid}/cmdline`, 'latin1')
          if (line.includes('private/watched') && line.includes('remote-http')) fetching++
          seen += line.includes('git-token-1') && !line.includes('extraHeader') ? line : ''
        } catch {
          // It has ended.
        }
      }
    }, 1)
    const run = start(checkout('private/watched', commit, { credential: 'git-token-1' }))
    expect(await reasonOf(run)).toBe(null)
    clearInterval(watch)
    expect(fetching).toBeGreaterThan(0)
    expect(seen).toBe('')
  })

  it('sends the credential to its own host only, and follows no address that leads on', async () => {
    const commit = await server.push('acme/target', suites('true'))
    server.moved.set('acme/old', 'acme/target')
    const from = server.authorizations.length
    const reason = await reasonOf(start(checkout('acme/old', commit, { credential: 'git-token-1' })))
    expect(reason).toMatchObject({ code: 'source_unavailable', message: expect.stringContaining('leads on') })
    expect(server.authorizations.slice(from)).toEqual([null])
  })

  it('fetches a commit once for the suites of one push, and lets nobody else read it', async () => {
    const commit = await server.push('private/once', suites('cat verdict.yaml'))
    const own = { credential: 'git-token-1' }
    const before = worker.fetches()
    expect(await reasonOf(start(checkout('private/once', commit, own)))).toBe(null)
    const again = start(checkout('private/once', commit, own))
    expect(await reasonOf(again)).toBe(null)
    expect(again.text).toContain(`at ${commit} from an earlier fetch`)
    expect(worker.fetches()).toBe(before + 1)
    for (const credential of [null, 'other-token-3']) {
      const run = start(checkout('private/once', commit, { credential }))
      expect(await reasonOf(run)).toMatchObject({
        code: 'source_unavailable',
        message: expect.stringMatching(/refused it/),
      })
      expect(run.text).not.toContain('suites:')
    }
  })

  it('connects to the address that was checked, and has git look up nothing', async () => {
    const commit = await server.push('acme/named', suites('true'))
    const url = server.insideUrlOf('acme/named').replace('host.verdict.internal', 'forge.test')
    const before = worker.dns.asked.length
    expect(await reasonOf(start(checkout('acme/named', commit, { url })))).toBe(null)
    expect(worker.dns.asked.slice(before)).toEqual(['forge.test'])
  })

  it('fetches submodules only when asked', async () => {
    const part = await server.push('acme/part', { 'part.txt': 'of the part' })
    await server.push('acme/whole', suites('cat lib/part.txt'))
    const folder = server.checkoutOf('acme/whole')
    await git(folder, '-c', 'protocol.http.allow=always', 'submodule', 'add', server.urlOf('acme/part'), 'lib')
    await git(folder, 'config', '-f', '.gitmodules', 'submodule.lib.url', server.insideUrlOf('acme/part'))
    const commit = await server.push('acme/whole', {})
    expect(part).toMatch(/^[0-9a-f]{40}$/)
    const without = start(checkout('acme/whole', commit))
    expect((await reasonOf(without))?.code).toBe('command_failed')
    const run = start(checkout('acme/whole', commit, { submodules: true }))
    expect(await reasonOf(run)).toBe(null)
    expect(run.text).toContain('of the part')
  })

  it.each(['file:///etc', 'ext::sh -c "touch /tmp/x"', '/etc'])('fetches no submodule from %s', async (url) => {
    await server.push('acme/bad-part', { 'part.txt': 'x' })
    await server.push('acme/tricky', suites('true'))
    const folder = server.checkoutOf('acme/tricky')
    await git(folder, 'submodule', 'add', '--force', server.urlOf('acme/bad-part'), 'lib').catch(() => undefined)
    await git(folder, 'config', '-f', '.gitmodules', 'submodule.lib.url', url)
    const commit = await server.push('acme/tricky', {})
    const reason = await reasonOf(start(checkout('acme/tricky', commit, { submodules: true })))
    expect(reason, url).toMatchObject({ code: 'commit_missing', message: expect.stringContaining('submodules') })
  })

  it('leaves out links that lead out of the tree, and reads no suite file through one', async () => {
    await server.push('acme/links', suites('ls -A | sort | tr "\\n" " "'))
    const folder = server.checkoutOf('acme/links')
    symlinkSync('/etc/passwd', join(folder, 'absolute'))
    symlinkSync('../../etc/passwd', join(folder, 'up'))
    mkdirSync(join(folder, 'sub'))
    symlinkSync('../verdict.yaml', join(folder, 'sub', 'inside'))
    const run = start(checkout('acme/links', await server.push('acme/links', {})))
    expect(await reasonOf(run)).toBe(null)
    expect(run.text).toContain('left out: ./absolute')
    expect(run.text).toContain('sub verdict.yaml ')
    await git(folder, 'rm', '--quiet', '--force', 'verdict.yaml')
    symlinkSync('/etc/passwd', join(folder, 'verdict.yaml'))
    const reason = await reasonOf(start(checkout('acme/links', await server.push('acme/links', {}))))
    expect(reason?.code).toBe('suite_file_missing')
  })

  it('fetches a commit whose branch was deleted as long as the host has it, and says when it has not', async () => {
    const commit = await server.push('acme/deleted', suites('true'), 'topic')
    await git(server.checkoutOf('acme/deleted'), 'push', '--quiet', server.urlOf('acme/deleted'), ':topic')
    expect(await reasonOf(start(checkout('acme/deleted', commit)))).toBe(null)
    const reason = await reasonOf(start(checkout('acme/deleted', GONE)))
    expect(reason).toMatchObject({
      code: 'commit_missing',
      message: expect.stringMatching(/dddddddddddd.*branch deleted/),
    })
  })

  it.each<[string, string, Partial<GitCheckout>, string, RegExp]>([
    ['a wrong credential', 'private/locked', { credential: 'wrong-token-2' }, 'source_unavailable', /refused it/],
    ['no credential', 'private/locked', {}, 'source_unavailable', /refused it/],
    ['an empty credential', 'acme/locked', { credential: ' ' }, 'source_unavailable', /is empty/],
    ['a credential of two lines', 'acme/locked', { credential: 'a\nb' }, 'source_unavailable', /control characters/],
    ['a repository that is not there', 'acme/none', {}, 'source_unavailable', /no such repository/],
    [
      'a host that is not there',
      '',
      { url: 'https://git.invalid/a/b.git' },
      'source_unavailable',
      /git\.invalid, is not known/,
    ],
    ['a private host', '', { url: 'https://10.11.12.13/a/b.git' }, 'source_unavailable', /is private or reserved/],
    [
      'a name of one',
      '',
      { url: 'https://private.test/a.git' },
      'source_unavailable',
      /private\.test means 10\.11\.12\.13/,
    ],
    [
      'a name of one among others',
      '',
      { url: 'https://mixed.test/a.git' },
      'source_unavailable',
      /means 192\.168\.1\.1/,
    ],
    [
      'another port of a public host',
      '',
      { url: 'https://public.test:8443/a.git' },
      'source_unavailable',
      /on port 443/,
    ],
    ['no encryption to a public host', '', { url: 'http://public.test/a.git' }, 'source_unavailable', /must be https/],
    [
      'a port where nobody listens',
      '',
      { url: 'http://host.verdict.internal:1/a.git' },
      'source_unavailable',
      /cannot be reached/,
    ],
    ['a file', '', { url: 'file:///etc' }, 'source_unavailable', /must begin with https/],
    ['an option', '', { url: '--upload-pack=touch /tmp/x' }, 'source_unavailable', /must begin with https/],
  ])('says what is wrong with %s', async (_what, repository, more, code, message) => {
    if (repository.startsWith('private')) await server.push(repository, suites('true'))
    const run = start(checkout(repository, GONE, more))
    const reason = await reasonOf(run)
    expect(reason).toMatchObject({ code, message: expect.stringMatching(message) })
    expect(JSON.stringify(reason)).not.toContain('wrong-token-2')
  })

  it.each<[string, Record<string, string>, string, RegExp]>([
    ['no verdict.yaml', { readme: 'x' }, 'suite_file_missing', /has no verdict\.yaml at its root/],
    ['a broken one', { 'verdict.yaml': 'suites: {' }, 'suite_file_invalid', /verdict\.yaml:\d+:\d+: /],
    [
      'no such suite',
      { 'verdict.yaml': suiteFile({ other: { run: 'x' } }) },
      'suite_file_missing',
      /no suite smoke, only other/,
    ],
  ])('says that the commit has %s', async (what, files, code, message) => {
    const repository = `acme/${what.replace(/\W/g, '-')}`
    const reason = await reasonOf(start(checkout(repository, await server.push(repository, files))))
    expect(reason).toMatchObject({ code, message: expect.stringMatching(message) })
    expect(reason?.message).not.toContain(worker.runs)
  })

  it('stops at the disk limit of the suite', async () => {
    const noise = Array.from({ length: 400_000 }, () => Math.random().toString(36)).join('\n')
    const commit = await server.push('acme/large', { ...suites('true'), noise })
    const reason = await reasonOf(start(checkout('acme/large', commit), { limits: { diskBytes: 2 * 1024 ** 2 } }))
    expect(reason).toMatchObject({ code: 'disk_limit', message: expect.stringContaining('was fetched') })
  })

  it('is stopped within 2 s while it fetches', async () => {
    const run = start(checkout('silent/shop', GONE))
    const id = [...worker.under.work.runs.keys()].at(-1)!
    const before = server.authorizations.length
    await expect.poll(() => server.authorizations.length, { timeout: 20_000 }).toBeGreaterThan(before)
    const told = performance.now()
    worker.under.work.tell(id, { order: 'cancel', reason: 'cancelled_by_user' })
    expect(await reasonOf(run)).toMatchObject({ code: 'cancelled_by_user' })
    expect(performance.now() - told).toBeLessThan(2_000)
  })
})
