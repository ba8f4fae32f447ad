import type { CiFacts } from '../../contract/runs.ts'
import type { TriggerKind } from '../../contract/trigger-kinds.ts'
import { headerOf, type Webhook } from './webhook-sender.ts'

/** What a webhook says that has to do with runs. */
export interface WebhookFacts {
  /** Its kind, and with what was done: `pull_request` and `pull_request.opened`. */
  readonly events: readonly string[]
  readonly ci: CiFacts
  /** A pull request whose code comes from another repository. */
  readonly fork: boolean
  /** Why there is nothing to test, whatever the filters say. */
  readonly nothing?: string
}

/** What is listened to unless a trigger names events; null: all. */
export const DEFAULT_TRIGGER_EVENTS: Readonly<Record<TriggerKind, readonly string[] | null>> = {
  github: ['push', 'pull_request'],
  gitlab: ['push', 'merge_request'],
  standard: null,
}

const READERS: Readonly<Record<TriggerKind, (payload: unknown, webhook: Webhook) => WebhookFacts>> = {
  github: githubFacts,
  gitlab: gitlabFacts,
  standard: (payload) => {
    const type = text(payload, 'type')
    return { events: type === undefined ? [] : [type], ci: { provider: 'webhook' }, fork: false }
  },
}

/** Reads a payload that the sender signed; what is not there is left out. */
export function webhookFacts(kind: TriggerKind, payload: unknown, webhook: Webhook): WebhookFacts {
  return READERS[kind](payload, webhook)
}

const CODE_ACTIONS = { github: ['opened', 'synchronize', 'reopened'], gitlab: ['open', 'reopen', 'update'] }
const BRANCH = /^refs\/heads\//
const NO_COMMIT = /^0+$/

function githubFacts(payload: unknown, webhook: Webhook): WebhookFacts {
  const event = headerOf(webhook, 'x-github-event') ?? ''
  const action = text(payload, 'action')
  const repository = repositoryOf(text(payload, 'repository', 'html_url'))
  const base = { provider: 'github', ...repository }
  if (event === 'ping') return { events: [event], ci: base, fork: false, nothing: 'It is a ping: the webhook works.' }
  if (event === 'push') {
    const deleted = at(payload, 'deleted') === true
    return pushFacts(base, text(payload, 'ref'), deleted ? undefined : text(payload, 'after'))
  }
  if (event !== 'pull_request') return { events: named(event, action), ci: base, fork: false }
  const commit = text(payload, 'pull_request', 'head', 'sha')
  const ci = compact({
    ...base,
    commit,
    headCommit: commit,
    branch: text(payload, 'pull_request', 'head', 'ref'),
    baseBranch: text(payload, 'pull_request', 'base', 'ref'),
    pullRequest: text(payload, 'pull_request', 'number'),
    buildUrl: text(payload, 'pull_request', 'html_url'),
  })
  const home = text(payload, 'pull_request', 'base', 'repo', 'full_name')
  // A fork that was deleted is null: its code comes from somewhere else all the same.
  const fork = text(payload, 'pull_request', 'head', 'repo', 'full_name') !== home
  const facts = { events: named(event, action), ci, fork }
  if (CODE_ACTIONS.github.includes(action ?? '')) return facts
  return { ...facts, nothing: `The pull request was ${action}: no code changed.` }
}

function gitlabFacts(payload: unknown): WebhookFacts {
  const event = text(payload, 'object_kind') ?? ''
  const base = { provider: 'gitlab', ...repositoryOf(text(payload, 'project', 'web_url')) }
  if (event === 'push' || event === 'tag_push') {
    const after = text(payload, 'after')
    return pushFacts(base, text(payload, 'ref'), NO_COMMIT.test(after ?? '0') ? undefined : after)
  }
  if (event !== 'merge_request') return { events: named(event, undefined), ci: base, fork: false }
  const action = text(payload, 'object_attributes', 'action')
  const commit = text(payload, 'object_attributes', 'last_commit', 'id')
  const ci = compact({
    ...base,
    commit,
    headCommit: commit,
    branch: text(payload, 'object_attributes', 'source_branch'),
    baseBranch: text(payload, 'object_attributes', 'target_branch'),
    pullRequest: text(payload, 'object_attributes', 'iid'),
    buildUrl: text(payload, 'object_attributes', 'url'),
  })
  const [from, to] = ['source_project_id', 'target_project_id'].map((name) => text(payload, 'object_attributes', name))
  const facts = { events: named(event, action), ci, fork: from !== to }
  // An update without the commit before it is of the title or the labels.
  const sameCode = action === 'update' && text(payload, 'object_attributes', 'oldrev') === undefined
  if (CODE_ACTIONS.gitlab.includes(action ?? '') && !sameCode) return facts
  return { ...facts, nothing: `The merge request had the action ${action}: no code changed.` }
}

function pushFacts(base: CiFacts, ref: string | undefined, commit: string | undefined): WebhookFacts {
  const branch = ref !== undefined && BRANCH.test(ref) ? ref.replace(BRANCH, '') : undefined
  const ci = compact({ ...base, commit, branch })
  const facts = { events: [branch === undefined ? 'tag_push' : 'push'], ci, fork: false }
  return commit === undefined ? { ...facts, nothing: `${branch ?? ref ?? 'What was pushed'} was deleted.` } : facts
}

function named(event: string, action: string | undefined): string[] {
  return action === undefined ? [event] : [event, `${event}.${action}`]
}

/** `host/owner/name`, as clients name repositories. */
function repositoryOf(address: string | undefined): { repository?: string } {
  const url = address === undefined ? undefined : URL.parse(address)
  return url ? { repository: `${url.host}${url.pathname.replace(/\/+$/, '')}` } : {}
}

function compact(facts: Record<string, string | undefined>): CiFacts {
  const known = Object.entries(facts).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value.slice(0, 2000)]],
  )
  return Object.fromEntries(known)
}

function at(value: unknown, ...path: string[]): unknown {
  return path.reduce<unknown>((inner, name) => {
    return typeof inner === 'object' && inner !== null && Object.hasOwn(inner, name)
      ? (inner as Record<string, unknown>)[name]
      : undefined
  }, value)
}

/** A text or a number, as text. */
function text(value: unknown, ...path: string[]): string | undefined {
  const found = at(value, ...path)
  return typeof found === 'string' || typeof found === 'number' ? String(found) : undefined
}

/** What is at a JSON Pointer (RFC 6901); undefined when nothing is. */
export function atPointer(payload: unknown, pointer: string): unknown {
  if (pointer === '') return payload
  return at(
    payload,
    ...pointer
      .slice(1)
      .split('/')
      .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~')),
  )
}
