import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { findTool } from '../../worker/runner/sandbox/tools.ts'
import { freePort } from './server.ts'

const exec = promisify(execFile)

/** OpenSSH's server on loopback, for the user of the tests, who signs in by one key. */
export interface SshServer {
  readonly port: number
  /** As `ssh-keyscan` would print it, less the name. */
  readonly hostKey: string
  /** The private key that is let in. */
  readonly key: string
  /** A new private key. */
  newKey(options?: { readonly type?: string; readonly passphrase?: string; readonly form?: string }): Promise<KeyPair>
  /** What sshd has said so far. */
  log(): string
  close(): Promise<void>
}

export interface KeyPair {
  readonly key: string
  /** `type base64`. */
  readonly public: string
}

/** Why there is no such server here, or undefined. */
export function missingForSsh(): string | undefined {
  if (!findTool('sshd', SBIN)) return 'needs sshd (openssh-server)'
  return findTool('ssh', process.env.PATH ?? '') ? undefined : 'needs ssh (openssh-client)'
}

/** sshd is for administrators, whose PATH not everybody has. */
const SBIN = `${process.env.PATH ?? ''}:/usr/sbin:/usr/local/sbin`
const START_TRIES = 3

/** `protocol2: false`: it does not let git ask for commits that no branch ends in. */
export async function startSshServer({ protocol2 = true } = {}): Promise<SshServer> {
  const folder = await mkdtemp(join(tmpdir(), 'verdict-sshd-'))
  let keys = 0
  const newKey: SshServer['newKey'] = async ({ type = 'ed25519', passphrase = '', form = 'OpenSSH' } = {}) => {
    const file = join(folder, `key-${keys++}`)
    const more = form === 'PEM' ? ['-m', 'PEM'] : []
    await exec('ssh-keygen', ['-q', '-t', type, ...more, '-N', passphrase, '-C', 'test', '-f', file])
    const [kind, base64] = (await readFile(`${file}.pub`, 'utf8')).split(' ')
    return { key: await readFile(file, 'utf8'), public: `${kind} ${base64?.trim()}` }
  }
  const [host, user] = [await newKey(), await newKey()]
  await writeFile(join(folder, 'authorized_keys'), `${user.public}\n`, { mode: 0o600 })
  await writeFile(
    join(folder, 'sshd_config'),
    [
      'ListenAddress 127.0.0.1',
      `HostKey ${folder}/key-0`,
      `AuthorizedKeysFile ${folder}/authorized_keys`,
      'AuthenticationMethods publickey',
      'PermitRootLogin prohibit-password',
      // The folder of the keys lies below one that everybody may write to.
      'StrictModes no',
      'UsePAM no',
      'PidFile none',
      'LogLevel DEBUG1',
      ...(protocol2 ? ['AcceptEnv GIT_PROTOCOL'] : []),
      '',
    ].join('\n'),
  )
  // Where sshd has its unprivileged part live; made by the system where sshd is a service.
  mkdirSync('/run/sshd', { recursive: true, mode: 0o755 })
  const { child, port, log } = await startOnFreePort(join(folder, 'sshd_config'))
  return {
    ...{ port, hostKey: host.public, key: user.key, newKey, log },
    async close() {
      child.kill('SIGTERM')
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** sshd knows no port 0: another may have taken the one that was free. */
async function startOnFreePort(config: string) {
  for (let tries = 1; ; tries++) {
    const port = await freePort()
    const child = spawn(findTool('sshd', SBIN) ?? '', ['-D', '-e', '-f', config, '-p', String(port)], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let said = ''
    const listens = await new Promise<boolean>((resolve) => {
      child.once('exit', () => resolve(false))
      child.stderr.on('data', (chunk) => {
        said += chunk
        if (said.includes('Server listening on')) resolve(true)
      })
    })
    if (listens) return { child: child as ChildProcess, port, log: () => said }
    if (tries === START_TRIES) throw new Error(`sshd did not start: ${said}`)
  }
}
