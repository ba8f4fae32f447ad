import { repositoryOfUrl } from '../../contract/git-source.ts'
import { isId } from '../../contract/ids.ts'
import type { Run } from '../../contract/runs.ts'
import { makeSecret } from '../../contract/signature.ts'
import type { GitSource } from '../../contract/suites.ts'
import type { Store } from '../store/ports/store.ts'
import type { TriggerRecord } from '../store/ports/triggers.ts'
import type { Vault } from '../vault/vault.ts'
import type { Caller } from './caller.ts'
import { filterTakes } from './patterns.ts'
import { Problem } from './problem.ts'
import { runView } from './run-view.ts'
import type { Trigger } from './trigger.ts'
import { atPointer, DEFAULT_TRIGGER_EVENTS, type WebhookFacts, webhookFacts } from './webhook-facts.ts'
import { headerOf, isOfSender, tokensOf, type Webhook } from './webhook-sender.ts'

/** Webhooks of other systems that start runs. */
export interface TriggerHooks {
  /**
   * Starts the run that the webhook is for, answers the one that the same webhook started before, or says why there is
   * none. An unknown trigger and a bad signature are one and the same `not_found`.
   */
  receive(id: string, webhook: Webhook): Promise<{ run: Run; replayed: boolean } | { skipped: string }>
}

export interface TriggerHooksOptions {
  readonly store: Store
  readonly vault: Vault
  readonly trigger: Trigger
  readonly now: () => number
  readonly publicUrl: string
}

/** What a trigger's secrets are sealed for. */
export const triggerContext = (id: string) => `trigger/${id}`
/** Checked against where there is no trigger, so that the time of the answer does not tell that. */
const NOBODYS = makeSecret((bytes) => new Uint8Array(bytes))

export function triggerHooks(options: TriggerHooksOptions): TriggerHooks {
  const { store, vault, now } = options

  async function sentTo(id: string, webhook: Webhook): Promise<TriggerRecord> {
    const trigger = isId('trigger', id) ? await store.triggers.get(id) : undefined
    const good = trigger?.secrets.filter(({ until }) => until === null || until > now()) ?? []
    const secrets = good.map(({ sealed }) => vault.open(sealed, triggerContext(id)))
    const verified = await isOfSender(trigger?.kind ?? 'github', webhook, trigger ? secrets : [NOBODYS], now())
    if (trigger && verified) return trigger
    throw new Problem('not_found', 'There is no such trigger, or the webhook is not signed with its secret.', {
      unverified: true,
    })
  }

  return {
    async receive(id, webhook) {
      const trigger = await sentTo(id, webhook)
      const payload = readPayload(webhook)
      const facts = webhookFacts(trigger.kind, payload, webhook)
      const suite = await store.suites.get(trigger.workspace, trigger.suite)
      const source = suite?.definition?.source
      const skipped = whySkipped(trigger, facts) ?? whyNotOfSource(trigger, source, facts)
      if (skipped !== undefined) return { skipped }
      const tokens = tokensOf(trigger.kind, webhook)
      const before = await store.triggers.runOf(id, tokens)
      const known = before === undefined ? undefined : await store.runs.get(before)
      if (known) return { run: runView(known, options.publicUrl), replayed: true }
      const started = await options.trigger.start(
        callerOf(trigger),
        {
          suite: trigger.suite,
          variables: variablesOf(trigger, payload),
          ci: facts.ci,
          ...(trigger.callbackUrl === null ? {} : { callbackUrl: trigger.callbackUrl }),
        },
        // The first token guards against the same webhook twice at once; a changed trigger asks for something else.
        `${id}/${trigger.updatedAt}/${tokens[0]}`.replace(/[^\x21-\x7e]/g, '_').slice(0, 255),
        { kind: 'trigger', id, name: trigger.description ?? `${trigger.kind} ${trigger.suite}`, userId: null },
      )
      await store.triggers.noteRun(id, tokens, started.run.id)
      return started
    },
  }
}

/** A trigger acts for its workspace, and for its own suite only. */
function callerOf(trigger: TriggerRecord): Caller {
  const scopes = new Set(['runs:write' as const])
  const nobody = {
    user: '',
    kind: 'key' as const,
    key: trigger.id,
    keyName: trigger.id,
    tokenId: '',
    tokenExpiresAt: Number.POSITIVE_INFINITY,
  }
  const unlimited = { allowedIps: null, limits: null, runsPerDay: null, address: '' }
  return { ...nobody, ...unlimited, workspace: trigger.workspace, scopes, suites: [trigger.suite] }
}

function whySkipped(trigger: TriggerRecord, facts: WebhookFacts): string | undefined {
  const { ci, events } = facts
  if (trigger.disabled) return 'The trigger is disabled.'
  const wanted = trigger.events ?? DEFAULT_TRIGGER_EVENTS[trigger.kind]
  if (facts.nothing !== undefined) return facts.nothing
  if (wanted !== null && !events.some((event) => filterTakes(wanted, event)))
    return `The trigger does not listen to ${events[0] ?? 'webhooks without a type'}, only to ${wanted.join(', ')}.`
  if (
    !filterTakes(trigger.repositories, ci.repository) &&
    !filterTakes(trigger.repositories, withoutHost(ci.repository))
  )
    return `The trigger does not listen to the repository ${ci.repository ?? '(none)'}.`
  if (!filterTakes(trigger.branches, ci.branch))
    return `The trigger does not listen to the branch ${ci.branch ?? '(none)'}.`
  if (facts.fork && !trigger.forks)
    return 'The pull request comes from a fork: its code is not run unless the trigger says forks: true.'
  return undefined
}

/**
 * A forge lets the commits of all forks be fetched from the repository itself: so a webhook of another repository would
 * have a stranger's code tested in its name.
 */
function whyNotOfSource(
  { source: kind, suite, repositories }: TriggerRecord,
  source: GitSource | undefined,
  { ci }: WebhookFacts,
): string | undefined {
  if (!source) {
    if (kind === 'stored') return undefined
    return `The suite ${suite} was pushed without a source since: its commit cannot be tested. Make the trigger anew.`
  }
  const own = withoutHost(repositoryOfUrl(source.git))?.toLowerCase()
  if (repositories !== null || withoutHost(ci.repository)?.toLowerCase() === own) return undefined
  return `The webhook is of the repository ${ci.repository ?? '(none)'}, and the suite's source is another (${own}).`
}

function withoutHost(repository: string | undefined): string | undefined {
  return repository?.slice(repository.indexOf('/') + 1)
}

function readPayload(webhook: Webhook): unknown {
  const sent = new TextDecoder().decode(webhook.body)
  const isForm = /^application\/x-www-form-urlencoded\b/i.test(headerOf(webhook, 'content-type') ?? '')
  const written = isForm ? new URLSearchParams(sent).get('payload') : sent
  try {
    return JSON.parse(written ?? '')
  } catch {
    const what = isForm ? 'The form has no field "payload" with JSON' : 'The body is not valid JSON'
    throw new Problem('invalid_json', `${what}. Let the sender use the content type application/json.`)
  }
}

function variablesOf({ variables }: TriggerRecord, payload: unknown): Record<string, string> {
  return Object.fromEntries(
    Object.entries(variables).map(([name, value]) => {
      if (typeof value === 'string') return [name, value]
      const found = atPointer(payload, value.pointer)
      if (['string', 'number', 'boolean'].includes(typeof found)) return [name, String(found)]
      const message = `The payload has no text or number at ${value.pointer}, from which the trigger takes the variable ${name}.`
      throw new Problem('invalid_request', message)
    }),
  )
}
