import { RUN_SETTINGS, RUNNER_SETTINGS } from '../settings/runner.ts'
import * as setting from '../settings/setting.ts'

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
    'sqlite: in the data folder, or mongodb://… for many nodes',
    /^(sqlite:|mongodb(\+srv)?:\/\/.+)$/,
    'must be "sqlite:", or an address of MongoDB: mongodb://user:password@host:27017/verdict?replicaSet=rs0',
  ),
  secretKey: setting.optionalText(
    'VERDICT_SECRET_KEY',
    'made and kept in the data folder',
    '32 bytes in base64: encrypts secrets at rest; required with MongoDB',
  ),
  roles: setting.list('VERDICT_ROLES', THREE, 'api,worker,sender', 'what this process does', (role) =>
    (THREE as readonly string[]).includes(role) ? undefined : `"${role}" is not one of ${THREE.join(', ')}`,
  ),
  ...RUNNER_SETTINGS,
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
  audiences: setting.wordLists(
    'VERDICT_AUDIENCES',
    'your own APIs that keys may give tokens for: JSON, audience → scopes',
  ),
  oidcIssuer: setting.optionalText(
    'VERDICT_OIDC_ISSUER',
    'none',
    'OIDC issuer whose signed-in users may manage their own keys, exactly as its tokens name it',
  ),
  oidcAcceptedAudiences: setting.list(
    'VERDICT_OIDC_ACCEPTED_AUDIENCES',
    [],
    'none',
    "the issuer's clients or APIs whose tokens are taken",
    () => undefined,
  ),
  oidcCreateUsers: setting.flag('VERDICT_OIDC_CREATE_USERS', 'users are made of people who sign in for the first time'),
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
  keepAuditDays: setting.count('VERDICT_KEEP_AUDIT_DAYS', 365, 'how long the audit log is kept', 1, 36_500),
  stopGraceSeconds: RUN_SETTINGS.stopGraceSeconds,
  allowedPrivateCidrs: RUN_SETTINGS.allowedPrivateCidrs,
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
  logLevel: RUN_SETTINGS.logLevel,
}
