import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseAllDocuments, stringify } from 'yaml'
import { PACKED_ORB } from '../../tools/orb.ts'
import { ciTool, skipReason } from '../support/ci-tools.ts'
import { temporaryFolder } from '../support/folder.ts'
import { inlined, readOrb } from '../support/orb-expander.ts'
import { EXAMPLES, RECIPES } from './recipes.ts'

const skipped = skipReason('check-jsonschema')
const orb = readOrb(readFileSync(PACKED_ORB, 'utf8'))

describe.skipIf(skipped !== '')(`the CI systems' own schemas take${skipped}`, () => {
  const folder = temporaryFolder('verdict-schemas-')

  /** What check-jsonschema says of a file; empty when it is good. */
  function problems(schema: readonly string[], file: string): string {
    try {
      execFileSync(ciTool('check-jsonschema'), ['--builtin-schema', ...schema, file], {
        encoding: 'utf8',
        stdio: 'pipe',
      })
      return ''
    } catch (error) {
      return (error as { stdout: string }).stdout
    }
  }
  const written = (name: string, value: object) => {
    const file = join(folder, name)
    writeFileSync(file, stringify(value))
    return file
  }

  it('the packed orb', () => {
    expect(problems(['vendor.circle-ci'], PACKED_ORB)).toBe('')
  })

  it.each(Object.entries(orb.examples))('the example %s of the orb, with the orb in it', (name, { usage }) => {
    expect(problems(['vendor.circle-ci'], written(`${name}.yml`, inlined(usage, orb)))).toBe('')
  })

  it.each(RECIPES)('the recipe for $system', ({ file, schema }) => {
    expect(problems(schema, EXAMPLES + file)).toBe('')
  })

  it("GitLab's component, less its header, and the pipeline that includes it", () => {
    const [, body] = parseAllDocuments(readFileSync(`${EXAMPLES}gitlab/templates/verdict.yml`, 'utf8'))
    const filled = JSON.parse(
      JSON.stringify(body)
        .replaceAll('$[[ inputs.stage ]]', 'test')
        .replace(/\$\[\[ inputs\.\w+ \]\]/g, 'x'),
    )
    expect(problems(['vendor.gitlab-ci'], written('component.yml', filled))).toBe('')
    expect(problems(['vendor.gitlab-ci'], `${EXAMPLES}gitlab/.gitlab-ci.yml`)).toBe('')
  })

  it('nothing that is wrong', () => {
    expect(problems(['vendor.circle-ci'], written('wrong.yml', { version: 2.1, jobs: { a: { steps: 7 } } }))).not.toBe(
      '',
    )
  })
})
