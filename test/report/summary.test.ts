import { describe, expect, it } from 'vitest'
import { SUMMARY_MAX_BYTES, summary } from '../../report/summary.ts'
import { aCase, aFailedRun, aFailure, aRun } from './cases.ts'

const bytes = (text: string) => new TextEncoder().encode(text).byteLength

describe('summary', () => {
  it('is a table of the runs, then the failures, folded', () => {
    const text = summary([
      { run: aRun(), cases: [] },
      { run: aFailedRun(1, { suite: 'shop/cart' }), cases: [aCase(), aFailure({ testSuite: 'cart' })] },
    ])
    expect(text).toBe(`### ❌ 1 of 2 suites did not pass

| Suite | Verdict | Tests | Passed | Failed | Errored | Skipped | Flaky | Time |
| --- | --- | --: | --: | --: | --: | --: | --: | --: |
| \` shop/cart \` | ❌ [failed](https://verdict.example/v1/runs/run_01) | 11 | 10 | 1 | 0 | 0 | 0 | 3.2 s |
| \` smoke \` | ✅ [passed](https://verdict.example/v1/runs/run_01) | 13 | 12 | 0 | 0 | 1 | 0 | 3.2 s |

\` shop/cart \` 1 of 11 tests failed

#### Failures of \` shop/cart \`

<details><summary><code>cart &gt; totals (test/cart.test.js:12)</code></summary>

\`\`\`text
AssertionError: 3 !== 2
    at test/cart.test.js:12:5
\`\`\`

</details>
`)
  })

  it('says when all passed, and names flaky tests', () => {
    const run = aRun({ results: { total: 1, passed: 1, failed: 0, skipped: 0, errored: 0, flaky: 1 } })
    const text = summary([{ run, cases: [aCase({ flaky: true })] }])
    expect(text).toContain('### ✅ 1 suite passed')
    expect(text).toContain('#### Flaky in ` smoke `: passed only when tried again\n\n- ` adds an item `\n')
    expect(summary([])).toContain('### No suite was run')
  })

  it.each([
    [
      aRun({ state: 'errored', results: null, reason: { code: 'no_runner', message: 'no worker', fault: 'service' } }),
      'no worker',
    ],
    [aRun({ state: 'running', results: null, durationMs: null }), 'There is no verdict yet: the run is running.'],
    [aRun({ state: 'cancelled', reason: null }), 'The run was cancelled.'],
  ])('says why a run without failing cases is not passed', (run, why) => {
    expect(summary([{ run, cases: [] }])).toContain(why)
  })

  it('stays below the limit, keeps the beginning, and says how much was left out', () => {
    const cases = Array.from({ length: 500 }, (_, i) => aFailure({ name: `case ${i}`, details: 'ß'.repeat(60_000) }))
    const text = summary([{ run: aFailedRun(700), cases }])
    expect(bytes(text)).toBeLessThanOrEqual(SUMMARY_MAX_BYTES)
    const shown = text.match(/<details>/g)?.length ?? 0
    expect(shown).toBeGreaterThan(50)
    expect(text.match(/<\/details>/g)).toHaveLength(shown)
    expect(text).toContain(`${700 - shown} more failures left out here`)
    expect(text).toContain('case 0 ')
  })

  it.each([1000, 3000, 20_000])('stays below %d bytes', (maxBytes) => {
    const reports = Array.from({ length: 100 }, (_, i) => ({
      run: aFailedRun(1, { suite: `suite-${i}` }),
      cases: [aFailure()],
    }))
    const text = summary(reports, { maxBytes })
    expect(bytes(text)).toBeLessThanOrEqual(maxBytes)
    expect(text).toMatch(/more failures left out here/)
  })

  it('lets no test name or output become markup, HTML, a mention or the end of its block', () => {
    const evil = '</code></summary></details><script>x</script>\n\n# @octocat ```` [a](b) |'
    const run = aFailedRun(1, { reason: { code: 'tests_failed', message: evil, fault: 'suite' } })
    const text = summary([
      { run, cases: [aFailure({ name: evil, message: evil, details: `${evil}\n\`\`\`\`\`\n</details>` })] },
    ])
    const outside = text.replace(/^(`{3,})text\n[\s\S]*?\n\1$/gm, '')
    expect(outside).not.toMatch(/(?<!\\)<script|(?<!\\)<\/script/)
    expect(outside.match(/(?<!\\)<\/details>/g)).toHaveLength(1)
    expect(outside.replace(/<code>.*<\/code>/g, '')).not.toContain('@octocat')
  })
})
