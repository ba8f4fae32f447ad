import type { CiFacts } from '../../contract/runs.ts'
import { EVENT_MAX_BYTES, type EventRun, type WebhookEvent } from '../../contract/webhook-events.ts'
import type { OutboxEvent, RunSnapshot } from '../store/ports/outbox.ts'
import { runView } from './run-view.ts'

/** Of texts that others wrote, when the whole would be too long. */
const SHORT = 200
const SHORT_MESSAGE = 1000
const CI_KEPT = [
  'provider',
  'repository',
  'commit',
  'headCommit',
  'branch',
  'baseBranch',
  'pullRequest',
  'buildUrl',
] as const

/** The bytes that callbacks are sent for the event: always below 20 kB. */
export function payloadOf({ at, content }: Pick<OutboxEvent, 'at' | 'content'>, publicUrl: string): string {
  const whole = write(at, content, (run) => eventRun(run, publicUrl, false))
  if (Buffer.byteLength(whole) < EVENT_MAX_BYTES) return whole
  return write(at, content, (run) => shortened(eventRun(run, publicUrl, true)))
}

/** What `POST /v1/callbacks/{id}/test` sends. */
export function pingPayload(at: number): string {
  return json(at, 'test.ping', { message: 'This is a test. Verdict reaches you.' })
}

function write(at: number, content: OutboxEvent['content'], view: (run: RunSnapshot) => EventRun): string {
  switch (content.type) {
    case 'suite.state_changed': {
      const { run, from, to } = content
      return json(at, content.type, { suite: run.suite, branch: run.ci.branch ?? null, from, to, run: view(run) })
    }
    case 'key.expiring': {
      const { key, expiresAt, days } = content
      return json(at, content.type, { key, expiresAt: new Date(expiresAt).toISOString(), days })
    }
    case 'key.revoked_by_holder': {
      const { key, revokedAt, from } = content
      return json(at, content.type, { key, revokedAt: new Date(revokedAt).toISOString(), from })
    }
    case 'callback.disabled':
      return json(at, content.type, { callback: content.callback, reason: content.reason })
    default:
      return json(at, content.type, view(content.run))
  }
}

function json<T extends WebhookEvent['type']>(
  at: number,
  type: T,
  data: Extract<WebhookEvent, { type: T }>['data'],
): string {
  return JSON.stringify({ type, timestamp: new Date(at).toISOString(), data })
}

function eventRun(run: RunSnapshot, publicUrl: string, truncated: boolean): EventRun {
  const { variables: _variables, ...shown } = runView({ ...run, variables: {} }, publicUrl)
  return { ...shown, casesUrl: `${shown.url}/cases`, junitUrl: `${shown.url}/junit`, truncated }
}

function shortened(run: EventRun): EventRun {
  const cut = (text: string, length = SHORT) => (text.length <= length ? text : `${text.slice(0, length)}…`)
  const ci: CiFacts = {}
  for (const name of CI_KEPT) {
    const text = run.ci[name]
    if (text !== undefined) ci[name] = cut(text)
  }
  return {
    ...run,
    ci,
    labels: run.labels.map((label) => cut(label, 50)),
    reason: run.reason && { ...run.reason, message: cut(run.reason.message, SHORT_MESSAGE) },
    triggeredBy: { ...run.triggeredBy, name: cut(run.triggeredBy.name) },
  }
}
