import { describe, expect, it } from 'vitest'
import { failureLines, neutral, type Palette, verdictLine } from '../../report/terminal.ts'
import { aCase, aFailedRun, aFailure, aRun } from './cases.ts'

const because = (code: string, message: string) => ({ code, message, fault: null })

describe('verdictLine', () => {
  it.each([
    [aRun(), '✓ smoke passed: 12 passed, 1 skipped in 3.2 s'],
    [aFailedRun(2), '✗ smoke failed: 2 failed, 10 passed in 3.2 s'],
    [
      aRun({
        state: 'failed',
        reason: because('command_failed', 'The command exited with code 2 although no test failed.'),
      }),
      '✗ smoke failed: The command exited with code 2 although no test failed. (12 passed, 1 skipped, 3.2 s)',
    ],
    [
      aRun({
        state: 'errored',
        results: null,
        durationMs: null,
        reason: because('no_runner', 'no worker\nhas been seen'),
      }),
      '✗ smoke errored: no worker has been seen',
    ],
    [
      aRun({ state: 'timed_out', results: null, durationMs: 60_000, reason: null }),
      '✗ smoke timed out: The run timed out. (1 min)',
    ],
    [
      aRun({ state: 'cancelled', results: null, durationMs: null, reason: because('cancelled_by_user', 'by ada') }),
      '⊘ smoke cancelled: by ada',
    ],
    [
      aRun({ state: 'queued', results: null, durationMs: null }),
      '… smoke queued: There is no verdict yet: the run is queued.',
    ],
  ])('%#: says how the run ended', (run, line) => {
    expect(verdictLine(run)).toBe(line)
  })

  it('colours by the palette it is given', () => {
    const mark = (name: string) => (text: string) => `<${name}>${text}</${name}>`
    const palette: Palette = { red: mark('r'), green: mark('g'), yellow: mark('y'), dim: mark('d'), bold: mark('b') }
    expect(verdictLine(aRun(), palette)).toBe('<g>✓ <b>smoke</b> passed</g>: 12 passed, 1 skipped<d> in 3.2 s</d>')
  })
})

describe('failureLines', () => {
  it('show name, place, and text, not twice what the details say too', () => {
    const cases = [
      aCase(),
      aFailure({ testSuite: 'cart' }),
      aFailure({ name: 'bare', message: 'no', details: null, file: null }),
    ]
    expect(failureLines({ run: aFailedRun(2), cases })).toEqual([
      '✗ cart > totals (test/cart.test.js:12)',
      '  │ AssertionError: 3 !== 2',
      '  │     at test/cart.test.js:12:5',
      '✗ bare',
      '  │ no',
    ])
    expect(failureLines({ run: aRun(), cases: [aCase()] })).toEqual([])
  })

  it('are bounded in failures, lines and length, and say where the rest is', () => {
    const cases = Array.from({ length: 5 }, () => aFailure({ details: `${'x'.repeat(9000)}\n`.repeat(40) }))
    const lines = failureLines({ run: aFailedRun(7), cases }, { maxFailures: 2, maxLines: 3 })
    expect(lines).toHaveLength(2 * (1 + 3 + 1) + 1)
    expect(lines[4]).toBe('  │ … 39 more lines')
    expect(lines.at(-1)).toBe(
      '… and 5 more failures: `verdict logs run_01` or the JUnit file (--junit-file) has them all',
    )
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(600)
    expect(failureLines({ run: aFailedRun(7), cases: [] })).toEqual([
      '… and 7 failures: `verdict logs run_01` or the JUnit file (--junit-file) has them all',
    ])
  })

  it('let no test write commands for the CI system or the terminal', () => {
    const evil = '\u001b[2J::error::x\r::set-env name=PATH::/\n##[error]y\n##vso[task.setvariable]z'
    const text = failureLines({
      run: aFailedRun(1),
      cases: [aFailure({ name: evil, message: evil, details: evil, file: evil })],
    })
    for (const line of text.join('\n').split(/\r|\n/)) expect(line).not.toMatch(/^\s*::|##\[|##vso\[|\u001b/)
  })
})

describe('neutral', () => {
  it.each([
    ['::error file=x::y', ':\u200b:error file=x::y'],
    ['  \t::stop-commands::t', '  \t:\u200b:stop-commands::t'],
    ['ok\n::add-mask::x', 'ok\n:\u200b:add-mask::x'],
    ['ok\r::add-mask::x', 'ok\n:\u200b:add-mask::x'],
    ['\u001b[0m::error::x', ':\u200b:error::x'],
    ['\u202e::error::x', ':\u200b:error::x'],
    ['a ##[group]b', 'a #\u200b#[group]b'],
    ['##VSO[task.complete]', '#\u200b#VSO[task.complete]'],
    ["##teamcity[testFailed name='x']", "#\u200b#teamcity[testFailed name='x']"],
    ['a::b, std::vector, ## heading', 'a::b, std::vector, ## heading'],
    ['section_start:1:x\r\u001b[0Kx', 'section_start:1:x\nx'],
  ])('makes %j to %j', (text, expected) => {
    expect(neutral(text)).toBe(expected)
  })

  it('takes time in proportion to the length', () => {
    expect(neutral('\n'.repeat(500_000)).length).toBe(500_000)
    expect(neutral(' '.repeat(500_000)).length).toBe(500_000)
  })
})
