import { createParser } from 'eventsource-parser'
import type { TestServer } from '../support/server.ts'

export interface SeenEvent {
  readonly id: string
  readonly event: string
  // biome-ignore lint/suspicious/noExplicitAny: a run, or a piece of the log
  readonly data: any
}

/** A stream of a run's events, read one by one by an independent parser. */
export interface EventReader {
  readonly status: number
  readonly headers: Headers
  readonly events: SeenEvent[]
  readonly comments: string[]
  /** Resolves once the events or comments satisfy this; rejects when the stream ends before. */
  until(enough: (reader: EventReader) => boolean): Promise<void>
  /** Resolves at the end of the stream. */
  ended(): Promise<void>
  /** The client leaves. */
  leave(): void
}

export async function readEvents(
  server: TestServer,
  run: string,
  token: string,
  lastEventId?: string,
): Promise<EventReader> {
  const leaving = new AbortController()
  const response = await fetch(`${server.url}/v1/runs/${run}/events`, {
    headers: {
      authorization: `Bearer ${token}`,
      accept: 'text/event-stream',
      ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
    },
    signal: leaving.signal,
  })
  const events: SeenEvent[] = []
  const comments: string[] = []
  const parser = createParser({
    onEvent: ({ id = '', event = '', data }) => events.push({ id, event, data: JSON.parse(data) }),
    onComment: (comment) => comments.push(comment),
  })
  const chunks = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  const readOn = async (): Promise<boolean> => {
    const { done, value } = (await chunks?.read()) ?? { done: true, value: undefined }
    if (value !== undefined) parser.feed(value)
    return !done
  }
  const reader: EventReader = {
    status: response.status,
    headers: response.headers,
    events,
    comments,
    async until(enough) {
      while (!enough(reader))
        if (!(await readOn())) throw new Error(`the stream ended early: ${JSON.stringify(events)}`)
    },
    async ended() {
      while (await readOn());
    },
    leave: () => leaving.abort(),
  }
  return reader
}
