import type { ServerResponse } from 'node:http'
import { describe, expect, it } from 'vitest'
import type { LogEvent } from '../../client/log-stream.ts'
import { clientFor, problem, runOf, scriptedServer } from './scripted-server.ts'

const EVENTS = 'GET /v1/runs/run_01/events'
const log = (id: string, text: string) => `id: ${id}\nevent: log\ndata: ${JSON.stringify(text)}\n\n`
const state = (id: string, run: object) => `id: ${id}\nevent: state\ndata: ${JSON.stringify(run)}\n\n`
const stream = (text: string, end: 'end' | 'destroy' = 'end') => ({
  raw: (response: ServerResponse) => {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'verdict-version': '1' })
    response.write(text, () => setTimeout(() => response[end](), 10))
  },
})

async function told(events: AsyncIterable<LogEvent>): Promise<string[]> {
  const all: string[] = []
  for await (const event of events) all.push(event.type === 'log' ? event.text : event.run.state)
  return all
}

describe("a run's events", () => {
  it('come in order and end after the final state', async () => {
    await using server = await scriptedServer({
      [EVENTS]: stream(
        `: hello\n\n${log('1-1', 'naïve\nline')}${state('1-2', runOf({ state: 'passed' }))}${log('1-3', 'late')}`,
      ),
    })
    expect(await told(clientFor(server.url).runs.events('run_01'))).toEqual(['naïve\nline', 'passed'])
  })

  it('are resumed after the last one that came, when the stream breaks or the token ends', async () => {
    await using server = await scriptedServer({
      [EVENTS]: (_, nth) =>
        [
          stream(log('1-1', 'a') + log('1-2', 'b').slice(0, 20), 'destroy'),
          problem(401, 'invalid_token'),
          stream(log('1-2', 'b')),
          stream(state('1-3', runOf({ state: 'failed' }))),
        ][nth - 1],
    })
    expect(await told(clientFor(server.url).runs.events('run_01'))).toEqual(['a', 'b', 'failed'])
    expect(server.of(EVENTS).map(({ headers }) => headers['last-event-id'])).toEqual([undefined, '1-1', '1-1', '1-2'])
  })

  it('end when there is nothing after the last one', async () => {
    await using server = await scriptedServer({
      [EVENTS]: (_, nth) => (nth === 1 ? stream(log('1-1', 'a')) : { status: 204 }),
    })
    expect(await told(clientFor(server.url).runs.events('run_01'))).toEqual(['a'])
  })

  it('leave out what cannot be read', async () => {
    await using server = await scriptedServer({
      [EVENTS]: stream(
        `event: log\ndata: {broken\n\nevent: news\ndata: 1\n\n${state('1-2', runOf({ state: 'passed' }))}`,
      ),
    })
    expect(await told(clientFor(server.url).runs.events('run_01'))).toEqual(['passed'])
  })

  it('fail for a run that is not there', async () => {
    await using server = await scriptedServer({})
    await expect(told(clientFor(server.url).runs.events('run_01'))).rejects.toMatchObject({ code: 'not_found' })
  })

  it('end quietly when aborted', async () => {
    const abort = new AbortController()
    await using server = await scriptedServer({
      [EVENTS]: {
        raw: (response) => void response.writeHead(200, { 'content-type': 'text/event-stream' }).write(log('1-1', 'a')),
      },
    })
    const all: string[] = []
    for await (const event of clientFor(server.url).runs.events('run_01', { signal: abort.signal })) {
      all.push(event.type)
      abort.abort()
    }
    expect(all).toEqual(['log'])
  })
})
