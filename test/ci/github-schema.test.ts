import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { readAction } from '../../tools/docs-tables.ts'
import { ciTool, skipReason } from '../support/ci-tools.ts'
import { root, WORKFLOWS } from './github-files.ts'

const reason = skipReason('check-jsonschema')

describe.skipIf(reason !== '')(`GitHub's schemas${reason}`, () => {
  it.each([
    ['vendor.github-actions', ['action.yml']],
    ['vendor.github-workflows', WORKFLOWS],
    ['vendor.dependabot', ['.github/dependabot.yml']],
  ])('%s takes what is for it', (schema, files) => {
    const args = ['--builtin-schema', schema, ...files]
    const { status, stdout, stderr } = spawnSync(ciTool('check-jsonschema'), args, { cwd: root, encoding: 'utf8' })
    expect(status, stdout + stderr).toBe(0)
  })
})

describe('action.yml', () => {
  it('has branding, and a description of every input and output', () => {
    const { branding, inputs, outputs } = readAction() as ReturnType<typeof readAction> & { branding?: object }
    expect(branding).toEqual({ icon: expect.any(String), color: expect.any(String) })
    for (const { description } of [...Object.values(inputs), ...Object.values(outputs)])
      expect(description).toMatch(/\.$/)
  })

  it('holds no expression, which the runner refuses where it does not evaluate any', () => {
    expect(readFileSync(join(root, 'action.yml'), 'utf8')).not.toContain('${{')
  })
})

describe('workflows', () => {
  it.each(WORKFLOWS)('name every right they use, and their third parties by commit: %s', (file) => {
    const text = readFileSync(join(root, file), 'utf8')
    expect((parse(text) as { permissions?: object }).permissions).toBeDefined()
    const used = [...text.matchAll(/uses: (\S+)(.*)$/gm)].filter(([, name = '']) => !/^(\.\/|your-org\/)/.test(name))
    for (const [line, name, comment] of used) {
      expect(name, line).toMatch(/@[0-9a-f]{40}$/)
      expect(comment, line).toMatch(/^ # v\d+\.\d+\.\d+$/)
    }
  })

  it('of the examples give the Action inputs that it has, and read outputs that it has', () => {
    const { inputs, outputs } = readAction()
    for (const file of WORKFLOWS.filter((name) => name.startsWith('examples/'))) {
      const text = readFileSync(join(root, file), 'utf8')
      const jobs = Object.values((parse(text) as { jobs: Record<string, { steps?: Step[] }> }).jobs)
      const steps = jobs.flatMap(({ steps = [] }) => steps).filter(({ uses }) => uses?.startsWith('your-org/verdict@'))
      expect(Object.keys(inputs)).toEqual(expect.arrayContaining(steps.flatMap((step) => Object.keys(step.with ?? {}))))
      const read = [...text.matchAll(/steps\.\w+\.outputs\.([a-z-]+)/g)].map(([, name]) => name)
      expect(Object.keys(outputs)).toEqual(expect.arrayContaining(read))
    }
  })
})

interface Step {
  readonly uses?: string
  readonly with?: object
}
