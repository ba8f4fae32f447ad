import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { ConfigError, readSettings, unknownSettings, type Values } from '../settings/read.ts'
import { count } from '../settings/setting.ts'
import { SETTINGS } from './settings.ts'

/** Of clients, workers and commands: no concern of the server's, but no typing error either. */
const OF_OTHERS = ['VERDICT_URL', 'VERDICT_API_KEY', 'VERDICT_ALLOW_HTTP', 'VERDICT_WORKER_KEY', 'VERDICT_COPY_TO']

/** Life of a worker's lease. */
const LEASE_SECONDS = 30
/** For this repository's own tests, which wait for leases to end: in no table of settings, and never longer than in service. */
const FOR_TESTS = {
  leaseSeconds: count('VERDICT_TEST_LEASE_SECONDS', LEASE_SECONDS, "life of a worker's lease", 6, LEASE_SECONDS),
}

type Settings = Values<typeof SETTINGS & typeof FOR_TESTS>

/** The whole configuration, read once at start. Paths are absolute, sizes in bytes, durations as their names say. */
export type Config = Readonly<Omit<Settings, 'secretKey' | 'publicUrl' | 'bootstrapKeyFile'>> & {
  readonly publicUrl: string | undefined
  /** 32 bytes, or undefined: made and kept in the data folder. */
  readonly secretKey: Uint8Array | undefined
  /** What the file of VERDICT_BOOTSTRAP_KEY_FILE holds: the first key, chosen by the operator. */
  readonly chosenFirstKey: string | undefined
}

/**
 * Reads the configuration. Throws one {@link ConfigError} that names every bad value; unknown `VERDICT_*` names are only
 * warned of, since they may belong to something else.
 */
export function readConfig(
  env: Readonly<Record<string, string | undefined>>,
  cwd: string,
): { config: Config; warnings: string[] } {
  const { values: config, problems } = readSettings({ ...SETTINGS, ...FOR_TESTS }, env)
  problems.push(...contradictions(config))
  const chosenFirstKey = config.bootstrapKeyFile && readKeyFile(resolve(cwd, config.bootstrapKeyFile), problems)
  if (problems.length > 0) throw new ConfigError(problems)

  const warnings = unknownSettings(SETTINGS, OF_OTHERS, env).map(
    (name) => `${name} is not a setting of this server (npm start -- --help lists them)`,
  )
  return {
    config: Object.freeze({
      ...config,
      dataDir: resolve(cwd, config.dataDir),
      chosenFirstKey,
      publicUrl: config.publicUrl?.replace(/\/+$/, ''),
      secretKey: config.secretKey === undefined ? undefined : decodeSecretKey(config.secretKey),
    }),
    warnings,
  }
}

/** Whether only this machine can reach the address. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)
}

function contradictions(values: Settings): string[] {
  const problems: string[] = []
  if (values.publicUrl === undefined && !isLoopback(values.host)) {
    problems.push(
      `VERDICT_PUBLIC_URL is required when VERDICT_HOST (${values.host}) is not loopback: tokens and addresses name it`,
    )
  }
  const url = values.publicUrl === undefined ? undefined : URL.parse(values.publicUrl)
  if (
    values.publicUrl !== undefined &&
    !(url && /^https?:$/.test(url.protocol) && !url.search && !url.hash && !url.username)
  ) {
    problems.push('VERDICT_PUBLIC_URL must be an http or https address without query, fragment or user name')
  }
  if (values.allowUnsandboxed && !isLoopback(values.host)) {
    problems.push(
      'VERDICT_ALLOW_UNSANDBOXED goes only with a loopback VERDICT_HOST: without a sandbox a suite may do all that the server may',
    )
  }
  if (values.runner === 'process' && !values.allowUnsandboxed) {
    problems.push('VERDICT_RUNNER=process isolates nothing and needs VERDICT_ALLOW_UNSANDBOXED=1')
  }
  if (!values.databaseUrl.startsWith('sqlite:') && values.secretKey === undefined) {
    problems.push(
      'VERDICT_DATABASE_URL is of MongoDB and needs VERDICT_SECRET_KEY, the same on every node: openssl rand -base64 32 makes one',
    )
  }
  problems.push(...withoutApi(values))
  const own = `${values.publicUrl ?? `http://${values.host}:${values.port}`}`.replace(/\/+$/, '')
  if (Object.keys(values.audiences).some((audience) => audience === own || audience.startsWith(`${own}/`)))
    problems.push('VERDICT_AUDIENCES must not name this server itself: its own tokens are made by other rules')
  if ((values.oidcIssuer === undefined) !== (values.oidcAcceptedAudiences.length === 0)) {
    problems.push(
      'VERDICT_OIDC_ISSUER and VERDICT_OIDC_ACCEPTED_AUDIENCES go together: a token of the issuer that is meant for another application must not be taken',
    )
  }
  if (values.oidcIssuer !== undefined) {
    const issuer = URL.parse(values.oidcIssuer)
    const plain = issuer?.protocol === 'http:' && isLoopback(issuer.hostname.replace(/^\[|\]$/g, ''))
    if (!issuer || !(issuer.protocol === 'https:' || plain) || issuer.search || issuer.hash || issuer.username)
      problems.push(
        'VERDICT_OIDC_ISSUER must be an https address (http for loopback only), exactly as its tokens name it',
      )
  }
  if (values.secretKey !== undefined && decodeSecretKey(values.secretKey) === undefined) {
    problems.push('VERDICT_SECRET_KEY must be 32 bytes in base64 (make one: openssl rand -base64 32)')
  }
  return problems
}

/** A process that serves nobody: a sender beside API nodes, and nothing else. */
function withoutApi(values: Settings): string[] {
  if (values.roles.includes('api')) return []
  if (values.roles.includes('worker') || !values.roles.includes('sender'))
    return ['VERDICT_ROLES needs "api": elsewhere than in a server run a worker by npm run worker']
  if (values.databaseUrl.startsWith('sqlite:'))
    return ['VERDICT_ROLES without "api" needs a MongoDB that API nodes work on, too (VERDICT_DATABASE_URL)']
  return values.publicUrl === undefined
    ? ['VERDICT_PUBLIC_URL is required when VERDICT_ROLES has no "api": callbacks name the address of the API nodes']
    : []
}

function readKeyFile(path: string, problems: string[]): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch (error) {
    problems.push(`VERDICT_BOOTSTRAP_KEY_FILE cannot be read: ${(error as Error).message}`)
    return undefined
  }
}

function decodeSecretKey(encoded: string): Uint8Array | undefined {
  const bytes = Buffer.from(encoded, 'base64')
  return bytes.length === 32 && /^[A-Za-z0-9+/]{43}=$/.test(encoded) ? new Uint8Array(bytes) : undefined
}

/** Where things are in the data folder. */
export function dataPaths(dataDir: string) {
  return {
    database: join(dataDir, 'verdict.db'),
    blobs: join(dataDir, 'blobs'),
    runs: join(dataDir, 'runs'),
    sources: join(dataDir, 'sources'),
    firstKey: join(dataDir, 'first-key'),
    secretKey: join(dataDir, 'secret-key'),
  }
}
