import { spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { ciTool, skipReason } from '../support/ci-tools.ts'
import { root, WORKFLOWS } from './github-files.ts'

const reason = skipReason('zizmor')

describe.skipIf(reason !== '')(`zizmor${reason}`, () => {
  it.each(['.github/dependabot.yml', 'action.yml', ...WORKFLOWS])('finds nothing in %s', (path) => {
    const args = ['--offline', '--no-progress', '--color=never', '--config=.github/zizmor.yml', '--collect=all', path]
    const { status, stdout, stderr } = spawnSync(ciTool('zizmor'), args, { cwd: root, encoding: 'utf8' })
    expect(status, stdout + stderr).toBe(0)
    expect(stdout).toMatch(/No findings to report/)
  })
})
