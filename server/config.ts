import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { SETTINGS } from './settings.ts'

/** Of later parts of Verdict: a value is refused, so that nobody believes it works. */
const NOT_YET = [
  'VERDICT_KEEP_AUDIT_DAYS',
  'VERDICT_AUDIENCES',
  'VERDICT_OIDC_ISSUER',
  'VERDICT_OIDC_ACCEPTED_AUDIENCES',
  'VERDICT_OIDC_CREATE_USERS',
]
/** Of clients and workers: no concern of the server's, but no typing error either. */
const OF_OTHERS = ['VERDICT_URL', 'VERDICT_API_KEY', 'VERDICT_ALLOW_HTTP', 'VERDICT_WORKER_KEY']

type Values = { -readonly [K in keyof typeof SETTINGS]: (typeof SETTINGS)[K]['fallback'] }

/** The whole configuration, read once at start. Paths are absolute, sizes in bytes, durations as their names say. */
export type Config = Readonly<Omit<Values, 'secretKey' | 'publicUrl' | 'bootstrapKeyFile'>> & {
  readonly publicUrl: string | undefined
  /** 32 bytes, or undefined: made and kept in the data folder. */
  readonly secretKey: Uint8Array | undefined
  /** What the file of VERDICT_BOOTSTRAP_KEY_FILE holds: the first key, chosen by the operator. */
  readonly chosenFirstKey: string | undefined
}

/** Every bad value at once, one a line. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
}

/**
 * Reads the configuration. Throws one {@link ConfigError} that names every bad value; unknown `VERDICT_*` names are only
 * warned of, since they may belong to something else.
 */
export function readConfig(
  env: Readonly<Record<string, string | undefined>>,
  cwd: string,
): { config: Config; warnings: string[] } {
  const problems: string[] = []
  const values: Record<string, unknown> = {}
  for (const [field, line] of Object.entries(SETTINGS)) {
    const given = env[line.name]?.trim() ?? ''
    const reading = given === '' ? { value: line.fallback } : line.read(given)
    if ('problem' in reading) problems.push(`${line.name} ${reading.problem}`)
    values[field] = 'problem' in reading ? line.fallback : reading.value
  }
  const config = values as unknown as Values
  for (const name of NOT_YET) if (env[name]) problems.push(`${name} is not supported yet`)
  problems.push(...contradictions(config))
  const chosenFirstKey = config.bootstrapKeyFile && readKeyFile(resolve(cwd, config.bootstrapKeyFile), problems)
  if (problems.length > 0)
    throw new ConfigError(`the configuration is not usable:\n${problems.map((line) => `- ${line}`).join('\n')}`)

  const known = new Set([...Object.values(SETTINGS).map((line) => line.name), ...NOT_YET, ...OF_OTHERS])
  const warnings = Object.keys(env)
    .filter((name) => name.startsWith('VERDICT_') && !known.has(name) && !name.startsWith('VERDICT_TEST_'))
    .map((name) => `${name} is not a setting of this server (npm start -- --help lists them)`)
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

function contradictions(values: Values): string[] {
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
  if (!values.roles.includes('api')) problems.push('VERDICT_ROLES needs "api": workers elsewhere are not supported yet')
  if (values.secretKey !== undefined && decodeSecretKey(values.secretKey) === undefined) {
    problems.push('VERDICT_SECRET_KEY must be 32 bytes in base64 (make one: openssl rand -base64 32)')
  }
  return problems
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
    firstKey: join(dataDir, 'first-key'),
    secretKey: join(dataDir, 'secret-key'),
  }
}
