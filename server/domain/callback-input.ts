import { CALLBACK_KINDS, type CallbackKind, FORGE_API_URLS } from '../../contract/callback-kinds.ts'
import type { CallbackCreate, CallbackPatch } from '../../contract/callbacks.ts'
import { DEFAULT_EVENTS, EVENT_TYPES, type EventType, isEventType } from '../../contract/webhook-events.ts'
import type { Cidr } from '../../egress/addresses.ts'
import { targetProblem } from '../../egress/targets.ts'
import { didYouMean } from '../../tree/near-names.ts'
import type { CallbackTarget } from '../store/ports/callbacks.ts'
import { type Caller, mayUseSuite } from './caller.ts'
import { Problem } from './problem.ts'

const PLACES = ['url', 'repository', 'project', 'token', 'apiUrl'] as const
/** A GitHub repository; more would be another endpoint of its API. */
const REPOSITORY = /^[A-Za-z0-9_.-]{1,100}\/(?!\.{1,2}$)[A-Za-z0-9_.-]{1,100}$/
const PROJECT = /^(?:\d{1,12}|[A-Za-z0-9_.-]+(?:\/[A-Za-z0-9_.-]+)+)$/
/** A status changes with every step of a run, so callbacks of forges are told of each. */
const FORGE_EVENTS: readonly EventType[] = ['run.queued', 'run.started', 'run.finished']

/** Throws unless the address may be called, saying what is wrong with it. `field` is for the message. */
export function requireTarget(field: string, url: string, allowed: readonly Cidr[], schemes?: readonly string[]): void {
  const problem = targetProblem(url, allowed, schemes)
  if (problem === undefined) return
  const message = `${field} ${problem}`
  throw new Problem('url_not_allowed', `The address in ${message}.`, { errors: [{ path: `/${field}`, message }] })
}

/** Where a callback sends. Throws for fields that its kind lacks or does not take. */
export function targetOf(input: CallbackCreate, allowed: readonly Cidr[]): CallbackTarget {
  const kind: CallbackKind = input.kind ?? 'standard'
  const { needs, takes } = CALLBACK_KINDS[kind]
  const fits = (field: string) => ([...needs, ...takes] as string[]).includes(field)
  for (const field of PLACES) {
    if (input[field] !== undefined && !fits(field)) invalid(field, `does not go with the kind ${kind}`)
    if (input[field] === undefined && (needs as readonly string[]).includes(field))
      invalid(field, `is needed for the kind ${kind}`)
  }
  if (kind === 'standard') {
    requireTarget('url', input.url as string, allowed)
    return { kind, url: input.url as string }
  }
  const apiUrl = (input.apiUrl ?? FORGE_API_URLS[kind]).replace(/\/+$/, '')
  requireTarget('apiUrl', apiUrl, allowed)
  if (new URL(apiUrl).search !== '') invalid('apiUrl', 'must not have a query (?…)')
  if (kind === 'github') {
    const repository = input.repository as string
    if (!REPOSITORY.test(repository)) invalid('repository', 'must be owner/name')
    return { kind, repository, apiUrl }
  }
  const project = input.project as string
  if (!PROJECT.test(project)) invalid('project', 'must be group/name or the number of the project')
  return { kind, project, apiUrl }
}

/** A token goes into a header: it must be one line of visible characters. */
export function requireToken(token: string): string {
  if (!/^[\x21-\x7e]+$/.test(token)) invalid('token', 'must be visible ASCII characters without spaces')
  return token
}

export interface Filters {
  readonly events: EventType[]
  readonly suites: string[] | null
  readonly branches: string[] | null
}

/** Which events a callback is told of. Throws for unknown ones, and for filters that can never match anything. */
export function filtersOf(
  caller: Caller,
  kind: CallbackKind,
  input: Pick<CallbackPatch, 'events' | 'suites' | 'branches'>,
  before?: Filters,
): Filters {
  const asked = input.events === undefined ? before?.events : (input.events ?? undefined)
  const events = (asked ?? (kind === 'standard' ? DEFAULT_EVENTS : FORGE_EVENTS)).map(eventType)
  const given = input.suites === undefined ? (before?.suites ?? null) : input.suites
  const branches = input.branches === undefined ? (before?.branches ?? null) : input.branches
  const suites = given ?? (caller.suites === null ? null : [...caller.suites])
  const foreign = suites?.find((suite) => !mayUseSuite(caller, suite))
  if (foreign !== undefined)
    throw new Problem('suite_not_allowed', `The key is limited to ${caller.suites?.join(', ')}, not ${foreign}.`)
  const filtered = suites !== null || branches !== null
  if (filtered && events.every((event) => EVENT_TYPES[event] === 'workspace')) {
    invalid(
      'events',
      `${events.join(', ')} say nothing of suites or branches: with these filters nothing would ever come`,
    )
  }
  if (kind !== 'standard' && !events.some((event) => FORGE_EVENTS.includes(event)))
    invalid('events', `a commit's status comes from ${FORGE_EVENTS.join(', ')} only`)
  return { events: [...new Set(events)], suites, branches }
}

function eventType(text: string): EventType {
  if (isEventType(text)) return text
  const known = Object.keys(EVENT_TYPES)
  return invalid('events', `there is no event "${text}"${didYouMean(text, known) || `; there are ${known.join(', ')}`}`)
}

export function invalid(field: string, message: string): never {
  throw new Problem('invalid_request', `${field}: ${message}.`, { errors: [{ path: `/${field}`, message }] })
}
