import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { makeApiKey } from '../../contract/api-key.ts'
import { ConfigError } from '../../settings/read.ts'
import { readWorkerConfig } from '../../worker/config.ts'

const KEY = makeApiKey((bytes) => new Uint8Array(bytes).fill(7))
const GOOD = { VERDICT_URL: 'https://verdict.example.com/', VERDICT_WORKER_KEY: KEY }
const read = (env: Record<string, string>) => readWorkerConfig(env, '/srv')
const problems = (env: Record<string, string>): string[] => {
  try {
    read(env)
    return []
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.message.split('\n').slice(1)
  }
}

describe("a worker's configuration", () => {
  it('needs an address and a key, and has a default for all else', () => {
    const { config, warnings } = read(GOOD)
    expect(warnings).toEqual([])
    expect(config).toMatchObject({
      url: 'https://verdict.example.com',
      key: KEY,
      dataDir: join('/srv', '.verdict-worker'),
      runner: 'auto',
      stopGraceSeconds: 20,
    })
    expect(Object.isFrozen(config)).toBe(true)
  })

  it('reports everything that is wrong with it together, and never the key', () => {
    const wrong = { VERDICT_WORKER_KEY: `${KEY}x`, VERDICT_WORKER_SLOTS: '0', VERDICT_RUNNER: 'process' }
    const told = problems(wrong)
    expect(told).toEqual([
      expect.stringContaining('VERDICT_WORKER_SLOTS'),
      expect.stringContaining('VERDICT_URL'),
      expect.stringContaining('VERDICT_WORKER_KEY does not look like a Verdict key: it has 41 characters'),
      expect.stringContaining('VERDICT_ALLOW_UNSANDBOXED'),
    ])
    expect(told.join()).not.toContain(KEY)
  })

  it.each([
    ['no key', { VERDICT_WORKER_KEY: '' }, 'verdict workers create NAME'],
    ['plain http', { VERDICT_URL: 'http://verdict.example.com' }, 'VERDICT_ALLOW_HTTP=1'],
    ['a label that is none', { VERDICT_WORKER_LABELS: 'GPU' }, 'VERDICT_WORKER_LABELS'],
  ])('says what to do about %s', (_what, env, advice) => {
    expect(problems({ ...GOOD, ...env })).toEqual([expect.stringContaining(advice)])
  })

  it('takes plain http where that is allowed', () => {
    const env = { ...GOOD, VERDICT_URL: 'http://verdict.example.com', VERDICT_ALLOW_HTTP: '1' }
    expect(read(env).config.url).toBe('http://verdict.example.com')
  })

  it('warns of what is no setting of a worker', () => {
    expect(read({ ...GOOD, VERDICT_PORT: '1', VERDICT_WORKER_LABEL: 'x' }).warnings).toEqual([
      expect.stringContaining('VERDICT_PORT'),
      expect.stringContaining('VERDICT_WORKER_LABEL'),
    ])
  })
})
