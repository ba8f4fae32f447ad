import { execFile, spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { BASICS } from '../support/e2e-process.ts'
import { temporaryFolder } from '../support/folder.ts'
import { root } from './markdown-files.ts'

const hasGit = spawnSync('git', ['--version']).error === undefined

describe.skipIf(!hasGit)(`npm run demo -- --exit${hasGit ? '' : ' (skipped: git is missing)'}`, () => {
  it('plays a passing and a failing build, shows no key, and leaves nothing behind', async () => {
    const folder = temporaryFolder('verdict-demo-test-')
    const env = { ...BASICS, TMPDIR: folder }
    const demo = [join(root, 'tools/demo.ts'), '--exit']
    // Rejects for any exit code but 0.
    const { stdout } = await promisify(execFile)(process.execPath, demo, { env })
    expect(stdout).toMatch(/shop\/cart passed: 4 passed[\s\S]*exit code 0, as it must be/)
    expect(stdout).toMatch(/shop\/cart failed: 2 failed, 2 passed[\s\S]*exit code 1, as it must be/)
    expect(stdout).not.toMatch(/vdt_\w{10}/)
    expect(readdirSync(folder)).toEqual([])
  })
})
