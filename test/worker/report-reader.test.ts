import { describe, expect, it } from 'vitest'
import { systemClock } from '../../server/clock.ts'
import { READING_LIMITS, readReport } from '../../worker/report-reader.ts'

function filesOf(...texts: string[]) {
  return texts.map((text, i) => ({ path: `report-${i}.xml`, bytes: new TextEncoder().encode(text) }))
}

async function read(text: string, limits: { memoryMb: number; ms: number } = READING_LIMITS) {
  return readReport({ files: filesOf(text), root: '/x', secrets: ['hunter22'] }, systemClock, limits)
}

const MANY = `<testsuite>${'<testcase name="a name" classname="a class"><failure message="m">text</failure></testcase>'.repeat(100_000)}</testsuite>`

describe('reading a report', () => {
  it('gives counts, failing names and cases in blocks, masked', async () => {
    const report = await read(
      '<testsuite><testcase name="of hunter22"><failure>x</failure></testcase><testcase name="b"/></testsuite>',
    )
    if (report.kind !== 'read') throw new Error(report.message)
    expect([report.results.total, report.failing]).toEqual([2, ['of ***']])
    const blocks = []
    for await (const block of report.blocks) blocks.push(block)
    expect(blocks).toMatchObject([[{ name: 'of ***' }, { name: 'b' }]])
    await report.close()
  })

  it('gives blocks that fit into one call, also of long cases', async () => {
    const one = (name: string, length: number) =>
      `<testcase name="${name}"><failure message="m">${'x'.repeat(length)}</failure></testcase>`
    const cases = Array.from({ length: 40 }, (_, i) => one(`case ${i}`, 60_000))
    const report = await read(`<testsuite>${cases.join('')}${one('short', 1)}</testsuite>`)
    if (report.kind !== 'read') throw new Error(report.message)
    const blocks = []
    for await (const block of report.blocks) blocks.push(block)
    await report.close()
    expect(blocks.flat()).toHaveLength(41)
    expect(blocks.flat().at(-1)?.name).toBe('short')
    for (const block of blocks) expect(JSON.stringify(block).length).toBeLessThan(1_050_000)
    expect(blocks.length).toBeGreaterThan(2)
  })

  it('says what is wrong with it, masked', async () => {
    const report = await readReport(
      { files: [{ path: 'hunter22.xml', bytes: new Uint8Array() }], root: '/', secrets: ['hunter22'] },
      systemClock,
    )
    expect(report).toMatchObject({
      kind: 'problem',
      code: 'report_invalid',
      message: expect.stringMatching(/^(?!.*hunter22).*\*\*\*\.xml/),
    })
  })

  it('leaves the event loop free for others: 100,000 cases', async () => {
    let turns = 0
    const timer = setInterval(() => turns++, 1)
    const report = await read(MANY)
    // Parsed on the event loop it would have let nobody else have a turn.
    expect(turns).toBeGreaterThan(20)
    clearInterval(timer)
    if (report.kind !== 'read') throw new Error(report.message)
    let count = 0
    let largest = 0
    for await (const block of report.blocks) {
      count += block.length
      largest = Math.max(largest, block.length)
    }
    await report.close()
    expect([count, largest]).toEqual([100_000, 500])
  })

  it('ends when it takes too much memory', async () => {
    const report = await read(MANY, { memoryMb: 16, ms: 60_000 })
    expect(report).toMatchObject({
      kind: 'problem',
      code: 'report_too_large',
      message: expect.stringMatching(/16 MB of memory/),
    })
  })

  it('ends when it takes too long', async () => {
    const report = await read(MANY, { memoryMb: 1024, ms: 1 })
    expect(report).toMatchObject({
      kind: 'problem',
      code: 'report_too_large',
      message: expect.stringMatching(/within 0.001 s/),
    })
  })
})
