import { execFile } from 'node:child_process'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it, onTestFinished } from 'vitest'
import { gitAddress, gitUrlProblem, hostKeysOf, sourceProblem } from '../../contract/git-source.ts'
import { BASICS } from '../support/e2e-process.ts'
import { hasGit } from '../support/e2e-tree.ts'

const ED25519 = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDYtCCVXb+qcnJ37SKt02poaSvGoBTTO3AppY9oJJARr'
const ECDSA =
  'ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBJ4vEMg+nR4JLRxnJspvSsX1RzI5J+awcp4Pdix77ZNHzbVMAcxt8mCbYOfZ1DNWOFtZt15poFr/kETFMXYX8Lk='

/** An address, how git is given it, and what of it is checked. */
const SSH: readonly (readonly [string, string, string, string])[] = [
  ['ssh://git@git.example/a/b.git', 'ssh://git@git.example/a/b.git', 'ssh://git.example', 'git.example/a/b'],
  ['SSH://git@Git.Example:22/a/b', 'ssh://git@git.example/a/b', 'ssh://git.example', 'git.example/a/b'],
  ['ssh://git@git.example:2222/a/b', 'ssh://git@git.example:2222/a/b', 'ssh://git.example:2222', 'git.example/a/b'],
  ['ssh://git@git.example/~/b.git', 'ssh://git@git.example/~/b.git', 'ssh://git.example', 'git.example/~/b'],
  ['git@git.example:a/b.git', 'git@git.example:a/b.git', 'ssh://git.example', 'git.example/a/b'],
  ['git@GIT.example:/srv/a/b.git/', 'git@git.example:/srv/a/b.git/', 'ssh://git.example', 'git.example/srv/a/b'],
  // What a look-up would take for loopback is written so that it is seen.
  ['ssh://git@2130706433/a', 'ssh://git@127.0.0.1/a', 'ssh://127.0.0.1', '127.0.0.1/a'],
  ['git@0x7f.1:a/b', 'git@127.0.0.1:a/b', 'ssh://127.0.0.1', '127.0.0.1/a/b'],
  ['ssh://git@[::1]/a/b', 'ssh://git@[::1]/a/b', 'ssh://[::1]', '[::1]/a/b'],
]

