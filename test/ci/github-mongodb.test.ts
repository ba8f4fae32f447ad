import { readdirSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { parse } from 'yaml'

interface Workflow {
  readonly jobs: Record<string, { readonly steps: readonly { readonly run?: string }[] }>
}

it('the job with a real MongoDB runs every test that may be given one', () => {
  const { jobs } = parse(readFileSync('.github/workflows/test.yml', 'utf8')) as Workflow
  const [command] = jobs.mongodb!.steps.flatMap(({ run }) => (run?.includes('vitest') ? [run] : []))
  const filters = command!.trim().split(/\s+/).slice(3)
  const tests = readdirSync('test', { recursive: true })
    .map((name) => `test/${String(name).replaceAll('\\', '/')}`)
    .filter((name) => name.endsWith('.test.ts') && /^import \{.*\bstartMongo\b/m.test(readFileSync(name, 'utf8')))
  // Nothing of it can use a server that is not its own.
  const own = ['test/server/store/mongo-faults.test.ts']
  const left = tests.filter((name) => !own.includes(name) && !filters.some((filter) => name.includes(filter)))
  expect(tests.length).toBeGreaterThan(9)
  expect(left).toEqual([])
})
