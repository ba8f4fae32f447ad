import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readConfig } from '../../server/config.ts'
import { helpText } from '../../server/help.ts'
import { SETTINGS } from '../../server/settings.ts'
import { ConfigError } from '../../settings/read.ts'
import { temporaryFolder } from '../support/folder.ts'

const folder = temporaryFolder('verdict-config-')
const read = (env: Record<string, string>) => readConfig(env, folder)
const problems = (env: Record<string, string>): string[] => {
  try {
    read(env)
    return []
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.message.split('\n').slice(1)
  }
}
const SECRET = Buffer.alloc(32, 7).toString('base64')

describe('the configuration', () => {
  it('has a default for everything', () => {
    const { config, warnings } = read({})
    expect(warnings).toEqual([])
    expect(config).toMatchObject({
      host: '127.0.0.1',
      port: 4000,
      dataDir: join(folder, '.verdict'),
      roles: ['api', 'worker', 'sender'],
      runner: 'auto',
      allowUnsandboxed: false,
      sandboxPaths: ['/usr'],
      sandboxNetwork: 'internet',
      sandboxUidBase: 60_000,
      sandboxMaxMemory: 4 * 2 ** 30,
      sandboxMaxProcesses: 2048,
      sandboxMaxDisk: 10 * 2 ** 30,
      tokenTtlSeconds: 900,
      tokenAlgorithm: 'ES256',
      keyMaxDays: 366,
      keysPerUser: 100,
      rateExchanges: 300,
      rateCalls: 3000,
      trustProxy: [],
      corsOrigins: [],
      runningPerWorkspace: 20,
      queuedPerWorkspace: 1000,
      queueTimeoutSeconds: 3600,
      archiveMaxBytes: 10_000_000,
      minFreeBytes: 256 * 2 ** 20,
      keepLogsDays: 30,
      keepArtifactsDays: 14,
      keepRunsDays: 365,
      stopGraceSeconds: 20,
      allowedPrivateCidrs: [],
      logLevel: 'info',
    })
    expect(Object.isFrozen(config)).toBe(true)
  })

  it('is read from every setting', () => {
    const { config } = read({
      VERDICT_HOST: '::1',
      VERDICT_PORT: ' 5000 ',
      VERDICT_PUBLIC_URL: 'https://ci.example/verdict/',
      VERDICT_DATA_DIR: '/var/lib/verdict',
      VERDICT_SECRET_KEY: SECRET,
      VERDICT_SANDBOX_MAX_MEMORY: '512 MiB',
      VERDICT_ARCHIVE_MAX_BYTES: '20MB',
      VERDICT_TRUST_PROXY: '10.0.0.0/8, ::1',
      VERDICT_CORS_ORIGINS: 'https://a.example,http://b.example:8080',
      VERDICT_ALLOWED_PRIVATE_CIDRS: '10.1.0.0/16:8080,127.0.0.1:4873,fd00::/8',
      VERDICT_WORKER_LABELS: 'linux,gpu',
      VERDICT_ALLOW_UNSANDBOXED: 'true',
    })
    expect(config).toMatchObject({
      host: '::1',
      port: 5000,
      publicUrl: 'https://ci.example/verdict',
      dataDir: '/var/lib/verdict',
      sandboxMaxMemory: 512 * 2 ** 20,
      archiveMaxBytes: 20_000_000,
      trustProxy: ['10.0.0.0/8', '::1'],
      corsOrigins: ['https://a.example', 'http://b.example:8080'],
      allowedPrivateCidrs: ['10.1.0.0/16:8080', '127.0.0.1:4873', 'fd00::/8'],
      workerLabels: ['linux', 'gpu'],
      allowUnsandboxed: true,
    })
    expect(config.secretKey).toEqual(new Uint8Array(32).fill(7))
  })

  it('has leases of 30 s, and shorter ones for tests alone', () => {
    expect(read({}).config.leaseSeconds).toBe(30)
    expect(read({ VERDICT_TEST_LEASE_SECONDS: '10' }).config.leaseSeconds).toBe(10)
    expect(() => read({ VERDICT_TEST_LEASE_SECONDS: '31' })).toThrow(/whole number from 6 to 30/)
  })

  it('takes an empty value as none', () => {
    expect(read({ VERDICT_PORT: '', VERDICT_HOST: '  ', VERDICT_PUBLIC_URL: '' }).config).toMatchObject({
      port: 4000,
      host: '127.0.0.1',
      publicUrl: undefined,
    })
  })

  it.each<[string, Record<string, string>]>([
    ['VERDICT_PORT', { VERDICT_PORT: '70000' }],
    ['VERDICT_PORT', { VERDICT_PORT: 'http' }],
    ['VERDICT_PUBLIC_URL', { VERDICT_PUBLIC_URL: 'ci.example' }],
    ['VERDICT_PUBLIC_URL', { VERDICT_PUBLIC_URL: 'ftp://ci.example' }],
    ['VERDICT_PUBLIC_URL', { VERDICT_PUBLIC_URL: 'https://ci.example/?a=b' }],
    ['VERDICT_PUBLIC_URL', { VERDICT_HOST: '0.0.0.0' }],
    ['VERDICT_DATABASE_URL', { VERDICT_DATABASE_URL: 'mongodb://localhost/verdict' }],
    ['VERDICT_SECRET_KEY', { VERDICT_SECRET_KEY: 'short' }],
    ['VERDICT_SECRET_KEY', { VERDICT_SECRET_KEY: SECRET.slice(4) }],
    ['VERDICT_ROLES', { VERDICT_ROLES: 'api,cook' }],
    ['VERDICT_ROLES', { VERDICT_ROLES: 'worker' }],
    ['VERDICT_ROLES', { VERDICT_ROLES: 'worker,sender' }],
    ['VERDICT_ROLES', { VERDICT_ROLES: 'sender' }],
    [
      'VERDICT_PUBLIC_URL',
      { VERDICT_ROLES: 'sender', VERDICT_DATABASE_URL: 'mongodb://db.example/v', VERDICT_SECRET_KEY: SECRET },
    ],
    ['VERDICT_RUNNER', { VERDICT_RUNNER: 'docker' }],
    ['VERDICT_RUNNER', { VERDICT_RUNNER: 'process' }],
    ['VERDICT_ALLOW_UNSANDBOXED', { VERDICT_ALLOW_UNSANDBOXED: 'yes' }],
    [
      'VERDICT_ALLOW_UNSANDBOXED',
      { VERDICT_ALLOW_UNSANDBOXED: '1', VERDICT_HOST: '0.0.0.0', VERDICT_PUBLIC_URL: 'https://x.example' },
    ],
    ['VERDICT_WORKER_SLOTS', { VERDICT_WORKER_SLOTS: '0' }],
    ['VERDICT_WORKER_LABELS', { VERDICT_WORKER_LABELS: 'Big Box' }],
    ['VERDICT_SANDBOX_PATHS', { VERDICT_SANDBOX_PATHS: '/usr,opt' }],
    ['VERDICT_SANDBOX_NETWORK', { VERDICT_SANDBOX_NETWORK: 'some' }],
    ['VERDICT_SANDBOX_MAX_MEMORY', { VERDICT_SANDBOX_MAX_MEMORY: '4 gigs' }],
    ['VERDICT_TOKEN_TTL_SECONDS', { VERDICT_TOKEN_TTL_SECONDS: '59' }],
    ['VERDICT_TOKEN_TTL_SECONDS', { VERDICT_TOKEN_TTL_SECONDS: '3601' }],
    ['VERDICT_TOKEN_ALGORITHM', { VERDICT_TOKEN_ALGORITHM: 'HS256' }],
    ['VERDICT_TRUST_PROXY', { VERDICT_TRUST_PROXY: '10.0.0.0/33' }],
    ['VERDICT_TRUST_PROXY', { VERDICT_TRUST_PROXY: '10.0.0.0/8:80' }],
    ['VERDICT_CORS_ORIGINS', { VERDICT_CORS_ORIGINS: '*' }],
    ['VERDICT_CORS_ORIGINS', { VERDICT_CORS_ORIGINS: 'https://a.example/' }],
    ['VERDICT_ALLOWED_PRIVATE_CIDRS', { VERDICT_ALLOWED_PRIVATE_CIDRS: '10.0.0.0/8:70000' }],
    ['VERDICT_ALLOWED_PRIVATE_CIDRS', { VERDICT_ALLOWED_PRIVATE_CIDRS: 'intranet' }],
    ['VERDICT_BOOTSTRAP_KEY_FILE', { VERDICT_BOOTSTRAP_KEY_FILE: 'none/such' }],
    ['VERDICT_LOG_LEVEL', { VERDICT_LOG_LEVEL: 'loud' }],
    ['VERDICT_OIDC_ISSUER', { VERDICT_OIDC_ISSUER: 'https://id.example' }],
    ['VERDICT_AUDIENCES', { VERDICT_AUDIENCES: '[]' }],
    ['VERDICT_AUDIENCES', { VERDICT_AUDIENCES: '{"https://api.example": "orders:read"}' }],
    ['VERDICT_AUDIENCES', { VERDICT_AUDIENCES: '{"http://127.0.0.1:4000/v1": ["admin"]}' }],
    ['VERDICT_KEEP_AUDIT_DAYS', { VERDICT_KEEP_AUDIT_DAYS: '0' }],
  ])('names %s when it is wrong: %j', (name, env) => {
    expect(problems(env)).toEqual([expect.stringContaining(name)])
  })

  it('reports every bad value together, contradictions too', () => {
    const found = problems({
      VERDICT_PORT: 'x',
      VERDICT_SECRET_KEY: 'short',
      VERDICT_HOST: '0.0.0.0',
      VERDICT_ALLOW_UNSANDBOXED: '1',
      VERDICT_ROLES: 'sender',
      VERDICT_BOOTSTRAP_KEY_FILE: 'missing',
    })
    for (const name of ['PORT', 'SECRET_KEY', 'PUBLIC_URL', 'ALLOW_UNSANDBOXED', 'ROLES', 'BOOTSTRAP_KEY_FILE']) {
      expect(found.join('\n')).toContain(`VERDICT_${name}`)
    }
  })

  it('never tells a secret in an error', () => {
    writeFileSync(join(folder, 'key'), 'vdt_not-a-key')
    expect(problems({ VERDICT_SECRET_KEY: 'c2VjcmV0LXZhbHVl', VERDICT_PORT: 'x' }).join()).not.toContain('c2VjcmV0')
    expect(read({ VERDICT_BOOTSTRAP_KEY_FILE: 'key' }).config.chosenFirstKey).toBe('vdt_not-a-key')
  })

  it('warns of a VERDICT_* that it does not know, and of nothing else', () => {
    const { warnings } = read({ VERDICT_PROT: '1', VERDICT_API_KEY: 'k', VERDICT_URL: 'u', PATH: '/bin', OTHER: 'x' })
    expect(warnings).toEqual([expect.stringContaining('VERDICT_PROT')])
  })

  it('is listed by --help, line by line, with the commands', () => {
    const help = helpText('1.2.3')
    for (const { name, help: text } of Object.values(SETTINGS)) {
      expect(help).toContain(name)
      expect(help).toContain(text)
    }
    for (const word of ['serve', 'admin-key', '1.2.3']) expect(help).toContain(word)
  })
})
