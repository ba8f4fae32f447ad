import {
  cpSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { basename, delimiter, dirname, join } from 'node:path'
import type { Network } from '../../../contract/networks.ts'
import { OWN_HOST } from '../runner.ts'
import { findTool } from './tools.ts'

/** Where a run finds its own things, whatever the machine's paths are. */
export const WORK = '/work'
export const HOME = '/home/verdict'
const NODE_BIN = '/verdict/node/bin'
export const RUN_PATH = [NODE_BIN, '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'].join(':')
/** The user that a run is to itself; outside it is the slot's. */
export const RUN_UID = 1000

/** Arguments for bubblewrap: what every sandbox of this machine shows, besides the run's own folders. */
export interface MachineFiles {
  readonly always: readonly string[]
  readonly byNetwork: Record<Network, readonly string[]>
}

/** What programs in /usr look for in /etc. No file with a secret of the machine is among it. */
const ETC_OF_USR =
  /^(alternatives|ca-certificates(\.conf)?|crypto-policies|fonts|gai\.conf|java.*|ld\.so\..*|localtime|magic|mailcap|maven.*|mime\.types|os-release|perl|pki|protocols|python.*|services|ssl|terminfo|timezone)$/
const MERGED_INTO_USR = ['/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32']
/** Names of our own in the /etc of a run, for those with a network. */
const INTERNET = { hosts: 'hosts.internet', resolver: 'resolv.internet' }
/** slirp4netns(1): the addresses of the network that it makes. */
const SLIRP = { host: '10.0.2.2', resolver: '10.0.2.3' }

/** Where Node and npm are on the machine; npm is the one that belongs to it or is first on PATH. */
export function findNode(nodePath: string, toolPath: string): { readonly node: string; readonly npm?: string } {
  const node = realpathSync(nodePath)
  const command = findTool('npm', [dirname(nodePath), dirname(node), toolPath].join(delimiter))
  // npm's command is a link into its package's `bin`.
  const npm = command && dirname(dirname(realpathSync(command)))
  return npm && basename(npm) === 'npm' ? { node, npm } : { node }
}

/**
 * Makes a run's /etc in `folder`, afresh: what programs in /usr need of the machine's, copied, and users and names of our
 * own. One folder and not thirty, because each mount costs a run its start time; so a change of the machine's /etc is
 * seen by runs after the next start of the worker.
 */
export function makeEtc(folder: string, paths: readonly string[], loopbackAllowed: boolean): void {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { mode: 0o755 })
  const wanted = paths.includes('/usr') ? readdirSync('/etc').filter((name) => ETC_OF_USR.test(name)) : []
  for (const name of wanted) {
    const options = { recursive: true, verbatimSymlinks: true, filter: isForEverybody, force: true }
    cpSync(join('/etc', name), join(folder, name), options)
  }
  const localhost = ['127.0.0.1 localhost verdict', '::1 localhost']
  const files: Record<string, readonly string[]> = {
    passwd: [
      'root:x:0:0:root:/:/usr/sbin/nologin',
      `verdict:x:${RUN_UID}:${RUN_UID}:verdict:${HOME}:/bin/sh`,
      'nobody:x:65534:65534:nobody:/:/usr/sbin/nologin',
    ],
    group: ['root:x:0:', `verdict:x:${RUN_UID}:`, 'nogroup:x:65534:'],
    'nsswitch.conf': ['passwd: files', 'group: files', 'hosts: files dns', 'services: files'],
    hosts: localhost,
    'resolv.conf': [],
    [INTERNET.hosts]: [...localhost, ...(loopbackAllowed ? [`${SLIRP.host} ${OWN_HOST}`] : [])],
    [INTERNET.resolver]: [`nameserver ${SLIRP.resolver}`],
  }
  for (const [name, lines] of Object.entries(files)) {
    writeFileSync(join(folder, name), lines.map((line) => `${line}\n`).join(''), { mode: 0o644 })
  }
  for (const path of paths) if (path.startsWith('/etc/')) makeMountPoint(path, join(folder, path.slice('/etc/'.length)))
}

/** As root everything can be read; a run gets what every user of the machine can: not /etc/ssl/private. */
function isForEverybody(file: string): boolean {
  const stat = lstatSync(file)
  if (stat.isSymbolicLink()) return true
  return (stat.isDirectory() || stat.isFile()) && (stat.mode & 0o004) !== 0
}

function makeMountPoint(source: string, at: string): void {
  const isFolder = statSync(source).isDirectory()
  mkdirSync(isFolder ? at : dirname(at), { recursive: true })
  if (!isFolder) writeFileSync(at, '')
}

/** Where the sources are as bubblewrap finds them (see stage.ts). */
export interface MachineSources {
  readonly etc: string
  readonly node: string
  readonly npm: string | undefined
}

export function machineFiles(sources: MachineSources, paths: readonly string[]): MachineFiles {
  const own = (file: string, at: string): string[] => ['--ro-bind', join(sources.etc, file), at]
  return {
    always: [
      ...['--ro-bind', sources.etc, '/etc'],
      ...paths.flatMap((path) => ['--ro-bind', path, path]),
      ...(paths.includes('/usr') ? MERGED_INTO_USR.flatMap(mergedPath) : []),
      ...['--ro-bind', sources.node, join(NODE_BIN, 'node')],
      ...(sources.npm === undefined ? [] : npmArguments(sources.npm)),
    ],
    byNetwork: {
      none: [],
      internet: [...own(INTERNET.hosts, '/etc/hosts'), ...own(INTERNET.resolver, '/etc/resolv.conf')],
      host: ['/etc/hosts', '/etc/resolv.conf'].flatMap((file) => ['--ro-bind-try', file, file]),
    },
  }
}

function npmArguments(source: string): string[] {
  const at = join(dirname(NODE_BIN), 'lib/node_modules/npm')
  const links = ['npm', 'npx'].flatMap((name) => ['--symlink', join(at, 'bin', `${name}-cli.js`), join(NODE_BIN, name)])
  return ['--ro-bind', source, at, ...links]
}

/** /bin and its like: a link into /usr on most systems, a folder of its own on others. */
function mergedPath(path: string): string[] {
  const stat = lstatSync(path, { throwIfNoEntry: false })
  if (!stat) return []
  return stat.isSymbolicLink() ? ['--symlink', readlinkSync(path), path] : ['--ro-bind', path, path]
}
