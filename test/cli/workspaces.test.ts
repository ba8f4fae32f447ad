import { afterAll, beforeAll, expect, it } from 'vitest'
import { startServer, type TestServer } from '../support/server.ts'
import { verdict } from './machine.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer({ env: { VERDICT_RUNNER: 'none' } })
})
afterAll(() => server?.stop())

it('a workspace is made, renamed and deleted with a key of its own, at a real server', async () => {
  const cli = (key: string, ...argv: string[]) =>
    verdict(['workspaces', ...argv], { env: { VERDICT_URL: server.url, VERDICT_API_KEY: key } })
  const named = async () =>
    (JSON.parse((await cli(server.key, 'list', '--json')).stdout).items as { name: string }[]).map(({ name }) => name)

  const made = await cli(server.key, 'create', 'shop')
  expect(made.code, made.stderr).toBe(0)
  const key = made.stdout.trim()
  expect(await named()).toContain('shop')
  expect((await cli(key, 'rename', 'shop & "stock"')).code).toBe(0)
  expect(await named()).toContain('shop & "stock"')
  expect(await cli(key, 'delete', '--confirm', 'shop')).toMatchObject({ code: 2 })
  expect(await named()).toHaveLength(2)
  expect((await cli(key, 'delete', '--confirm', 'shop & "stock"')).code).toBe(0)
  expect(await named()).not.toContain('shop & "stock"')
  expect((await cli(key, 'list')).code, 'the key went with its workspace').toBe(3)
})
