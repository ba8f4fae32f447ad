import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { verdict } from '../cli/machine.ts'
import { ciTool, skipReason } from '../support/ci-tools.ts'

const reason = skipReason('zsh')

describe.skipIf(reason !== '')(`completion in zsh${reason}`, () => {
  it.each([
    ['co', ['completion']],
    ['run --ju', ['--junit-file']],
    ['suites secret ', ['set', 'list', 'delete', '--url', '--directory', '--json']],
  ])('knows what may stand at "verdict %s"', async (line, expected) => {
    const { stdout } = await verdict(['completion', 'zsh'])
    const words = ['verdict', ...line.split(' ')]
    // zsh's own helpers exist at a prompt only: here they tell what they were given.
    const script = `compdef() { }; _describe() { print -rl -- "\${(@P)2}" }; ${stdout}
words=("$@"); CURRENT=$#; _verdict`
    const said = execFileSync(ciTool('zsh'), ['-fc', script, 'zsh', ...words], { encoding: 'utf8' })
    const candidates = said
      .trim()
      .split('\n')
      .map((entry) => entry.split(':')[0] ?? '')
    expect(candidates.filter((word) => word.startsWith(words.at(-1) ?? ''))).toEqual(expected)
  })
})
