import { getHeapStatistics } from 'node:v8'
import { describe, expect, it } from 'vitest'
import { KeptTail } from '../../worker/kept-tail.ts'
import { LINE_CUT_MARK, LineCutter } from '../../worker/line-cutter.ts'
import { createLogSender, type LogSender } from '../../worker/log-sender.ts'
import { createMasker } from '../../worker/masking.ts'
import { createOutput } from '../../worker/output.ts'
import { MovableClock } from '../support/clock.ts'
import { jobOf } from '../support/scripted-work.ts'
import { startWorkerUnderTest } from '../support/worker-under-test.ts'

const NO_LOG = { info: () => {}, warn: () => {}, error: () => {} }

function collecting(): LogSender & { text: string } {
  return {
    text: '',
    push(text) {
      this.text += text
    },
    async end() {},
  }
}

describe('output', () => {
  it('puts characters together that were split over chunks, and replaces what is not UTF-8', () => {
    const sender = collecting()
    const output = createOutput(createMasker([]), sender)
    for (const byte of Buffer.from('é😀€')) output.write(Buffer.from([byte]))
    output.write(Buffer.from([0x41, 0xff, 0x42, 0xe2, 0x82]))
    output.endCommand()
    expect(sender.text).toBe('é😀€A\ufffdB\ufffd\n')
  })

  it('ends the last line of a command before a note', () => {
    const sender = collecting()
    const output = createOutput(createMasker(['hunter22']), sender)
    output.write(Buffer.from('no end hunt'))
    output.note('about hunter22')
    output.note('a name\n::error::of theirs')
    expect(sender.text).toBe('no end hunt\n[verdict] about ***\n[verdict] a name ::error::of theirs\n')
  })

  it('shows the first and the last of a long output with a mark between', async () => {
    const sender = collecting()
    const output = createOutput(createMasker([]), sender, { headBytes: 1000, tailBytes: 3 * 64 * 1024 })
    for (let i = 0; i < 100_000; i++) output.write(Buffer.from(`line ${i}\n`))
    expect(sender.text.length).toBeLessThan(1100)
    await output.end()
    const lines = sender.text.trimEnd().split('\n')
    const mark = lines.findIndex((line) => line.startsWith('[verdict] …'))
    expect(lines[0]).toBe('line 0')
    expect(lines.at(-1)).toBe('line 99999')
    expect(lines[mark]).toMatch(/^\[verdict\] … \d+ kB of output left out here …$/)
    // Whole lines on both sides, and the numbers add up.
    const [last, first] = [lines[mark - 1], lines[mark + 1]].map((line) => Number(/^line (\d+)$/.exec(line!)![1]))
    expect(first! - last!).toBe(100_000 - (lines.length - 1) + 1)
  })

  it('knows the last lines', () => {
    const output = createOutput(createMasker([]), collecting())
    output.write(Buffer.from(`${'x'.repeat(5000)}\none\n\n two\r\n\u001b[31mthree\u001b[0m\n`))
    expect(output.recentLines(2)).toEqual([' two', 'three'])
  })
})

describe('lines', () => {
  const cut = (max: number, pieces: string[]) => {
    const cutter = new LineCutter(max)
    return pieces.map((piece) => cutter.push(piece)).join('')
  }
  const cases: [string, string[], string][] = [
    ['are left alone when short', ['abc\nde', 'f\n'], 'abc\ndef\n'],
    ['are left alone when just as long as may be', ['abcde', '\nabcde\r\nabcde'], 'abcde\nabcde\r\nabcde'],
    ['are cut once, up to their end', ['abc', 'defg', 'hij', 'k\nlm'], `abcde${LINE_CUT_MARK}\nlm`],
    ['are ended by a carriage return, too', ['abcd\rabcd\rabcdef\ra'], `abcd\rabcd\rabcde${LINE_CUT_MARK}\ra`],
    ['are never cut between the halves of a character', ['abcd😀\n'], `abcd${LINE_CUT_MARK}\n`],
  ]
  it.each(cases)('%s', (_, pieces, expected) => expect(cut(5, pieces)).toBe(expected))
})

