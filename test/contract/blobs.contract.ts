import { createHash } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Blobs } from '../../server/blobs/blobs.ts'

export interface BlobsSubject {
  blobs: Blobs
  close(): Promise<void>
}

const MAX = { maxBytes: 1_000_000 }
const digestOf = (content: Uint8Array) => createHash('sha256').update(content).digest('hex')

async function* chunks(...parts: (Uint8Array | string)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield typeof part === 'string' ? Buffer.from(part) : part
}

async function bytesOf(content: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for await (const part of content) parts.push(part)
  return Buffer.concat(parts)
}

/** What every adapter of `server/blobs/blobs.ts` promises. `open` gives an empty one. */
export function blobsContract(name: string, open: () => Promise<BlobsSubject>): void {
  describe(`blobs in ${name}`, () => {
    let subject: BlobsSubject
    let blobs: Blobs
    beforeEach(async () => {
      subject = await open()
      blobs = subject.blobs
    })
    afterEach(() => subject.close())

    it.each([
      ['nothing', Buffer.alloc(0)],
      ['a few bytes', Buffer.from([0, 255, 10, 13])],
      ['more than one chunk', Buffer.alloc(300_000, 'abc')],
    ])('keeps %s and gives it back', async (_name, content) => {
      const sha256 = digestOf(content)
      const half = content.length >> 1
      const put = await blobs.put(chunks(content.subarray(0, half), content.subarray(half)), MAX)
      expect(put).toEqual({ sha256, bytes: content.length })
      expect(await blobs.has(sha256)).toBe(true)
      const got = await blobs.get(sha256)
      expect(got?.bytes).toBe(content.length)
      expect(digestOf(await bytesOf(got!.content))).toBe(sha256)
    })

    it('takes the same content again, also at the same time', async () => {
      const puts = await Promise.all(Array.from({ length: 5 }, () => blobs.put(chunks('same'), MAX)))
      expect(new Set(puts.map(({ sha256 }) => sha256)).size).toBe(1)
      expect(await bytesOf((await blobs.get(puts[0]!.sha256))!.content)).toEqual(Buffer.from('same'))
    })

    it('takes content of the announced digest only, and keeps nothing of another', async () => {
      const expected = digestOf(Buffer.from('right'))
      const wrong = blobs.put(chunks('wrong'), { ...MAX, expected })
      await expect(wrong).rejects.toMatchObject({ name: 'BlobError', code: 'digest_mismatch' })
      await expect(wrong).rejects.toThrow(expected)
      expect([await blobs.has(expected), await blobs.has(digestOf(Buffer.from('wrong')))]).toEqual([false, false])
      expect(await blobs.put(chunks('right'), { ...MAX, expected })).toMatchObject({ sha256: expected })
    })

    it('stops reading as soon as the content is too large, to the byte, and keeps nothing of it', async () => {
      let read = 0
      let ended = false
      async function* endless() {
        try {
          for (;;) {
            read += 1000
            yield new Uint8Array(1000)
          }
        } finally {
          ended = true
        }
      }
      const put = blobs.put(endless(), { maxBytes: 2500 })
      await expect(put).rejects.toMatchObject({
        name: 'BlobError',
        code: 'too_large',
        message: expect.stringMatching('2500'),
      })
      expect([read, ended]).toEqual([3000, true])
      expect(await blobs.put(chunks('12345'), { maxBytes: 5 })).toMatchObject({ bytes: 5 })
    })

    it('fails as its source fails, and keeps nothing of it', async () => {
      const failure = new Error('connection reset')
      async function* failing() {
        yield Buffer.from('half')
        throw failure
      }
      await expect(blobs.put(failing(), MAX)).rejects.toBe(failure)
      expect(await blobs.has(digestOf(Buffer.from('half')))).toBe(false)
    })

    it('removes what is there, and minds nothing that is not', async () => {
      const { sha256 } = await blobs.put(chunks('gone'), MAX)
      await blobs.delete(sha256)
      await blobs.delete(sha256)
      expect(await blobs.has(sha256)).toBe(false)
      expect(await blobs.get(sha256)).toBeUndefined()
    })

    it('spares what was put lately, when asked to', async () => {
      const { sha256 } = await blobs.put(chunks('fresh'), MAX)
      await blobs.delete(sha256, { unlessPutWithinMs: 60_000 })
      expect(await blobs.has(sha256)).toBe(true)
      await blobs.delete(sha256, { unlessPutWithinMs: 0 })
      expect(await blobs.has(sha256)).toBe(false)
    })

    it.each([
      ['unknown', '0'.repeat(64)],
      ['empty', ''],
      ['no digest', 'abc'],
      ['upper case', 'A'.repeat(64)],
      ['a way out', '../../../../../../../../../../../../../../../../../../../etc/passwd'],
      ['a folder', '..'],
    ])('knows nothing of a name that is %s', async (_name, sha256) => {
      expect(await blobs.get(sha256)).toBeUndefined()
      expect(await blobs.has(sha256)).toBe(false)
      await blobs.delete(sha256)
    })

    it('can be read by many at once, and left half read', async () => {
      const content = Buffer.alloc(500_000, 'x')
      const { sha256 } = await blobs.put(chunks(content), MAX)
      for await (const part of (await blobs.get(sha256))!.content) {
        expect(part.length).toBeGreaterThan(0)
        break
      }
      const read = await Promise.all(
        Array.from({ length: 5 }, async () => (await bytesOf((await blobs.get(sha256))!.content)).length),
      )
      expect(read).toEqual(Array(5).fill(content.length))
    })

    it('tells how much room there is', async () => {
      expect(await blobs.freeBytes()).toBeGreaterThan(0)
    })
  })
}