describe('the address of a repository', () => {
  it.each([
    ['https://git.example/a/b.git', 'https://git.example', 'git.example/a/b'],
    ['https://git.example:443/a/b/', 'https://git.example', 'git.example/a/b'],
    ['HTTPS://Git.Example:8443/a/b', 'https://git.example:8443', 'git.example:8443/a/b'],
    ['http://127.1/a', 'http://127.0.0.1', '127.0.0.1/a'],
  ])('is taken: %s', (text, endpoint, repository) => {
    expect(gitAddress(text)).toMatchObject({ transport: 'http', endpoint, repository })
  })

  it.each(SSH)('is taken, of ssh: %s', (text, href, endpoint, repository) => {
    expect(gitAddress(text)).toMatchObject({ transport: 'ssh', href, endpoint, repository })
    expect(gitAddress(href).href).toBe(href)
  })

  it.each([
    ['', /must begin with https:\/\/ or ssh:\/\//],
    ['a/b', /must begin/],
    ['/srv/git/a', /must begin/],
    ['file:///srv/git/a', /must begin/],
    ['ext::sh -c x', /must begin/],
    ['git://git.example/a', /must begin/],
    ['git+ssh://git@git.example/a', /must begin/],
    ['git.example:a/b', /must begin/],
    ['C:\\a', /must begin/],
    ['--upload-pack=touch x', /must begin/],
    ['-oProxyCommand=touch@git.example:a', /take for something else/],
    ['ssh://-oProxyCommand=touch@git.example/a', /take for something else/],
    ['ssh://git@-oProxyCommand=touch/a', /names no host/],
    ['ssh://-oProxyCommand=touch/a', /names no user/],
    ['git@-oProxyCommand=touch:a', /names no host/],
    ['ssh://git@%2doProxyCommand=touch/a', /take for something else/],
    ['ssh://%2doProxyCommand@git.example/a', /take for something else/],
    ['ssh://git@git.example/a%0ab', /take for something else/],
    ['git@git.example:--upload-pack=x', /begins with "-"/],
    ['git@git.example:-x', /begins with "-"/],
    ['ssh://git.example/a', /names no user/],
    ['ssh://@git.example/a', /names no user/],
    ['ssh://git:secret@git.example/a', /password/],
    ['git@[git.example]:a', /names no host/],
    ['git@git_example:a', /names no host/],
    ['ssh://git@/a', /names no host/],
    ['ssh://git@999.1.1.1/a', /names no host/],
    ['ssh://git@git.example:/a', /no port/],
    ['ssh://git@git.example:0/a', /no port/],
    ['ssh://git@git.example:65536/a', /no port/],
    ['ssh://git@git.example:2x/a', /no port/],
    ['ssh://git@git.example', /names no repository/],
    ['ssh://git@git.example//', /names no repository/],
    ['git@git.example:', /names no repository/],
    ['ssh://git@git.example/a?b', /query/],
    ['ssh://git@git.example/a#b', /fragment/],
    ['ssh://git@git.example/a b', /space/],
    ['ssh://git@git.exämple/a', /no address has/],
    ['ssh://git@git.example/a\nb', /must begin|no address has/],
    ['https://user@git.example/a', /user name/],
    ['https://git.example/a?b', /query/],
    ['https://git.example/', /names no repository/],
    [`https://git.example/${'a'.repeat(2000)}`, /longer/],
  ])('is refused: %s', (text, problem) => {
    expect(gitUrlProblem(text)).toMatch(problem)
  })

  it.skipIf(!hasGit).each(SSH)('means to git what it means here: %s', async (_text, href) => {
    const folder = await mkdtemp(join(tmpdir(), 'verdict-address-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const [ssh, said] = [join(folder, 'ssh'), join(folder, 'said')]
    await writeFile(ssh, `#!/bin/sh\nprintf '%s\\n' "$@" > "${said}"\n`)
    await chmod(ssh, 0o755)
    const env = { ...BASICS, GIT_SSH_COMMAND: ssh, GIT_SSH_VARIANT: 'ssh', GIT_CONFIG_NOSYSTEM: '1' }
    await promisify(execFile)('git', ['ls-remote', '--', href], { env, cwd: folder }).catch(() => undefined)
    const words = (await readFile(said, 'utf8')).trim().split('\n')
    const { host, port } = gitAddress(href)
    const atPort = port === 22 ? [] : ['-p', String(port)]
    const path = href.includes('://') ? href.replace(/^ssh:\/\/[^/]+/, '').replace(/^\/~/, '~') : href.split(':').at(-1)
    expect(words.slice(words.findIndex((word) => word.startsWith('SendEnv')) + 1)).toEqual([
      ...[...atPort, `git@${host}`],
      `git-upload-pack '${path}'`,
    ])
  })
})

describe('a source by ssh', () => {
  const source = { git: 'ssh://git@git.example/a/b', credential: 'DEPLOY_KEY', hostKeys: [ED25519] }

  it.each([
    [ED25519],
    [`${ED25519} a comment`],
    [`git.example ${ED25519}`],
    [`git.example,192.0.2.1 ${ED25519}`],
    [`[git.example]:22 ${ED25519}`],
    [`  GIT.example\t${ED25519}  `],
    [`# git.example:22 SSH-2.0\n\ngit.example ${ED25519}\r\n`],
  ])('pins the key of a line: %s', (line) => {
    expect(sourceProblem({ ...source, hostKeys: [line] })).toBeUndefined()
    expect(hostKeysOf({ ...source, hostKeys: [line] })).toEqual([ED25519])
  })

  it('pins several keys, each once and in one order', () => {
    expect(hostKeysOf({ ...source, hostKeys: [`${ED25519}\n${ECDSA}\n`] })).toEqual([ECDSA, ED25519])
    const hostKeys = [ED25519, `git.example ${ECDSA}`, `git.example ${ED25519}`]
    expect(hostKeysOf({ ...source, hostKeys })).toEqual([ECDSA, ED25519])
  })

  it.each<[string, object, string, RegExp]>([
    ['without a credential', { credential: null }, 'credential', /needed with ssh/],
    ['without a key of the host', { hostKeys: undefined }, 'hostKeys', /needed with ssh.*ssh-keyscan/],
    ['with a key of another host', { hostKeys: [`other.example ${ED25519}`] }, 'hostKeys', /another host \(other/],
    ['with a key of another port', { hostKeys: [`[git.example]:2222 ${ED25519}`] }, 'hostKeys', /another host/],
    ['with a hashed name', { hostKeys: [`|1|abc=|def= ${ED25519}`] }, 'hostKeys', /hashed/],
    ['with a certificate authority', { hostKeys: [`@cert-authority * ${ED25519}`] }, 'hostKeys', /@cert-authority/],
    ['with a revoked key', { hostKeys: [`@revoked git.example ${ED25519}`] }, 'hostKeys', /@revoked/],
    ['with a fingerprint', { hostKeys: ['SHA256:uNiVztksCsDhcc0u9e8BrqXVqaJt'] }, 'hostKeys', /no public key/],
    ['with a private key', { hostKeys: ['-----BEGIN OPENSSH PRIVATE KEY-----'] }, 'hostKeys', /no public key/],
    ['with a key of DSA', { hostKeys: ['ssh-dss AAAAB3NzaC1kc3M='] }, 'hostKeys', /no public key/],
    ['with a key that is cut off', { hostKeys: [ED25519.slice(0, -4)] }, 'hostKeys', /cut off/],
    ['with a key of another type', { hostKeys: [ECDSA.replace(/^\S+/, 'ssh-ed25519')] }, 'hostKeys', /damaged/],
    ['with no base64', { hostKeys: ['ssh-ed25519 AAAA!'] }, 'hostKeys', /damaged/],
    ['with an empty line', { hostKeys: ['\n'] }, 'hostKeys', /needed with ssh/],
    [
      'with a line of another host among its own',
      { hostKeys: [`${ED25519}\nother ${ECDSA}`] },
      'hostKeys',
      /another host/,
    ],
    ['with too many keys', { hostKeys: [`${ED25519}\n`.repeat(21)] }, 'hostKeys', /more than 20/],
    ['by https with pinned keys', { git: 'https://git.example/a' }, 'hostKeys', /of ssh only/],
  ])('is refused %s', (_what, change, field, problem) => {
    expect(sourceProblem({ ...source, ...change })).toEqual({ field, problem: expect.stringMatching(problem) })
  })
})
