import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import { promisify } from 'node:util'

/** A network of its own that reaches the internet, and not the networks that are refused. */
export interface RunNetwork {
  /** What stands before a command that is to be started in it. */
  readonly enter: readonly string[]
  close(): Promise<void>
}

export interface RunNetworkOptions {
  /** Absolute paths. */
  readonly tools: {
    readonly slirp4netns: string
    readonly unshare: string
    readonly nsenter: string
    readonly ip: string
  }
  /** IPv4 networks that get a blackhole route. */
  readonly refused: readonly string[]
  readonly loopbackAllowed: boolean
  /** Whom the run belongs to; undefined: the user of this process, who then is not root. */
  readonly uid: number | undefined
}

const START_MS = 10_000

/**
 * A user and a network namespace, held open by a process that ends with this one; slirp4netns joins it to the host's
 * sockets. Routes are set before any command is started in it, and a command there has no capability to change them. It
 * has no IPv6. Throws an Error that says which step failed.
 */
export async function openRunNetwork(options: RunNetworkOptions): Promise<RunNetwork> {
  const { tools, uid } = options
  const user = uid === undefined ? {} : { uid, gid: uid }
  const holder = spawn(tools.unshare, ['--user', '--map-root-user', '--net', '/bin/sh', '-c', 'echo; exec cat'], {
    ...user,
    env: {},
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  })
  const started: ChildProcess[] = [holder]
  const close = async (): Promise<void> => {
    for (const child of started) child.kill('SIGKILL')
    await Promise.all(started.map(ended))
  }
  try {
    await saysReady(holder, holder.stdout, 'unshare')
    const target = String(holder.pid)
    const slirp = spawn(tools.slirp4netns, slirpArguments(options, target), {
      env: {},
      stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'],
      detached: true,
    })
    started.push(slirp)
    await saysReady(slirp, slirp.stdio[3] as Readable, 'slirp4netns')
    const enter = [tools.nsenter, '--user', '--net', '--preserve-credentials', '--target', target, '--']
    await setRoutes(enter, options, user)
    return { enter, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** As root it is started outside the user namespace (for /dev/net/tun) and locks itself in: `--enable-sandbox`. */
function slirpArguments({ uid, loopbackAllowed }: RunNetworkOptions, target: string): string[] {
  return [
    ...['--configure', '--mtu=65520', '--enable-sandbox', '--enable-seccomp', '--ready-fd=3', '--exit-fd=4'],
    ...(loopbackAllowed ? [] : ['--disable-host-loopback']),
    ...(uid === undefined ? [target] : ['--netns-type=path', `/proc/${target}/ns/net`]),
    'tap0',
  ]
}

async function setRoutes(enter: readonly string[], options: RunNetworkOptions, user: object): Promise<void> {
  const networks = [...options.refused, '::/0']
  const [command, ...rest] = [...enter, options.tools.ip, '-batch', '-']
  const running = promisify(execFile)(command!, rest, { ...user, env: {}, timeout: START_MS })
  const input = running.child.stdin as Writable
  input.on('error', () => undefined)
  input.end(networks.map((network) => `route add blackhole ${network}\n`).join(''))
  try {
    await running
  } catch (cause) {
    throw new Error(`ip route: ${String((cause as { stderr?: unknown }).stderr || cause).trim()}`, { cause })
  }
}

/** Waits for the first byte that a child says when it is ready; what it wrote to standard error is in the Error. */
async function saysReady(child: ChildProcess, ready: Readable | null, name: string): Promise<void> {
  let complaint = ''
  child.stderr?.on('data', (chunk) => {
    complaint = `${complaint}${chunk}`.slice(-2_000)
  })
  child.stdio.forEach((stream) => {
    stream?.on('error', () => undefined)
  })
  const failed = new Promise<never>((_, reject) => {
    child.once('error', (error) =>
      reject(new Error(`${name} could not be started: ${error.message}`, { cause: error })),
    )
    child.once('close', (code) => reject(new Error(`${name} ended with ${code}: ${complaint.trim()}`)))
  })
  failed.catch(() => undefined)
  const late = AbortSignal.timeout(START_MS)
  await Promise.race([once(ready!, 'data', { signal: late }), failed]).catch((error) => {
    if (late.aborted) throw new Error(`${name} was not ready within ${START_MS / 1000} s: ${complaint.trim()}`)
    throw error
  })
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) await once(child, 'exit')
}
