import { expect, it } from 'vitest'
import { logTail } from '../../gate/log-tail.ts'
import { clientFor, scriptedServer } from '../client/scripted-server.ts'

const LOG = 'GET /v1/runs/run_01/log'

it.each([
  ['the last lines', 'a\nb\nc\nd\n', ['b', 'c', 'd']],
  ['a last line without an end', 'a\nb\nc\nd', ['b', 'c', 'd']],
  ['fewer lines than asked for', 'a\n', ['a']],
  ['nothing of an empty log', '', []],
  ['nothing of blank lines', '\n \n\n', []],
  ['the end of a line that never ends', 'x'.repeat(10_000), ['x'.repeat(4_000)]],
  ['nothing that a CI system takes for a command', '::error::forged\n', [':\u200b:error::forged']],
])('shows %s', async (_, text, lines) => {
  await using server = await scriptedServer({ [LOG]: { text } })
  expect(await logTail(clientFor(server.url), 'run_01', 3)).toEqual(lines)
})

it('shows what came when the log breaks off, and nothing when there is none', async () => {
  await using server = await scriptedServer({
    [LOG]: {
      raw: (response) =>
        void response
          .writeHead(200, { 'content-length': '99' })
          .write('a\nb\n', () => setTimeout(() => response.destroy(), 20)),
    },
  })
  expect(await logTail(clientFor(server.url), 'run_01', 3)).toEqual(['a', 'b'])
  expect(await logTail(clientFor(server.url), 'run_02', 3)).toEqual([])
})
