import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { missingKey, readEvent } from '../../action/event.ts'
import { folderWith } from '../gate/gate-world.ts'

const pull = (head: object | null) => ({
  pull_request: { head: { repo: head }, base: { repo: { full_name: 'acme/shop' } } },
})

it.each([
  ['a push', 'push', {}, {}, 'add a secret VERDICT_API_KEY'],
  [
    'a pull request within the repository',
    'pull_request',
    pull({ full_name: 'acme/shop' }),
    {},
    'add a secret VERDICT_API_KEY',
  ],
  ['a pull request from a fork', 'pull_request', pull({ full_name: 'eve/shop' }), {}, 'comes from a fork (eve/shop)'],
  ['a pull request from a fork that is gone', 'pull_request', pull(null), {}, 'comes from a fork (a deleted fork)'],
  [
    'pull_request_target, which has secrets',
    'pull_request_target',
    pull({ full_name: 'eve/shop' }),
    {},
    'add a secret VERDICT_API_KEY',
  ],
  [
    'Dependabot',
    'pull_request',
    pull({ full_name: 'acme/shop' }),
    { GITHUB_ACTOR: 'dependabot[bot]' },
    'Secrets and variables → Dependabot',
  ],
])('without a key, %s is told what to do', async (_, name, event, more, message) => {
  await using folder = await folderWith({})
  const path = join(folder.path, 'event.json')
  await writeFile(path, JSON.stringify(event))
  const env = { GITHUB_EVENT_NAME: name, GITHUB_EVENT_PATH: path, GITHUB_REPOSITORY: 'acme/shop', ...more }
  expect(missingKey(await readEvent(env))).toContain(message)
})

it.each([undefined, '/nowhere/event.json'])('an event file at %j is no obstacle', async (path) => {
  expect(missingKey(await readEvent({ GITHUB_EVENT_PATH: path }))).toContain('add a secret VERDICT_API_KEY')
})
