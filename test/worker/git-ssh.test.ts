import { readdirSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseAllowedCidrs } from '../../egress/addresses.ts'
import type { GitCheckout } from '../../worker/work.ts'
import { git } from '../support/e2e-tree.ts'
import { type GitServer, startGitServer } from '../support/git-server.ts'
import { missingForSandbox } from '../support/sandbox-tools.ts'
import { jobOf } from '../support/scripted-work.ts'
import { GONE, type SourceWorker, startSourceWorker, suites } from '../support/source-worker.ts'
import { type KeyPair, missingForSsh, type SshServer, startSshServer } from '../support/ssh-server.ts'
import { startWorkerUnderTest } from '../support/worker-under-test.ts'

const missing = missingForSandbox(['bwrap', 'slirp4netns', 'git']) ?? missingForSsh()
const about = 'a worker that fetches the commit of a run by ssh'
const HOST = 'host.verdict.internal'
const USER = 'root'

describe.skipIf(missing)(missing ? `${about} (skipped: ${missing})` : about, { timeout: 60_000 }, () => {
  let worker: SourceWorker
  let repositories: GitServer
  let server: SshServer
  let stranger: KeyPair
  beforeAll(async () => {
    repositories = await startGitServer()
    server = await startSshServer()
    stranger = await server.newKey()
    worker = await startSourceWorker()
  })
  afterAll(async () => {
    await worker?.close()
    await server?.close()
    await repositories?.close()
  })

  const urlOf = (repository: string, host = HOST, port = server.port) =>
    `ssh://${USER}@${host}:${port}${repositories.bareOf(repository)}`
  const checkout = (repository: string, commit: string, more: Partial<GitCheckout> = {}): GitCheckout => ({
    ...{ url: urlOf(repository), commit, credential: server.key, hostKeys: [server.hostKey], submodules: false },
    ...more,
  })
  const reasonOf = (source: GitCheckout) => worker.reasonOf(worker.start(source))

  it('runs the suite of that very commit, whichever branch it is on by now', async () => {
    const first = await repositories.push('acme/shop', suites('echo "first $VERDICT_COMMIT"; ls -A'))
    await repositories.push('acme/shop', suites('echo second'))
    const run = worker.start(checkout('acme/shop', first))
    expect(await worker.reasonOf(run)).toBe(null)
    expect(run.text).toContain(`first ${first}\nverdict.yaml\n`)
    expect(run.text).toContain(`fetched ${HOST}/`)
  })

  it('shows the run nothing of the key, and leaves nothing behind', async () => {
    const look =
      'env; cat /proc/*/environ /proc/*/cmdline | tr "\\0" "\\n"; find / -xdev -newer verdict.yaml -type f 2> /dev/null; true'
    const commit = await repositories.push('acme/look', suites(look))
    const run = worker.start(checkout('acme/look', commit))
    expect(await worker.reasonOf(run)).toBe(null)
    expect(run.text).not.toMatch(/PRIVATE KEY|\*\*\*|\/credential|known_hosts|SSH_|GIT_CONFIG/)
    const folders = () => readdirSync(worker.runs).filter((name) => name.startsWith('run-'))
    await expect.poll(folders, { timeout: 5000 }).toEqual([])
    expect(worker.under.logged.join()).not.toContain('PRIVATE KEY')
  })

  it('connects to the address that was checked, and forwards nothing', async () => {
    const commit = await repositories.push('acme/named', suites('true'))
    const before = server.log().length
    expect(await reasonOf(checkout('acme/named', commit, { url: urlOf('acme/named', 'forge.test') }))).toBe(null)
    const said = server.log().slice(before)
    expect(said).toContain('Starting session: command for root')
    expect(said).not.toMatch(/auth-agent|x11-req|pty-req|tcpip-forward/)
  })

  it.each([['rsa'], ['ecdsa'], ['ed25519']])(
    'reads a key of the type %s, also with line ends of Windows',
    async (type) => {
      const { key } = await server.newKey({ type, form: type === 'ed25519' ? 'OpenSSH' : 'PEM' })
      const commit = await repositories.push('acme/typed', suites('true'))
      const reason = await reasonOf(checkout('acme/typed', commit, { credential: key.replaceAll('\n', '\r\n') }))
      expect(reason).toMatchObject({
        code: 'source_unavailable',
        message: expect.stringMatching(/refused the key.*deploy key/),
      })
    },
  )

  it('trusts the pinned key alone, and says so when the host shows another', async () => {
    const commit = await repositories.push('acme/pinned', suites('true'))
    const accepted = () => server.log().split('Accepted publickey').length
    const before = accepted()
    const others = [[stranger.public], [(await server.newKey({ type: 'ecdsa' })).public]]
    for (const hostKeys of others) {
      const reason = await reasonOf(checkout('acme/pinned', commit, { hostKeys }))
      expect(reason).toMatchObject({
        code: 'source_unavailable',
        message: expect.stringMatching(/none of the "hostKeys"/),
      })
    }
    // It never came to the key.
    expect(accepted()).toBe(before)
    const both = [stranger.public, server.hostKey]
    expect(await reasonOf(checkout('acme/pinned', commit, { hostKeys: both }))).toBe(null)
  })

  it.each<[string, () => Partial<GitCheckout> | Promise<Partial<GitCheckout>>, RegExp]>([
    ['a key that the host does not know', () => ({ credential: stranger.key }), /refused the key.*deploy key/],
    ['no credential', () => ({ credential: null }), /"credential" of the suite's source is needed with ssh/],
    ['a token', () => ({ credential: 'ghp_token' }), /credential is no private key/],
    ['a public key', () => ({ credential: stranger.public }), /credential is a public key/],
    ['half a key', () => ({ credential: server.key.slice(0, 200) }), /credential is no private key/],
    [
      'a damaged key',
      () => ({ credential: server.key.replace(/\n(\S{20})/, '\nAAAA$1') }),
      /cannot read the suite's credential|refused the key/,
    ],
    [
      'a key of PuTTY',
      () => ({ credential: 'PuTTY-User-Key-File-3: ssh-ed25519\n' }),
      /export it in the form of OpenSSH/,
    ],
    [
      'a passphrase',
      async () => ({ credential: (await server.newKey({ passphrase: 'xyzzy' })).key }),
      /has a passphrase|with a passphrase/,
    ],
    [
      'a passphrase of PEM',
      async () => ({ credential: (await server.newKey({ type: 'rsa', form: 'PEM', passphrase: 'xyzzy' })).key }),
      /with a passphrase/,
    ],
    ['no pinned key', () => ({ hostKeys: [] }), /"hostKeys" of the suite's source is needed/],
    ['a repository that is not there', () => ({ url: urlOf('acme/none') }), /no such repository/],
    ['a host that is not there', () => ({ url: urlOf('acme/shop', 'git.invalid') }), /git\.invalid, is not known/],
    ['a private host', () => ({ url: 'ssh://git@10.11.12.13/a/b.git' }), /is private or reserved/],
    ['a name of one', () => ({ url: 'git@private.test:a/b.git' }), /private\.test means 10\.11\.12\.13/],
    ['a name of one among others', () => ({ url: 'git@mixed.test:a/b.git' }), /means 192\.168\.1\.1/],
    ['another port of a public host', () => ({ url: 'ssh://git@public.test:2222/a.git' }), /must be on port 22/],
    ['a port where nobody listens', () => ({ url: urlOf('acme/shop', HOST, 1) }), /cannot be reached/],
    ['an option as the host', () => ({ url: 'ssh://-oProxyCommand=touch/x' }), /names no user/],
    ['an option as the user', () => ({ url: 'ssh://-oProxyCommand=touch@host/x' }), /take for something else/],
  ])('says what is wrong with %s', async (_what, more, message) => {
    const changed = await more()
    const reason = await reasonOf(checkout('acme/shop', GONE, changed))
    expect(reason).toMatchObject({ code: 'source_unavailable', message: expect.stringMatching(message) })
    expect(reason?.message).not.toMatch(/PRIVATE KEY|ghp_token|xyzzy/)
  })

  it('says when the commit is gone', async () => {
    await repositories.push('acme/shop', suites('true'))
    const reason = await reasonOf(checkout('acme/shop', GONE))
    expect(reason).toMatchObject({ code: 'commit_missing', message: expect.stringMatching(/branch deleted/) })
  })

  it.each<[string, Record<string, string>, string]>([
    ['no verdict.yaml', { readme: 'x' }, 'suite_file_missing'],
    ['a broken one', { 'verdict.yaml': 'suites: {' }, 'suite_file_invalid'],
  ])('says that the commit has %s', async (what, files, code) => {
    const repository = `acme/${what.replace(/\W/g, '-')}`
    expect(await reasonOf(checkout(repository, await repositories.push(repository, files)))).toMatchObject({ code })
  })

  it('fetches submodules of the same host by the same key, and none of another host', async () => {
    await repositories.push('acme/part', { 'part.txt': 'of the part' })
    await repositories.push('acme/whole', suites('cat lib/part.txt'))
    const folder = repositories.checkoutOf('acme/whole')
    await git(folder, '-c', 'protocol.http.allow=always', 'submodule', 'add', repositories.urlOf('acme/part'), 'lib')
    const pointTo = async (url: string) => {
      await git(folder, 'config', '-f', '.gitmodules', 'submodule.lib.url', url)
      return repositories.push('acme/whole', {})
    }
    const run = worker.start(checkout('acme/whole', await pointTo('../part.git'), { submodules: true }))
    expect(await worker.reasonOf(run)).toBe(null)
    expect(run.text).toContain('of the part')
    const elsewhere = await pointTo(urlOf('acme/part', '10.0.2.2'))
    const reason = await reasonOf(checkout('acme/whole', elsewhere, { submodules: true }))
    expect(reason).toMatchObject({
      code: 'source_unavailable',
      message: expect.stringMatching(/submodules.*host key/i),
    })
  })

  it('fetches without a sandbox, too, by nothing of the configuration of user and machine', async () => {
    const under = await startWorkerUnderTest({ git: (git) => ({ ...git, allowed: parseAllowedCidrs('127.0.0.0/8') }) })
    const commit = await repositories.push('acme/unsandboxed', suites('true'))
    const url = urlOf('acme/unsandboxed', '127.0.0.1')
    const run = under.work.add(jobOf({ run: 'false' }, { source: checkout('acme/unsandboxed', commit, { url }) }))
    expect(await worker.reasonOf(run)).toBe(null)
    await under.close()
  })

  it("says what a host must do that gives out branches' newest commits only", async () => {
    const old = await startSshServer({ protocol2: false })
    const first = await repositories.push('acme/old', suites('true'))
    const newest = await repositories.push('acme/old', suites('true'))
    const more = { url: urlOf('acme/old', HOST, old.port), credential: old.key, hostKeys: [old.hostKey] }
    expect(await reasonOf(checkout('acme/old', newest, more))).toBe(null)
    const reason = await reasonOf(checkout('acme/old', first, more))
    await old.close()
    expect(reason).toMatchObject({ code: 'commit_missing', message: expect.stringMatching(/AcceptEnv GIT_PROTOCOL/) })
  })
})
