import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { verdict } from '../cli/machine.ts'
import { ciTool, skipReason } from '../support/ci-tools.ts'

const reason = skipReason('fish')

describe.skipIf(reason !== '')(`completion in fish${reason}`, () => {
  it.each([
    ['verdict co', ['completion']],
    ['verdict run --ju', ['--junit-file']],
    ['verdict suites secret ', ['delete', 'list', 'set']],
  ])('knows what may stand at "%s"', async (line, expected) => {
    const { stdout, home } = await verdict(['completion', 'fish'])
    const env = { ...process.env, HOME: home, XDG_CONFIG_HOME: home, XDG_DATA_HOME: home }
    const said = execFileSync(ciTool('fish'), ['-Nc', `${stdout}\ncomplete -C $argv[1]`, line], {
      encoding: 'utf8',
      env,
    })
    const words = said
      .trim()
      .split('\n')
      .map((entry) => entry.split('\t')[0] ?? '')
    expect(words.sort()).toEqual(expected)
  })
})
