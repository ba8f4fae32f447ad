import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { ciTool, skipReason } from '../support/ci-tools.ts'

const skipped = skipReason('bats', 'sha256sum')
const file = fileURLToPath(new URL('../../orb/src/tests/scripts.bats', import.meta.url))
const cases = [...readFileSync(file, 'utf8').matchAll(/^@test "(.+)" \{$/gm)].map(([, name = '']) => name)

describe.skipIf(skipped !== '')(`the orb's scripts under bats${skipped}`, () => {
  let report = ''
  it('are all tried', () => {
    try {
      report = execFileSync(ciTool('bats'), ['--formatter', 'tap', file], { encoding: 'utf8', stdio: 'pipe' })
    } catch (error) {
      report = (error as { stdout: string }).stdout
    }
    expect(report).toMatch(new RegExp(`^1\\.\\.${cases.length}$`, 'm'))
  })

  it.each(cases)('%s', (name) => {
    const line = report.split('\n').find((one) => one.endsWith(` ${name}`))
    expect(line, report).toMatch(/^ok /)
  })
})
