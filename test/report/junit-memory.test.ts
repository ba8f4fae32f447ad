import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { describe, expect, it } from 'vitest'

const SIZE = 20_000_000
const HEAP_MEGABYTES = 48
/** What a thread with so small a heap makes of a document: the lengths of its one case's message and details, or the error. */
const READ = `
  const { workerData: { head, filler, tail, size, module }, parentPort } = require('node:worker_threads')
  const times = Math.floor((size - head.length - tail.length) / filler.length)
  const bytes = Buffer.alloc(head.length + times * filler.length + tail.length, filler)
  bytes.fill(filler, head.length, bytes.length - tail.length)
  bytes.write(head)
  bytes.write(tail, bytes.length - tail.length)
  const read = async () => {
    const { readJUnit } = await import(module)
    const [one] = readJUnit([{ path: 'r.xml', bytes }]).cases
    return [one.message?.length ?? 0, one.details?.length ?? 0]
  }
  read().catch((error) => error.message).then((told) => parentPort.postMessage(told))`

describe('readJUnit needs little memory for 20 MB', () => {
  const start = '<testsuite><testcase name="a"><failure'
  const end = '</failure></testcase></testsuite>'
  it.each<[string, string, string, string, unknown]>([
    ['of references in a text', `${start}>`, '&lt;', end, [4000, 64_000]],
    ['of line ends', `${start}>x`, '\r\n', end, [1, 1]],
    ['of tags inside a failure', `${start}>`, '<b>c</b>', end, [4000, 64_000]],
    ['of failures in one case', `${start}/>`, '<failure type="t">text</failure>', '</testcase></testsuite>', [0, 5992]],
    ['in one CDATA section', `${start}><![CDATA[`, 'a]b]', `]]>${end}`, [4000, 64_000]],
    ['in one attribute', `${start} message="`, '&#65;', `"/></testcase></testsuite>`, [4000, 0]],
    ['in one comment', `${start}><!--`, 'a-b-c', `-->${end}`, [0, 0]],
    ['in one instruction', `${start}><?a b`, 'a?b?', `?>${end}`, [0, 0]],
    ['in one name', '<testsuite><', 'a', '/></testsuite>', expect.stringContaining('a name is too long')],
  ])('%s', { timeout: 60_000 }, async (_, head, filler, tail, told) => {
    const module = new URL('../../report/junit-read.ts', import.meta.url).href
    const worker = new Worker(READ, {
      eval: true,
      workerData: { head, filler, tail, size: SIZE, module },
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MEGABYTES },
    })
    const [answer] = await once(worker, 'message')
    await worker.terminate()
    expect(answer).toEqual(told)
  })
})