describe('the kept tail', () => {
  it('is all of a text that is short enough, whatever its pieces', () => {
    const tail = new KeptTail(3 * 64 * 1024)
    const text = '€uro😀\n'.repeat(15_000)
    for (let at = 0; at < text.length; at += 7917) tail.push(text.slice(at, at + 7917))
    const { leftOut, texts } = tail.take()
    expect(leftOut).toBe(0)
    expect(texts.join('') === text).toBe(true)
  })

  it('begins with a whole character where there is no line end', () => {
    const tail = new KeptTail(2 * 64 * 1024)
    tail.push('€'.repeat(100_000))
    const { leftOut, texts } = tail.take()
    expect(texts.join('')).toMatch(/^€+$/)
    expect(leftOut + Buffer.byteLength(texts.join(''))).toBe(300_000)
  })
})

describe('the log sender', () => {
  it('gathers for 100 ms, sends 64 kB at once, and numbers its calls', async () => {
    const clock = new MovableClock()
    const sent: [number, string][] = []
    const send = async (seq: number, text: string) => {
      sent.push([seq, text])
      return 'accepted' as const
    }
    const sender = createLogSender(
      send,
      () => {},
      { clock, random: () => 0, log: NO_LOG },
      new AbortController().signal,
    )
    sender.push('a')
    clock.advance(99)
    sender.push('b')
    expect(sent).toEqual([])
    clock.advance(1)
    expect(sent).toEqual([[1, 'ab']])
    await sender.end()
    sender.push('x'.repeat(64_000))
    expect(sent[1]).toEqual([2, 'x'.repeat(64_000)])
    sender.push('end')
    await sender.end()
    expect(sent[2]).toEqual([3, 'end'])
  })

  it('stops for good when the run is lost', async () => {
    const clock = new MovableClock()
    let calls = 0
    let lost = 0
    const send = async () => {
      calls++
      return 'lost' as const
    }
    const sender = createLogSender(
      send,
      () => lost++,
      { clock, random: () => 0, log: NO_LOG },
      new AbortController().signal,
    )
    sender.push('x'.repeat(300_000))
    await sender.end()
    sender.push('more')
    await sender.end()
    expect([calls, lost]).toEqual([1, 1])
  })
})

describe('a command that prints without end', () => {
  it('costs bounded memory and time: the first 10 MB and the last 40 MB are kept', { timeout: 60_000 }, async () => {
    const { work, close } = await startWorkerUnderTest()
    const before = process.memoryUsage().arrayBuffers + getHeapStatistics().used_heap_size
    let most = 0
    const watch = setInterval(() => {
      const { arrayBuffers } = process.memoryUsage()
      most = Math.max(most, arrayBuffers + getHeapStatistics().used_heap_size - before)
    }, 50)
    const run = work.add(
      jobOf(
        { run: 'echo first; yes "a line of output that says little" | head -c 300000000; echo; echo last' },
        { secrets: { TOKEN: 'a secret' } },
      ),
    )
    const { outcome } = await run.ended()
    clearInterval(watch)
    expect(outcome?.reason).toBe(null)
    expect(run.text.startsWith('first\n')).toBe(true)
    expect(run.text.trimEnd().endsWith('last')).toBe(true)
    expect(run.text).toMatch(/\[verdict\] … 2[45]\d\.\d MB of output left out here …/)
    expect(run.text.length).toBeLessThan(51_000_000)
    expect(run.text.length).toBeGreaterThan(49_000_000)
    // What the scripted server keeps of it (50 MB) included.
    expect(most).toBeLessThan(250_000_000)
    await close()
  })

  it('also on one line', async () => {
    const { work, close } = await startWorkerUnderTest()
    const run = work.add(jobOf({ run: 'head -c 30000000 /dev/zero | tr "\\0" x; echo; echo last' }))
    await run.ended()
    expect(run.text).toMatch(/^x{1000000} … \[verdict: the rest of this line was left out, over 1 MB\]\nlast\n$/)
    await close()
  })
})
