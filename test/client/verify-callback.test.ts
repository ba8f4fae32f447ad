import { createHmac, randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { Webhook } from 'standardwebhooks'
import { describe, expect, it } from 'vitest'
import { verifyCallback } from '../../client/index.ts'
import { makeSecret, SignatureError, sign, signer, signWithAll } from '../../contract/signature.ts'

/** The vector that the Standard Webhooks libraries share. */
const VECTOR = {
  secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
  timestamp: 1_614_265_330,
  body: '{"test": 2432232314}',
  signature: 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
}
const NOW = VECTOR.timestamp * 1000
const headersOf = (change: Record<string, string | undefined> = {}) => ({
  'webhook-id': VECTOR.id,
  'webhook-timestamp': String(VECTOR.timestamp),
  'webhook-signature': VECTOR.signature,
  ...change,
})
const secretOf = (bytes: number) => `whsec_${randomBytes(bytes).toString('base64')}`

describe('a signature', () => {
  it("is that of the specification's vector", async () => {
    expect(await sign(VECTOR.secret, VECTOR.id, VECTOR.timestamp, VECTOR.body)).toBe(VECTOR.signature)
    const byNode = await signer(VECTOR.secret, (key) => (bytes) => createHmac('sha256', key).update(bytes).digest())
    expect(await byNode(VECTOR.id, VECTOR.timestamp, VECTOR.body)).toBe(VECTOR.signature)
    expect(await verifyCallback(VECTOR.body, headersOf(), VECTOR.secret, { now: NOW })).toEqual({ test: 2_432_232_314 })
  })

  it('of any text is the one that the standardwebhooks package makes, and is taken by it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'grapheme' }), async (text) => {
        const body = JSON.stringify({ text })
        const secret = makeSecret(randomBytes)
        const now = Math.floor(Date.now() / 1000)
        const signature = await sign(secret, 'evt_1', now, body)
        const theirs = new Webhook(secret)
        expect(signature).toBe(theirs.sign('evt_1', new Date(now * 1000), body))
        const headers = { 'webhook-id': 'evt_1', 'webhook-timestamp': String(now), 'webhook-signature': signature }
        expect(theirs.verify(body, headers)).toEqual({ text })
        expect(await verifyCallback(body, headers, secret)).toEqual({ text })
      }),
      { numRuns: 50 },
    )
  })

  it('by old and new secret is taken with either while both are sent', async () => {
    const [old, fresh, other] = [makeSecret(randomBytes), makeSecret(randomBytes), makeSecret(randomBytes)]
    const signature = await signWithAll(
      await Promise.all([fresh, old].map((one) => signer(one))),
      VECTOR.id,
      VECTOR.timestamp,
      VECTOR.body,
    )
    const headers = headersOf({ 'webhook-signature': signature })
    for (const secret of [old, fresh, [other, old]]) {
      await expect(verifyCallback(VECTOR.body, headers, secret, { now: NOW })).resolves.toBeDefined()
    }
    await expect(verifyCallback(VECTOR.body, headers, other, { now: NOW })).rejects.toMatchObject({ code: 'no_match' })
  })

  it('is looked for among others of versions that are not known', async () => {
    const headers = headersOf({ 'webhook-signature': `v1a,abcd v2,x ${VECTOR.signature}` })
    await expect(verifyCallback(VECTOR.body, headers, VECTOR.secret, { now: NOW })).resolves.toBeDefined()
  })

  it('is read from fetch headers and from those of node alike', async () => {
    const fetched = new Headers(headersOf())
    const shouted = { 'Webhook-Id': VECTOR.id, 'WEBHOOK-TIMESTAMP': String(VECTOR.timestamp) }
    const node = { ...shouted, 'webhook-signature': [VECTOR.signature] }
    const bytes = new TextEncoder().encode(VECTOR.body)
    for (const headers of [fetched, node]) {
      await expect(verifyCallback(bytes, headers, VECTOR.secret, { now: NOW })).resolves.toBeDefined()
    }
  })

  it.each<[string, Record<string, string | undefined>, string]>([
    ['without an id', { 'webhook-id': undefined }, 'headers_missing'],
    ['without a timestamp', { 'webhook-timestamp': undefined }, 'headers_missing'],
    ['without a signature', { 'webhook-signature': undefined }, 'headers_missing'],
    ['with a timestamp that is no number', { 'webhook-timestamp': 'now' }, 'timestamp_invalid'],
    ['with another id', { 'webhook-id': 'msg_other' }, 'no_match'],
    ['with another timestamp', { 'webhook-timestamp': String(VECTOR.timestamp + 1) }, 'no_match'],
    ['with a signature that is no base64', { 'webhook-signature': 'v1,***' }, 'no_match'],
    ['with a signature of no version', { 'webhook-signature': VECTOR.signature.slice(3) }, 'no_match'],
    ['with a signature cut short', { 'webhook-signature': VECTOR.signature.slice(0, 20) }, 'no_match'],
    ['with an empty signature', { 'webhook-signature': 'v1,' }, 'no_match'],
  ])('is refused %s', async (_what, change, code) => {
    const verifying = verifyCallback(VECTOR.body, headersOf(change), VECTOR.secret, { now: NOW })
    await expect(verifying).rejects.toBeInstanceOf(SignatureError)
    await expect(verifying).rejects.toMatchObject({ code })
  })

  it.each([
    ['five minutes old', 300, 'taken'],
    ['six minutes old', 360, 'timestamp_too_old'],
    ['five minutes ahead', -300, 'taken'],
    ['six minutes ahead', -360, 'timestamp_too_new'],
  ])('that is %s is judged by its time', async (_what, ageSeconds, code) => {
    const verifying = verifyCallback(VECTOR.body, headersOf(), VECTOR.secret, { now: NOW + ageSeconds * 1000 })
    if (code === 'taken') await expect(verifying).resolves.toBeDefined()
    else await expect(verifying).rejects.toMatchObject({ code })
  })

  it('is refused for a body that was changed by one byte', async () => {
    const verifying = verifyCallback(`${VECTOR.body} `, headersOf(), VECTOR.secret, { now: NOW })
    await expect(verifying).rejects.toMatchObject({ code: 'no_match' })
  })
})

describe('a secret', () => {
  it('is 32 random bytes', () => {
    const secret = makeSecret((n) => new Uint8Array(n).fill(255))
    expect(secret).toBe(`whsec_${Buffer.alloc(32, 255).toString('base64')}`)
  })

  it.each([
    ['of 23 bytes', secretOf(23)],
    ['of 65 bytes', secretOf(65)],
    ['that is no base64', 'whsec_***'],
    ['that is empty', ''],
  ])('%s is refused, and not told in the message', async (_what, secret) => {
    const verifying = verifyCallback(VECTOR.body, headersOf(), secret, { now: NOW })
    await expect(verifying).rejects.toMatchObject({ code: 'secret_invalid' })
    await verifying.catch((error: Error) => {
      if (secret !== '') expect(error.message).not.toContain(secret)
    })
  })

  it.each([24, 64])('of %d bytes is taken', async (bytes) => {
    await expect(sign(secretOf(bytes), 'evt_1', 1, '')).resolves.toMatch(/^v1,/)
  })
})
