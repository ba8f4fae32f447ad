import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Run } from '../../contract/runs.ts'
import { MovableClock } from '../support/clock.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { newPerson, ownKey, type Person } from './people.ts'

const clock = new MovableClock(Date.UTC(2026, 5, 1))
let server: TestServer
let person: Person
const ids: string[] = []
beforeAll(async () => {
  server = await startServer({ clock, env: { VERDICT_RUNNER: 'none' } })
  person = await newPerson(server)
  for (let i = 0; i < 7; i++) {
    const json = {
      suite: i % 2 === 0 ? 'even' : 'odd',
      definition: { run: 'x' },
      labels: [`n${i}`, 'all'],
      ci: { commit: `c${i}`, branch: i < 3 ? 'main' : 'feature/x', repository: 'github.com/x/y' },
    }
    ids.push((await server.request('POST', '/v1/runs', { token: person.token, json })).json.id)
    // Two runs a time: equal times are ordered by id.
    if (i % 2 === 1) clock.advance(1000)
  }
  // Ids begin with their time, so they sort as the list does.
  ids.sort().reverse()
  await server.request('POST', `/v1/runs/${ids[0]}/cancel`, { token: person.token })
  for (const name of ['b', 'a', 'c']) {
    await server.request('PUT', `/v1/suites/${name}`, { token: person.token, json: { definition: { run: 'x' } } })
  }
})
afterAll(() => server?.stop())
const list = (query: string) => server.request('GET', `/v1/runs${query}`, { token: person.token })
const idsOf = (items: Run[]) => items.map(({ id }) => id)

describe('a list of runs', () => {
  it('is newest first, page by page, each once', async () => {
    const seen: string[] = []
    let cursor: string | null = ''
    let pages = 0
    while (cursor !== null) {
      const { json } = await list(`?limit=3${cursor === '' ? '' : `&cursor=${cursor}`}`)
      seen.push(...idsOf(json.items))
      cursor = json.next
      pages++
    }
    expect([pages, seen]).toEqual([3, ids])
  })

  it('is not disturbed by what is new since its first page', async () => {
    const first = (await list('?limit=6')).json
    const json = { suite: 'even', definition: { run: 'x' }, labels: ['late'] }
    const late = (await server.request('POST', '/v1/runs', { token: person.token, json })).json.id
    const second = (await list(`?limit=6&cursor=${first.next}`)).json
    expect([...idsOf(first.items), ...idsOf(second.items)]).toEqual(ids)
    expect(second.next).toBeNull()
    ids.unshift(late)
  })

  it.each<[string, string, (run: Run) => boolean]>([
    ['suite', 'suite=odd', (run) => run.suite === 'odd'],
    ['state', 'state=cancelled', (run) => run.state === 'cancelled'],
    ['label', 'label=n3', (run) => run.labels.includes('n3')],
    ['commit', 'commit=c2', (run) => run.ci.commit === 'c2'],
    ['branch', 'branch=feature%2Fx', (run) => run.ci.branch === 'feature/x'],
    ['repository', 'repository=github.com%2Fx%2Fy', (run) => run.ci.repository === 'github.com/x/y'],
    ['since', 'since=2026-06-01T00:00:02Z', (run) => Date.parse(run.createdAt) >= Date.UTC(2026, 5, 1, 0, 0, 2)],
    ['until', 'until=2026-06-01T00:00:02Z', (run) => Date.parse(run.createdAt) < Date.UTC(2026, 5, 1, 0, 0, 2)],
    ['several', 'suite=even&branch=main&label=all', (run) => run.suite === 'even' && run.ci.branch === 'main'],
    ['nothing there is', 'suite=none', () => false],
  ])('is filtered by %s', async (_what, query, matches) => {
    const all: Run[] = (await list('')).json.items
    expect(idsOf((await list(`?${query}`)).json.items)).toEqual(idsOf(all.filter(matches)))
  })

  it.each([
    ['a state that there is not', '?state=sleeping', 'invalid_request'],
    ['a limit of nothing', '?limit=0', 'invalid_request'],
    ['a limit that is too high', '?limit=201', 'invalid_request'],
    ['a limit that is no number', '?limit=ten', 'invalid_request'],
    ['a time that is none', '?since=yesterday', 'invalid_request'],
    ['an unknown filter', '?author=me', 'invalid_request'],
    ['a cursor that is none', '?cursor=zzz', 'invalid_cursor'],
    ['a cursor of something else', `?cursor=${Buffer.from('{"a":1}').toString('base64url')}`, 'invalid_cursor'],
  ])('is refused with %s', async (_what, query, code) => {
    const answer = await list(query)
    expect([answer.status, answer.json.code]).toEqual([400, code])
  })
})

describe('other lists', () => {
  it.each(['/v1/suites', '/v1/keys', '/v1/suites/a/revisions'])(
    'of %s have pages and bad cursors as well',
    async (path) => {
      const call = (query: string) => server.request('GET', path + query, { token: person.token })
      await ownKey(server, person, {})
      const all = (await call('')).json
      expect(all.next).toBeNull()
      const first = (await call('?limit=1')).json
      expect(first.items).toEqual(all.items.slice(0, 1))
      if (all.items.length > 1)
        expect((await call(`?limit=200&cursor=${first.next}`)).json.items).toEqual(all.items.slice(1))
      expect((await call('?cursor=!')).json.code).toBe('invalid_cursor')
      expect((await call('?limit=0')).json.code).toBe('invalid_request')
      expect((await call('?x=1')).json.code).toBe('invalid_request')
    },
  )

  it('of users are the admin’s', async () => {
    const { json } = await server.request('GET', '/v1/users?limit=1')
    expect(json.items).toHaveLength(1)
    expect(json.next).toEqual(expect.any(String))
    expect((await server.request('GET', '/v1/users', { token: person.token })).status).toBe(403)
  })
})
