import { createParser, type EventSourceMessage } from 'eventsource-parser'
import { HEARTBEAT_SECONDS, type RunStreamEvent } from '../contract/events.ts'
import { isFinal } from '../contract/reasons.ts'
import type { Run } from '../contract/runs.ts'
import { TransportError } from '../transport/transport.ts'
import type { Caller } from './call.ts'
import { pause } from './clock.ts'
import { path } from './request.ts'
import { pauseBefore } from './retry.ts'

export type LogEvent = { readonly type: 'log'; readonly text: string } | { readonly type: 'state'; readonly run: Run }

/** Three heartbeats missed: the connection is dead. */
const SILENCE_MS = HEARTBEAT_SECONDS * 3000
/** A server that streams without end of a line cannot fill the client's memory. Characters. */
const LONGEST_EVENT = 16 * 1024 * 1024

/**
 * What happens in a run, as it happens (SSE), resumed after the last event that came (`Last-Event-ID`) whenever the
 * stream breaks or the token ends. Ends after the final state, or when aborted. It tells, it does not decide: whoever
 * needs the verdict waits for it. Throws an ApiError when the server refuses, an UnreachableError when it is gone.
 */
export async function* runEvents(
  caller: Caller,
  id: string,
  { signal }: { signal?: AbortSignal } = {},
): AsyncGenerator<LogEvent, void, undefined> {
  let lastId: string | undefined
  for (let tries = 0; ; tries++) {
    const headers: Record<string, string> = { accept: 'text/event-stream' }
    if (lastId !== undefined) headers['last-event-id'] = lastId
    try {
      const response = await caller.open(
        { method: 'GET', path: path`/v1/runs/${id}/events`, headers, silenceMs: SILENCE_MS },
        { signal },
      )
      // Resumed past the end: all was told.
      if (response.status === 204) return
      for await (const message of messagesOf(response.body)) {
        tries = 0
        if (message.id !== undefined && message.id !== '') lastId = message.id
        const event = eventOf(message)
        if (event === undefined) continue
        yield event
        if (event.type === 'state' && isFinal(event.run.state)) return
      }
    } catch (error) {
      if (signal?.aborted) return
      if (!(error instanceof TransportError)) throw error
    }
    try {
      await pause(caller.clock, pauseBefore(tries, caller.random.fraction()), signal)
    } catch {
      return
    }
  }
}

async function* messagesOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<EventSourceMessage, void, undefined> {
  const ready: EventSourceMessage[] = []
  const parser = createParser({ onEvent: (message) => ready.push(message), maxBufferSize: LONGEST_EVENT })
  const decoder = new TextDecoder()
  for await (const chunk of body) {
    parser.feed(decoder.decode(chunk, { stream: true }))
    yield* ready.splice(0)
  }
}

function eventOf({ event, data }: EventSourceMessage): LogEvent | undefined {
  const type = event as RunStreamEvent | undefined
  try {
    if (type === 'log') return { type, text: String(JSON.parse(data)) }
    if (type === 'state') return { type, run: JSON.parse(data) as Run }
  } catch {
    // Cut off or not ours: a line of log less, never a failed build.
  }
  return undefined
}
