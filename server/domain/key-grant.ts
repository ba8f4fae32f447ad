import type { KeyLimits } from '../../contract/key-limits.ts'
import {
  DEFAULT_KEY_SCOPES,
  isScope,
  ROLE_SCOPES,
  type Role,
  type Scope,
  SERVER_SCOPES,
} from '../../contract/scopes.ts'
import type { KeyHolder, KeyRecord } from '../store/ports/keys.ts'
import { beyond, canonicalNetworks } from './networks.ts'
import { Problem } from './problem.ts'

/** What a key may give: the bounds that a new or changed key must stay within. */
export interface Grant {
  readonly scopes: ReadonlySet<Scope>
  readonly suites: readonly string[] | null
  /** Milliseconds since 1970; null: for ever. */
  readonly expiresAt: number | null
  /** Null: from anywhere. */
  readonly allowedIps: readonly string[] | null
  readonly audiences: readonly string[]
  readonly limits: KeyLimits | null
}

const DAY_MS = 86_400_000
const DEFAULT_DAYS = 90
/** Never on others' behalf: such a key would be its maker's right in another's hand. */
export const NOT_FOR_OTHERS: readonly Scope[] = [...SERVER_SCOPES, 'members:write']

/** The scopes that a key gives now: never more than its user's role, whatever it was made with. */
export function scopesNow({ scopes }: Pick<KeyRecord, 'scopes'>, { role, admin }: KeyHolder): Scope[] {
  return scopes.filter((scope) => ROLE_SCOPES[role].includes(scope) || (admin && SERVER_SCOPES.includes(scope)))
}

/**
 * The scopes of a new key: those asked for, or the defaults as far as they go. Throws when one is unknown, is above the
 * user's role, or is above the maker's own (`exceeds_caller`).
 */
export function grantScopes(
  asked: readonly string[] | undefined,
  maker: Grant,
  user: { role: Role; admin: boolean; other: boolean },
): Scope[] {
  const ofRole = new Set<Scope>([...ROLE_SCOPES[user.role], ...(user.admin ? SERVER_SCOPES : [])])
  if (asked === undefined) return DEFAULT_KEY_SCOPES.filter((scope) => ofRole.has(scope) && maker.scopes.has(scope))
  return asked.map((scope, index) => {
    const path = `/scopes/${index}`
    const refuse = (code: 'invalid_request' | 'exceeds_caller', message: string) =>
      new Problem(code, message, { errors: [{ path, message }] })
    if (!isScope(scope) || scope === 'work')
      throw refuse('invalid_request', `There is no scope "${scope}" for API keys.`)
    if (user.other && NOT_FOR_OTHERS.includes(scope))
      throw refuse('exceeds_caller', `A key made on another's behalf never has the scope ${scope}.`)
    if (!ofRole.has(scope))
      throw refuse('exceeds_caller', `The user's role (${user.role}) does not give the scope ${scope}.`)
    if (!maker.scopes.has(scope))
      throw refuse('exceeds_caller', `The key that makes this one does not have the scope ${scope} itself.`)
    return scope
  })
}

/** The suites of a new key. Throws `exceeds_caller` when they are more than the maker's own. */
export function grantSuites(asked: readonly string[] | null | undefined, maker: Grant): string[] | null {
  if (asked == null) return maker.suites === null ? null : refuseAll(asked, maker)
  const more = maker.suites === null ? [] : asked.filter((suite) => !maker.suites?.includes(suite))
  if (more.length > 0)
    throw new Problem(
      'exceeds_caller',
      `The key that makes this one is limited to ${maker.suites?.join(', ')}, and may not give ${more.join(', ')}.`,
    )
  return [...asked]
}

function refuseAll(asked: null | undefined, maker: Grant): string[] {
  if (asked === undefined) return [...(maker.suites ?? [])]
  throw new Problem(
    'exceeds_caller',
    `The key that makes this one is limited to ${maker.suites?.join(', ')}, and may not give all suites.`,
  )
}

/**
 * When a new key ends: as asked, else in 90 days; never later than its maker's end and the operator's `maxDays` (0: no
 * limit). Throws when the asked time is past, too late, or later than the maker's own.
 */
