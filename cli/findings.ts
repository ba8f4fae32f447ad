import { KEY_EXPIRY_NOTICE_MS } from '../client/token.ts'
import type { Me } from '../contract/me.ts'
import { VERSION } from '../contract/version.ts'
import { EXIT_CODES } from '../gate/exit-code.ts'
import { WrongUseError } from '../gate/wrong-use.ts'
import { proxyFor } from '../transport/node/proxy.ts'
import type { Environment } from './config.ts'
import { exitCodeOf, explain } from './errors.ts'

/** One thing that was looked at. `exitCode` is that of the command when it failed. */
export interface Finding {
  readonly check: 'settings' | 'proxy' | 'server' | 'version' | 'clock' | 'key' | 'scopes' | 'runner'
  readonly state: 'ok' | 'warning' | 'failed'
  readonly message: string
  readonly exitCode?: number
}

/** What the server says of itself at `/readyz`. */
export interface Answer {
  readonly status: number
  readonly version: string | undefined
  readonly date: string | undefined
  readonly reasons: readonly string[]
}

/** The header has whole seconds, and a slow line adds some. */
const SKEW_MS = 30_000
/** What a build needs. */
const GATE_SCOPES = ['runs:write', 'runs:read', 'suites:read']

export function ok(check: Finding['check'], message: string): Finding {
  return { check, state: 'ok', message }
}

function warning(check: Finding['check'], message: string): Finding {
  return { check, state: 'warning', message }
}

export function failed(check: Finding['check'], error: unknown, exitCode = exitCodeOf(error)): Finding {
  return { check, state: 'failed', message: explain(error), exitCode }
}

export function proxyFinding(url: string, env: Environment): Finding {
  try {
    const proxy = proxyFor(new URL(url), env)
    return ok('proxy', proxy === undefined ? 'none for this address' : `by ${proxy.protocol}//${proxy.host}`)
  } catch (error) {
    return failed('proxy', error, EXIT_CODES.wrong_use)
  }
}

export function serverFinding(url: string, { status, version, reasons }: Answer): Finding {
  if (version === undefined) {
    const what = `${url} answered ${status}, and not as a Verdict server does: is the address right, and is the server up behind its proxy?`
    return failed('server', new WrongUseError(what))
  }
  if (status === 200) return ok('server', `${url} is ready`)
  const message = `${url} is up and not ready: ${reasons.join('; ') || `it answered ${status}`}`
  return { check: 'server', state: 'failed', message, exitCode: EXIT_CODES.no_verdict }
}

export function versionFinding(url: string, server: string | undefined): Finding {
  if (server === VERSION) return ok('version', `server and client are ${VERSION}`)
  return warning(
    'version',
    `the server is ${server}, this client is ${VERSION}: ${url}/cli/verdict.mjs is the client that belongs to it`,
  )
}

export function clockFinding(date: string | undefined, now: number): Finding {
  const skew = Date.parse(date ?? '') - now
  if (Number.isNaN(skew)) return warning('clock', 'the server does not tell its time')
  const seconds = Math.round(Math.abs(skew) / 1000)
  if (Math.abs(skew) < SKEW_MS) return ok('clock', `within ${seconds} s of the server's`)
  return warning(
    'clock',
    `this machine's clock is ${seconds} s ${skew > 0 ? 'behind' : 'ahead of'} the server's: set one of them right, or expiry dates are wrong`,
  )
}

export function keyFinding({ credential, user, workspace }: Me, now: number): Finding {
  const who = `${credential.name} (${credential.id}) of ${user.name ?? user.email ?? user.id}, ${workspace.role} of ${workspace.name}`
  if (credential.expiresAt === null) return ok('key', `${who}; never expires`)
  const message = `${who}; expires ${credential.expiresAt.slice(0, 10)}`
  if (Date.parse(credential.expiresAt) - now > KEY_EXPIRY_NOTICE_MS) return ok('key', message)
  return warning('key', `${message}: make a new one in time (\`verdict keys create\`)`)
}

export function scopesFinding({ scopes, suites }: Me): Finding {
  const missing = GATE_SCOPES.filter((scope) => !scopes.includes(scope))
  const only = suites ? `, for the suites ${suites.join(', ')} only` : ''
  if (missing.length === 0) return ok('scopes', `${scopes.join(' ')}${only}`)
  return warning(
    'scopes',
    `${scopes.join(' ')}${only}; a build also needs ${missing.join(' ')}: make a key with them (\`verdict keys create\`)`,
  )
}

/** The first of the reasons is the runner's: its name, or why there is none. */
export function runnerFinding([runner, ...notes]: readonly string[]): Finding {
  if (runner?.startsWith('runner ')) return ok('runner', [runner.slice('runner '.length), ...notes].join('; '))
  if (runner === undefined) return ok('runner', 'the server names no problem')
  return warning('runner', [runner, ...notes].join('; '))
}
