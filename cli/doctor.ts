import { type Client, serverAddress } from '../client/index.ts'
import { EXIT_CODES } from '../gate/exit-code.ts'
import { oneLine } from '../report/text.ts'
import type { TransportResponse } from '../transport/transport.ts'
import type { Call, CommandSpec } from './command.ts'
import { configPath, findSettings, readConfigFile, type Settings } from './config.ts'
import {
  type Answer,
  clockFinding,
  type Finding,
  failed,
  keyFinding,
  ok,
  proxyFinding,
  runnerFinding,
  scopesFinding,
  serverFinding,
  versionFinding,
} from './findings.ts'
import type { Host } from './host.ts'
import { withClient } from './session.ts'

const ANSWER_MS = 10_000
const PATIENCE_MS = 5_000

export const doctor: CommandSpec = {
  name: 'doctor',
  summary: 'look for what is wrong: settings, proxy, server, clock, key, scopes, runner',
  details: 'Starts nothing and changes nothing. Exits 0 when a build would get its verdict, warnings or not.',
  examples: ['verdict doctor', 'verdict doctor --url https://verdict.example.com --json'],
  emptyAnswer: { checks: [] },
  async act(call) {
    const findings: Finding[] = []
    for await (const finding of examine(call)) {
      findings.push(finding)
      if (!call.output.json) call.output.print(lineOf(finding, call.output.colors))
    }
    const checks = findings.map(({ check, state, message }) => ({ check, state, message }))
    call.output.result({ checks }, '')
    return findings.find(({ state }) => state === 'failed')?.exitCode ?? EXIT_CODES.passed
  },
}

function lineOf({ check, state, message }: Finding, colors: Call<object>['output']['colors']): string {
  const color = { ok: colors.green, warning: colors.yellow, failed: colors.red }[state]
  return `${color(state.padEnd(8))} ${check.padEnd(9)} ${oneLine(message)}`
}

/** Each check stands on the one before it: the first that fails is the last. */
async function* examine({ options, host }: Call<object>): AsyncGenerator<Finding> {
  const settings = await settingsOf(options.url, host).catch((error: Error) => failed('settings', error))
  yield 'state' in settings
    ? settings
    : ok('settings', `${settings.url} (${settings.urlFrom}), key from ${settings.keyFrom}`)
  if ('state' in settings) return

  const proxy = proxyFinding(settings.url, host.env)
  yield proxy
  if (proxy.state === 'failed') return

  const asked = host.clock.now()
  const answer = await ask(settings.url, host).catch((error: Error) => failed('server', error, EXIT_CODES.no_verdict))
  if ('state' in answer) return yield answer
  const server = serverFinding(settings.url, answer)
  yield server
  if (server.state === 'failed') return
  yield versionFinding(settings.url, answer.version)
  yield clockFinding(answer.date, (asked + host.clock.now()) / 2)

  const me = await withClient(host, settings, (client: Client) => client.me({ patienceMs: PATIENCE_MS })).catch(
    (error: Error) => failed('key', error),
  )
  if ('state' in me) return yield me
  yield keyFinding(me, host.clock.now())
  yield scopesFinding(me)
  yield runnerFinding(answer.reasons)
}

async function settingsOf(flag: string | undefined, { env, home }: Host): Promise<Settings> {
  const path = configPath(env, home)
  const settings = findSettings(flag, env, await readConfigFile(path), path)
  return { ...settings, url: serverAddress(settings.url, settings.allowHttp) }
}

async function ask(url: string, host: Host): Promise<Answer> {
  const transport = host.transport()
  try {
    const response = await transport.request({ method: 'GET', url: `${url}/readyz`, timeoutMs: ANSWER_MS })
    const { status, headers } = response
    return { status, version: headers['verdict-version'], date: headers.date, reasons: await reasonsOf(response) }
  } finally {
    transport.close()
  }
}

async function reasonsOf(response: TransportResponse): Promise<string[]> {
  const text = await response.text()
  try {
    const { reasons } = JSON.parse(text) as { reasons?: unknown }
    return Array.isArray(reasons) ? reasons.map(String) : []
  } catch {
    return []
  }
}