export function grantExpiry(
  asked: string | null | undefined,
  maker: Grant,
  maxDays: number,
  now: number,
): number | null {
  const latest = Math.min(
    maxDays === 0 ? Number.POSITIVE_INFINITY : now + maxDays * DAY_MS,
    maker.expiresAt ?? Number.POSITIVE_INFINITY,
  )
  if (asked === undefined) return Math.min(now + DEFAULT_DAYS * DAY_MS, latest)
  const time = asked === null ? Number.POSITIVE_INFINITY : Date.parse(asked)
  const refuse = (code: 'invalid_request' | 'exceeds_caller', message: string) =>
    new Problem(code, message, { errors: [{ path: '/expiresAt', message }] })
  if (Number.isNaN(time)) throw refuse('invalid_request', 'expiresAt is not a time such as 2027-01-31T00:00:00Z.')
  if (time <= now) throw refuse('invalid_request', 'expiresAt is in the past.')
  // A minute of slack: the client's "in 366 days" was reckoned by its own clock.
  if (maxDays !== 0 && time > now + maxDays * DAY_MS + 60_000)
    throw refuse('invalid_request', `Keys live at most ${maxDays} days here (VERDICT_KEY_MAX_DAYS).`)
  if (maker.expiresAt !== null && time > maker.expiresAt)
    throw refuse(
      'exceeds_caller',
      `The key that makes this one ends at ${new Date(maker.expiresAt).toISOString()} itself.`,
    )
  return time === Number.POSITIVE_INFINITY ? null : time
}

/**
 * From where a new key may be used: as asked, else as its maker. Throws when an entry is no network, or lies beyond the
 * maker's own.
 */
export function grantIps(asked: readonly string[] | null | undefined, maker: Grant): string[] | null {
  if (asked === undefined) return maker.allowedIps === null ? null : [...maker.allowedIps]
  const refuse = (code: 'invalid_request' | 'exceeds_caller', message: string) =>
    new Problem(code, message, { errors: [{ path: '/allowedIps', message }] })
  const own = maker.allowedIps
  if (asked === null) {
    if (own === null) return null
    throw refuse('exceeds_caller', 'The key that makes this one is limited to some addresses, and may not give all.')
  }
  let networks: string[]
  try {
    networks = canonicalNetworks(asked)
  } catch (error) {
    throw refuse('invalid_request', `allowedIps: ${(error as Error).message}.`)
  }
  const more = own === null ? [] : beyond(networks, own)
  if (more.length > 0)
    throw refuse('exceeds_caller', `The key that makes this one may not be used from ${more.join(', ')} itself.`)
  return networks
}

/** The audiences of a new key; none unless asked for. Throws when one is not configured, or is not the maker's own. */
export function grantAudiences(
  asked: readonly string[] | null | undefined,
  maker: Grant,
  configured: readonly string[],
): string[] | null {
  if (asked == null) return null
  for (const [index, audience] of asked.entries()) {
    const refuse = (code: 'invalid_request' | 'exceeds_caller', message: string) =>
      new Problem(code, message, { errors: [{ path: `/audiences/${index}`, message }] })
    if (!configured.includes(audience))
      throw refuse(
        'invalid_request',
        `There is no audience "${audience.slice(0, 100)}" here (VERDICT_AUDIENCES: ${configured.join(', ') || 'none'}).`,
      )
    if (!maker.audiences.includes(audience))
      throw refuse('exceeds_caller', `The key that makes this one has not the audience ${audience} itself.`)
  }
  return [...asked]
}

/** The limits of a new key: as asked, else its maker's. Throws `exceeds_caller` above the maker's own. */
export function grantLimits(
  asked: { perMinute?: number | null; perDay?: number | null } | null | undefined,
  maker: Grant,
): KeyLimits | null {
  const own = maker.limits ?? { perMinute: null, perDay: null }
  const limits = { ...own, ...(asked === null ? { perMinute: null, perDay: null } : asked) }
  for (const name of ['perMinute', 'perDay'] as const) {
    const most = own[name]
    if (most === null || (limits[name] !== null && limits[name] <= most)) continue
    const message = `The key that makes this one is limited to ${name} ${most} itself.`
    throw new Problem('exceeds_caller', message, { errors: [{ path: `/limits/${name}`, message }] })
  }
  return limits.perMinute === null && limits.perDay === null ? null : limits
}
