import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { downloadArtifacts } from '../../gate/artifacts.ts'
import { clientFor, runOf, scriptedServer } from '../client/scripted-server.ts'
import { folderWith } from './gate-world.ts'

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
const artifact = (path: string, text = 'content') => ({ path, bytes: text.length, sha256: sha256(text), url: '' })

it('keeps what is whole and lies in the folder, tries a broken download again, and names the rest', async () => {
  const items = [
    artifact('shots/a b.png'),
    artifact('../../evil'),
    artifact('/etc/evil'),
    artifact('tampered'),
    artifact('long'),
    artifact('flaky.txt'),
  ]
  await using server = await scriptedServer({
    'GET /v1/runs/run_01/artifacts': { json: { items, next: null } },
    'GET /v1/runs/run_01/artifacts/shots%2Fa%20b.png': { text: 'content' },
    'GET /v1/runs/run_01/artifacts/tampered': { text: 'c0ntent' },
    'GET /v1/runs/run_01/artifacts/long': { text: 'content and more' },
    'GET /v1/runs/run_01/artifacts/flaky.txt': (_, nth) =>
      nth === 1
        ? {
            raw: (response) =>
              void response.writeHead(200, { 'content-length': '7' }).write('con', () => response.destroy()),
          }
        : { text: 'content' },
  })
  await using folder = await folderWith({})
  const run = runOf({ suite: 'shop/smoke', artifacts: 6 })
  const { files, problems } = await downloadArtifacts(
    [run, runOf({ id: 'none' })],
    clientFor(server.url),
    join(folder.path, 'out'),
  )
  const at = (name: string) => join(folder.path, 'out', 'shop', 'smoke', name)
  expect(files).toEqual([at('shots/a b.png'), at('flaky.txt')])
  expect(await readFile(at('flaky.txt'), 'utf8')).toBe('content')
  expect(problems).toEqual([
    expect.stringContaining('"../../evil" of shop/smoke was not kept: its path leads out'),
    expect.stringContaining('"/etc/evil"'),
    expect.stringContaining('"tampered" of shop/smoke was not kept: what arrived is not what the server keeps'),
    expect.stringContaining('"long" of shop/smoke was not kept: it is longer than'),
  ])
  expect((await readdir(join(folder.path, 'out'), { recursive: true })).sort()).toEqual([
    'shop',
    'shop/smoke',
    'shop/smoke/flaky.txt',
    'shop/smoke/shots',
    'shop/smoke/shots/a b.png',
  ])
})

it('never rejects when the list cannot be had', async () => {
  await using server = await scriptedServer({})
  await using folder = await folderWith({})
  const { problems } = await downloadArtifacts([runOf({ artifacts: 1 })], clientFor(server.url), folder.path)
  expect(problems).toEqual([expect.stringContaining('could not be listed')])
})
