import { describe, expect, it } from 'vitest'
import { fastClock, problem, scriptedServer } from '../client/scripted-server.ts'
import { verdict } from './machine.ts'

describe('an outage', () => {
  it('is ridden out, and told of without filling the log', async () => {
    await using server = await scriptedServer({
      'GET /v1/runs': (_, nth) => (nth <= 8 ? problem(503, 'unavailable') : { json: { items: [], next: null } }),
    })
    const { code, stdout, stderr } = await verdict(['runs'], { server, clock: fastClock() })
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'no runs\n' })
    expect(stderr).toMatch(/^warning: detail of unavailable.*; trying again in \d+ s$/m)
    expect(stderr.split('\n').length).toBeLessThan(6)
  })

  it('that goes on ends with 4 and says what was tried', async () => {
    const { code, stderr } = await verdict(['runs'], { server: { url: 'http://127.0.0.1:1' }, clock: fastClock(1000) })
    expect(code).toBe(4)
    expect(stderr).toMatch(/^verdict: No answer from http:\/\/127\.0\.0\.1:1 for \d+ s: /m)
  })
})
