import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { temporaryFolder } from '../support/folder.ts'
import { verdict } from './machine.ts'

const PASSED =
  '<testsuite name="cart"><testcase name="adds" time="0.1"/><testcase name="sums"><skipped/></testcase></testsuite>'
const FAILED =
  '<testsuite name="cart"><testcase name="adds" file="test/cart.test.js"><failure message="1 is not 2">::error::forged&#10;\u001b[31mred</failure></testcase></testsuite>'

async function folderWith(files: Record<string, string>) {
  const folder = temporaryFolder('verdict-report-')
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
  return folder
}

describe('report', () => {
  it('is green for files in which tests ran and passed, without server or key', async () => {
    const cwd = await folderWith({ 'a.xml': PASSED })
    expect(await verdict(['report', 'a.xml'], { cwd })).toMatchObject({
      code: 0,
      stdout: '✓ a.xml passed: 1 passed, 1 skipped\n',
      stderr: '',
    })
  })

  it('shows failures with their place, and lets none of their text be taken for a command', async () => {
    const cwd = await folderWith({ 'a.xml': PASSED, 'b.xml': FAILED.replace('\u001b', '') })
    const { code, stdout } = await verdict(['report', 'a.xml', 'b.xml'], { cwd })
    expect(code).toBe(1)
    expect(stdout).toContain('cart > adds (test/cart.test.js)')
    expect(stdout).toContain('1 is not 2')
    expect(stdout).toMatch(/✗ 2 files failed: 1 failed, 1 passed, 1 skipped\n$/)
    expect(stdout).not.toMatch(/^\s*::error/m)
  })

  it('gives state, reason, results and cases with --json', async () => {
    const cwd = await folderWith({ 'a.xml': FAILED.replace('\u001b', '') })
    const { code, stdout } = await verdict(['report', '--json', '--directory', '.', 'a.xml'], { cwd })
    expect(code).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject({
      state: 'failed',
      reason: { code: 'tests_failed', fault: 'suite' },
      results: { total: 1, failed: 1 },
      cases: [{ name: 'adds', state: 'failed', message: '1 is not 2' }],
    })
  })

  it.each([
    ['no test', '<testsuites/>', 'no_tests'],
    ['skipped tests only', '<testsuite><testcase name="a"><skipped/></testcase></testsuite>', 'no_tests'],
    ['half a report', '<testsuite><testcase', 'report_invalid'],
    ['nothing', '', 'report_invalid'],
    ['another thing', '{"tests": 1}', 'report_invalid'],
    ['more than a report may have', `<testsuite>${' '.repeat(50_000_001)}`, 'report_too_large'],
  ])('is never green for %s', async (_, text, code) => {
    const cwd = await folderWith({ 'a.xml': text })
    const outcome = await verdict(['report', 'a.xml', '--json'], { cwd })
    expect(outcome.code).toBe(1)
    expect(JSON.parse(outcome.stdout)).toMatchObject({ state: 'errored', reason: { code } })
  })

  it.each([
    ['no.xml', 'no.xml: there is no such file'],
    ['folder', 'folder is no file: name the report files, for example folder/*.xml'],
  ])('takes %s for wrong use', async (path, message) => {
    const cwd = await folderWith({})
    await mkdir(join(cwd, 'folder'))
    expect(await verdict(['report', path], { cwd })).toMatchObject({
      code: 2,
      stdout: '',
      stderr: `verdict: ${message}\n`,
    })
  })
})
