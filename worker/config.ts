import { resolve } from 'node:path'
import { AddressError, checkedKey, KeyError, serverAddress } from '../client/index.ts'
import { ConfigError, type Env, readSettings, unknownSettings, type Values } from '../settings/read.ts'
import { WORKER_SETTINGS } from './settings.ts'

/** The whole configuration of a worker anywhere, read once at start. `dataDir` is absolute. */
export type WorkerConfig = Readonly<Values<typeof WORKER_SETTINGS>>

/** Throws one {@link ConfigError} that names every bad value; unknown `VERDICT_*` names are only warned of. */
export function readWorkerConfig(env: Env, cwd: string): { config: WorkerConfig; warnings: string[] } {
  const { values, problems } = readSettings(WORKER_SETTINGS, env)
  const url = checked(() => serverAddress(values.url, values.allowHttp), problems)
  const key = checked(() => checkedKey(values.key), problems)
  if (values.runner === 'process' && !values.allowUnsandboxed)
    problems.push('VERDICT_RUNNER=process isolates nothing and needs VERDICT_ALLOW_UNSANDBOXED=1')
  if (problems.length > 0) throw new ConfigError(problems)
  const warnings = unknownSettings(WORKER_SETTINGS, [], env).map(
    (name) => `${name} is not a setting of a worker (npm run worker -- --help lists them)`,
  )
  const config = { ...values, url: url ?? '', key: key ?? '', dataDir: resolve(cwd, values.dataDir) }
  return { config: Object.freeze(config), warnings }
}

/** What the client says of an address or a key, in the names of a worker's settings. */
function checked(read: () => string, problems: string[]): string | undefined {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof AddressError) && !(error instanceof KeyError)) throw error
    const message = error.message.replace('`verdict keys create`', '`verdict workers create NAME`')
    problems.push(message.replaceAll('VERDICT_API_KEY', 'VERDICT_WORKER_KEY'))
    return undefined
  }
}
