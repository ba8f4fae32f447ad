import { AddressError, type Client, createClient, KeyError, type Notice } from '../client/index.ts'
import { VERSION } from '../contract/version.ts'
import type { Call } from './command.ts'
import { configPath, findSettings, readConfigFile, type Settings } from './config.ts'
import type { Host } from './host.ts'

const USER_AGENT = `verdict-cli/${VERSION}`

/** An outage must not fill the log: of its retries one is told so often. */
const RETRIES_TOLD_MS = 20_000

/** A command's way to the server. */
export interface Session {
  readonly client: Client
  readonly settings: Settings
}

/**
 * Runs `work` with a client of the configured server, and ends its connections afterwards. Rejects with what is wrong
 * with the configuration before any request, or as `work` does. `warn` is told of retries and of a key that ends soon.
 */
export async function withSession<T>(
  { options, host, output }: Pick<Call<object>, 'options' | 'host' | 'output'>,
  work: (session: Session) => Promise<T>,
  warn: (line: string) => void = output.warn,
): Promise<T> {
  const path = configPath(host.env, host.home)
  const settings = findSettings(options.url, host.env, await readConfigFile(path), path)
  let toldAt = Number.NEGATIVE_INFINITY
  const onNotice = (notice: Notice) => {
    if (notice.kind === 'key_expires') return warn(`${notice.message} (\`verdict keys create\`)`)
    const now = host.clock.monotonic()
    if (now - toldAt < RETRIES_TOLD_MS) return
    toldAt = now
    warn(retryLine(notice))
  }
  return withClient(host, settings, (client) => work({ client, settings }), onNotice)
}

/**
 * The same with settings that are not kept anywhere yet. What is wrong with address or key is said of the place where it
 * was found.
 */
export async function withClient<T>(
  { clock, random, transport: open }: Host,
  { url, apiKey, allowHttp, urlFrom, keyFrom }: Settings,
  work: (client: Client) => Promise<T>,
  onNotice?: (notice: Notice) => void,
): Promise<T> {
  const transport = open()
  try {
    const userAgent = USER_AGENT
    return await work(createClient({ url, apiKey, allowHttp, transport, clock, random, userAgent, onNotice }))
  } catch (error) {
    if (error instanceof AddressError) throw new AddressError(error.message.replace('VERDICT_URL', urlFrom))
    if (error instanceof KeyError) throw new KeyError(error.message.replace('VERDICT_API_KEY', keyFrom))
    throw error
  } finally {
    transport.close()
  }
}

function retryLine({ message, pauseMs }: { message: string; pauseMs: number }): string {
  return `${message}; trying again in ${Math.max(1, Math.round(pauseMs / 1000))} s`
}
