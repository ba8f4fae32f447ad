import { execFileSync } from 'node:child_process'
import { chownSync, mkdirSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'

const root = fileURLToPath(new URL('../../', import.meta.url))
const deploy = (name: string) => readFileSync(join(root, 'deploy', name), 'utf8')
/** The user node of the image. */
const USER = 1000

interface Service {
  readonly read_only?: boolean
  readonly tmpfs: readonly string[]
  readonly devices: readonly string[]
  readonly cap_drop: readonly string[]
  readonly security_opt: readonly string[]
}
interface Filter {
  readonly defaultAction: string
  readonly syscalls: readonly {
    readonly names: readonly string[]
    readonly action: string
    readonly errnoRet: number
  }[]
}

/** What Docker's default filter forbids besides that of deploy/seccomp-worker.json to who has no capability. */
const FORBIDDEN_BY_DEFAULT = ['unshare', 'setns', 'mount', 'umount2', 'pivot_root']

/**
 * An OCI bundle of the worker in `folder`, with what deploy/compose.yaml gives its container: user, capabilities, filter of
 * system calls, masked paths, read-only root, devices. In place of an image it has the /usr of this machine and this
 * repository, and it shares this machine's network. `without`: security options that are left out.
 */
export function workerBundle(
  folder: string,
  env: Readonly<Record<string, string>>,
  without: readonly string[] = [],
): void {
  const service = parse(deploy('compose.yaml')).services.worker as Service
  const options = service.security_opt.filter((option) => !without.some((name) => option.startsWith(name)))
  const data = join(folder, 'data')
  const rootfs = join(folder, 'rootfs')
  for (const name of ['usr', 'etc', 'proc', 'dev', 'sys', 'tmp', 'run', 'data', 'app', 'node'])
    mkdirSync(join(rootfs, name), { recursive: true })
  for (const name of ['bin', 'lib', 'lib64', 'sbin']) symlinkSync(`usr/${name}`, join(rootfs, name))
  mkdirSync(data)
  chownSync(data, USER, USER)
  execFileSync('runc', ['spec'], { cwd: folder })
  const spec = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8'))
  const none = Object.fromEntries(
    ['bounding', 'effective', 'inheritable', 'permitted', 'ambient'].map((set) => [set, []]),
  )
  spec.process = {
    ...spec.process,
    terminal: false,
    user: { uid: USER, gid: USER },
    args: ['/node/node', 'worker/main.ts'],
    cwd: '/app',
    env: Object.entries({
      PATH: '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin',
      VERDICT_DATA_DIR: '/data',
      ...env,
    }).map(([name, value]) => `${name}=${value}`),
    capabilities: service.cap_drop.includes('ALL') ? none : spec.process.capabilities,
    noNewPrivileges: options.includes('no-new-privileges:true'),
  }
  spec.root = { path: 'rootfs', readonly: service.read_only === true }
  const bind = (source: string, destination: string, mode = 'ro') => ({
    ...{ type: 'bind', source, destination },
    options: ['rbind', mode],
  })
  spec.mounts = [
    ...spec.mounts.filter(({ type }: { type: string }) => type !== 'cgroup'),
    ...[bind('/usr', '/usr'), bind('/etc', '/etc'), bind(root, '/app'), bind(data, '/data', 'rw')],
    bind(dirname(realpathSync(process.execPath)), '/node'),
    ...service.tmpfs.map((destination) => ({ type: 'tmpfs', source: 'tmpfs', destination, options: ['mode=1777'] })),
  ]
  const { linux } = spec
  linux.namespaces = linux.namespaces.filter(({ type }: { type: string }) => type !== 'network')
  linux.devices = service.devices.map((path) => ({ path, type: 'c', major: 10, minor: 200, fileMode: 0o666 }))
  linux.resources = { devices: [{ allow: true, access: 'rwm' }] }
  linux.seccomp = filterOf(options.find((option) => option.startsWith('seccomp=')))
  if (options.includes('systempaths=unconfined')) Object.assign(linux, { maskedPaths: [], readonlyPaths: [] })
  writeFileSync(join(folder, 'config.json'), JSON.stringify(spec))
}

function filterOf(option: string | undefined): Filter & { architectures: string[] } {
  const { defaultAction, syscalls } = JSON.parse(deploy('seccomp-worker.json')) as Filter
  const more = option === undefined ? FORBIDDEN_BY_DEFAULT : []
  return {
    defaultAction,
    architectures: [process.arch === 'arm64' ? 'SCMP_ARCH_AARCH64' : 'SCMP_ARCH_X86_64'],
    syscalls: syscalls.map(({ names, action, errnoRet }) => ({ names: [...names, ...more], action, errnoRet })),
  }
}
