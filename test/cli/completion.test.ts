import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { COMMANDS, cliOptions } from '../../cli/commands.ts'
import { verdict } from './machine.ts'

async function scriptFor(shell: string): Promise<string> {
  const { code, stdout, stderr } = await verdict(['completion', shell])
  expect(code, stderr).toBe(0)
  return stdout
}

describe('completion', () => {
  it.each(['bash', 'zsh', 'fish'])('names every command and flag for %s', async (shell) => {
    const script = await scriptFor(shell)
    for (const word of COMMANDS.flatMap(({ name }) => name.split(' '))) expect(script).toContain(word)
    for (const { long } of cliOptions()) expect(script).toContain(shell === 'fish' ? `-l ${long.slice(2)}` : long)
  })

  it.each([
    ['', 'run wait cancel rerun logs runs suites keys'],
    ['co', 'completion'],
    ['run --ju', '--junit-file'],
    ['run smoke --wait-', '--wait-timeout'],
    ['suites ', 'push list show delete secret --url --directory --json'],
    ['suites secret s', 'set'],
    ['suites push --take', '--take-over'],
    ['keys create ci --sc', '--scopes'],
    ['nosuch --u', '--url'],
    ['report $(touch pwned) --j', '--json'],
  ])('gives bash what may stand at "verdict %s"', async (line, expected) => {
    const words = ['verdict', ...line.split(' ')]
    const script = `${await scriptFor('bash')}
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _verdict; echo "\${COMPREPLY[@]}"`
    const said = execFileSync('bash', ['-euc', script, 'bash', ...words], { encoding: 'utf8' }).trim()
    expect(said.startsWith(expected), said).toBe(true)
    if (line !== '') expect(said).toBe(expected)
  })

  it('refuses a shell that it does not know', async () => {
    expect(await verdict(['completion', 'tcsh'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('no completion for "tcsh"; there is for bash, zsh, fish'),
    })
    expect((await verdict(['completion', '__proto__'])).code).toBe(2)
  })
})
