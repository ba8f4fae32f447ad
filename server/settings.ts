import { arch, availableParallelism, platform } from 'node:os'
import { NETWORKS } from '../contract/networks.ts'
import { parseCidr } from '../egress/addresses.ts'
import * as setting from './setting.ts'

const GIB = 1024 ** 3
const THREE = ['api', 'worker', 'sender'] as const

/** Every setting of the server: the one place that names them. `npm start -- --help` prints this table. */
export const SETTINGS = {
  host: setting.text('VERDICT_HOST', '127.0.0.1', 'address to listen on'),
  port: setting.count('VERDICT_PORT', 4000, 'port to listen on; 0: any free one', 0, 65535),
  publicUrl: setting.optionalText(
    'VERDICT_PUBLIC_URL',
    'http://host:port',
    'how clients reach the server; required when the host is not loopback',
  ),
  dataDir: setting.text('VERDICT_DATA_DIR', '.verdict', 'folder of database, archives and artifacts'),
  databaseUrl: setting.text(
    'VERDICT_DATABASE_URL',
    'sqlite:',
    'sqlite: in the data folder',
    /^sqlite:$/,
    'must be "sqlite:"; mongodb:// is not supported yet',
  ),
  secretKey: setting.optionalText(
    'VERDICT_SECRET_KEY',
    'made and kept in the data folder',
    '32 bytes in base64: encrypts secrets at rest',
  ),
  roles: setting.list('VERDICT_ROLES', THREE, 'api,worker,sender', 'what this process does', (role) =>
    (THREE as readonly string[]).includes(role) ? undefined : `"${role}" is not one of ${THREE.join(', ')}`,
  ),
  runner: setting.choice(
    'VERDICT_RUNNER',
    ['auto', 'sandbox', 'process', 'none'],
    'auto',
    'how suites are isolated; auto: sandbox if it works, else process if allowed',
  ),
  allowUnsandboxed: setting.flag(
    'VERDICT_ALLOW_UNSANDBOXED',
    'suites may run without a sandbox; loopback only, one user only',
  ),
  workerSlots: setting.count(
    'VERDICT_WORKER_SLOTS',
    availableParallelism(),
    'runs side by side in this process',
    1,
    1000,
    'number of cores',
  ),
  workerLabels: setting.list(
    'VERDICT_WORKER_LABELS',
    [platform(), arch()],
    'operating system, architecture',
    "what a suite's runsOn may ask for",
    setting.isLabel,
  ),
  sandboxPaths: setting.list(
    'VERDICT_SANDBOX_PATHS',
    ['/usr'],
    '/usr',
    'folders that a sandboxed run sees, read-only',
    setting.isAbsolutePath,
  ),
  sandboxNetwork: setting.choice(
    'VERDICT_SANDBOX_NETWORK',
    [...NETWORKS],
    'internet',
    'the widest network that a suite may ask for',
  ),
  sandboxUidBase: setting.count(
    'VERDICT_SANDBOX_UID_BASE',
    60_000,
    'first of the user ids of sandboxed runs',
    1000,
    2 ** 31,
  ),
  sandboxMaxMemory: setting.size(
    'VERDICT_SANDBOX_MAX_MEMORY',
    4 * GIB,
    '4 GiB',
    'the most memory that a suite may ask for',
  ),
  sandboxMaxProcesses: setting.count(
    'VERDICT_SANDBOX_MAX_PROCESSES',
    2048,
    'the most processes that a suite may ask for',
    1,
    1_000_000,
  ),
  sandboxMaxDisk: setting.size(
    'VERDICT_SANDBOX_MAX_DISK',
    10 * GIB,
    '10 GiB',
    'the most disk that a suite may ask for',
  ),
  tokenTtlSeconds: setting.count('VERDICT_TOKEN_TTL_SECONDS', 900, 'life of an access token', 60, 3600),
  tokenAlgorithm: setting.choice(
    'VERDICT_TOKEN_ALGORITHM',
    ['ES256', 'RS256'],
    'ES256',
    'how access tokens are signed',
  ),
  keyMaxDays: setting.count('VERDICT_KEY_MAX_DAYS', 366, 'longest life of an API key; 0: may live for ever', 0, 36_500),
  keysPerUser: setting.count('VERDICT_KEYS_PER_USER', 100, 'active API keys of one user', 1, 100_000),
  rateExchanges: setting.count('VERDICT_RATE_EXCHANGES', 300, 'token exchanges a minute and key', 1, 1_000_000),
  rateCalls: setting.count('VERDICT_RATE_CALLS', 3000, 'calls a minute and key', 1, 10_000_000),
  trustProxy: setting.list(
    'VERDICT_TRUST_PROXY',
    [],
    'none',
    'networks of proxies whose X-Forwarded-For is believed',
    setting.isNetwork,
  ),
  corsOrigins: setting.list(
    'VERDICT_CORS_ORIGINS',
    [],
    'none',
    'origins whose pages may call the API',
    setting.isOrigin,
  ),
  runningPerWorkspace: setting.count('VERDICT_RUNNING_PER_WORKSPACE', 20, 'runs at once of one workspace', 1, 100_000),
  queuedPerWorkspace: setting.count('VERDICT_QUEUED_PER_WORKSPACE', 1000, 'queued runs of one workspace', 1, 1_000_000),
  queueTimeoutSeconds: setting.count(
    'VERDICT_QUEUE_TIMEOUT_SECONDS',
    3600,
    'how long a run may wait for a worker',
    1,
    86_400,
  ),
  archiveMaxBytes: setting.size('VERDICT_ARCHIVE_MAX_BYTES', 10_000_000, '10 MB', 'largest packed tree'),
  minFreeBytes: setting.size(
    'VERDICT_MIN_FREE_BYTES',
    256 * 1024 ** 2,
    '256 MiB',
    'below this free disk, archives and artifacts get 507',
  ),
  keepLogsDays: setting.count('VERDICT_KEEP_LOGS_DAYS', 30, 'how long logs are kept', 1, 36_500),
  keepArtifactsDays: setting.count('VERDICT_KEEP_ARTIFACTS_DAYS', 14, 'how long artifacts are kept', 1, 36_500),
  keepRunsDays: setting.count('VERDICT_KEEP_RUNS_DAYS', 365, 'how long runs are kept', 1, 36_500),
  stopGraceSeconds: setting.count(
    'VERDICT_STOP_GRACE_SECONDS',
    20,
    'how long running suites may go on at SIGTERM, before they are handed back',
    0,
    3600,
  ),
  allowedPrivateCidrs: setting.list(
    'VERDICT_ALLOWED_PRIVATE_CIDRS',
    [],
    'none',
    'private networks that suites and callbacks may reach all the same',
    problemOf(parseCidr),
  ),
  bootstrapKeyFile: setting.optionalText(
    'VERDICT_BOOTSTRAP_KEY_FILE',
    'none',
    'file that holds the first key to use, instead of a made one',
  ),
  metricsPort: setting.count(
    'VERDICT_METRICS_PORT',
    0,
    'port with open /metrics on the same host; 0: only with an admin token on the main port',
    0,
    65_535,
    'none',
  ),
  logLevel: setting.choice(
    'VERDICT_LOG_LEVEL',
    ['trace', 'debug', 'info', 'warn', 'error', 'silent'],
    'info',
    'what is logged',
  ),
}

/** What a parser says of a text that it does not take. */
function problemOf(parse: (text: string) => unknown): (text: string) => string | undefined {
  return (text) => {
    try {
      parse(text)
      return undefined
    } catch (error) {
      return (error as Error).message
    }
  }
}
