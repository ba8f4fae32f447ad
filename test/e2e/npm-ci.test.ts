import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { TestRegistry } from '../support/e2e-registry.ts'
import { openStage, type Stage } from '../support/e2e-stage.ts'
import { type Files, NODE_TESTS, suiteFile } from '../support/e2e-tree.ts'
import { missingForSandbox } from '../support/sandbox-tools.ts'

const missing = missingForSandbox(['bwrap', 'slirp4netns', 'ip', 'nsenter', 'unshare', 'npm'])

describe.skipIf(missing)(missing ? `setup: npm ci (skipped: ${missing})` : 'setup: npm ci', { timeout: 60_000 }, () => {
  let stage: Stage
  let registry: TestRegistry
  beforeAll(async () => {
    registry = await TestRegistry.listen({
      name: 'tax-of-the-test',
      version: '1.2.3',
      files: { 'index.js': 'module.exports = (net) => net * 1.2\n' },
    })
    stage = await openStage({
      env: { VERDICT_RUNNER: 'sandbox', VERDICT_ALLOWED_PRIVATE_CIDRS: '127.0.0.0/8' },
    })
  })
  afterEach(() => expect(stage.leaks.found()).toEqual([]))
  afterAll(async () => {
    await stage?.close()
    await registry?.close()
  })

  const shop = (suite: object): Files => ({
    'package.json': JSON.stringify({ name: 'shop', private: true, dependencies: { 'tax-of-the-test': '1.2.3' } }),
    'package-lock.json': registry.lockFile('shop'),
    'tax.test.cjs': [
      "const assert = require('node:assert/strict')",
      "const { test } = require('node:test')",
      "test('uses the real package', () => assert.equal(require('tax-of-the-test')(100), 120))",
      '',
    ].join('\n'),
    'verdict.yaml': suiteFile({ shop: suite }),
  })
  const setup = (host: string) =>
    `npm ci --no-audit --no-fund --fetch-retries=0 --registry=http://${host}:${registry.port}/`

  it('installs a real dependency from a registry that the operator lets suites reach, and tests with it', async () => {
    const suite = { ...NODE_TESTS, setup: setup('host.verdict.internal'), network: 'internet' }
    const cwd = await stage.tree(shop(suite))
    const ended = await stage.verdict(['run', '--json'], { cwd })
    expect(ended.exitCode, ended.stderr).toBe(0)
    expect(JSON.parse(ended.stdout).runs[0]).toMatchObject({ results: { total: 1, passed: 1 } })
    expect(registry.asked).toEqual(['GET /tax-of-the-test', 'GET /tax-of-the-test/-/tax-of-the-test-1.2.3.tgz'])
  })

  it('is the fault of the suite where it asks for no network', async () => {
    const asked = registry.asked.length
    const cwd = await stage.tree(shop({ ...NODE_TESTS, setup: setup('host.verdict.internal') }))
    const ended = await stage.verdict(['run', '--json'], { cwd })
    expect(ended.exitCode, ended.stderr).toBe(1)
    expect(JSON.parse(ended.stdout).runs[0]).toMatchObject({
      state: 'errored',
      reason: { code: 'setup_failed', fault: 'suite' },
    })
    expect(registry.asked).toHaveLength(asked)
  })
})
