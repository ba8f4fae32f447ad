import { createHmac, createPublicKey, generateKeyPairSync, type KeyObject, sign as signBytes } from 'node:crypto'
import { CompactEncrypt, type JWK } from 'jose'

/** A token that was good before it was changed, and what an attacker knows: the public key, and keys of their own. */
export interface Target {
  readonly good: string
  readonly publicJwk: JWK
  /** Signs as the true signer would, so that only the claim or header in question is wrong. */
  sign(header: object, claims: object | string): Promise<string>
  readonly now: number
}

const b64 = (value: string | Buffer) => Buffer.from(value).toString('base64url')
const json = (value: object | string) => b64(typeof value === 'string' ? value : JSON.stringify(value))
const parts = (token: string) => token.split('.') as [string, string, string]
const headerOf = (token: string) => JSON.parse(Buffer.from(parts(token)[0], 'base64url').toString())
const claimsOf = (token: string) => JSON.parse(Buffer.from(parts(token)[1], 'base64url').toString())

const own = generateKeyPairSync('rsa', { modulusLength: 2048 })
const ownEc = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const signedBy = (key: KeyObject, header: object, claims: object) => {
  const input = `${json(header)}.${json(claims)}`
  const ec = key.asymmetricKeyType === 'ec'
  return `${input}.${b64(signBytes('sha256', Buffer.from(input), ec ? { key, dsaEncoding: 'ieee-p1363' } : key))}`
}
const hmac = (header: object, claims: object, secret: string) => {
  const input = `${json(header)}.${json(claims)}`
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
}
const withHeader = (change: object) => (target: Target) =>
  target.sign({ ...headerOf(target.good), ...change }, claimsOf(target.good))
const withClaims = (change: object) => (target: Target) =>
  target.sign(headerOf(target.good), { ...claimsOf(target.good), ...change })
/** An unsigned change: the signature is the old one. */
const tampered = (change: object) => (target: Target) => {
  const [, , signature] = parts(target.good)
  return `${json({ ...headerOf(target.good), ...change })}.${parts(target.good)[1]}.${signature}`
}
const pem = (jwk: JWK) => createPublicKey({ key: jwk as never, format: 'jwk' }).export({ type: 'spki', format: 'pem' })

/** research/keys-tokens.md 6.1, by its numbers: RFC 8725 with its bis draft, jwt_tool, PentesterLab, jwtXploiter. */
export const ATTACKS: readonly [string, (target: Target) => string | Promise<string>][] = [
  ['1 alg none', ({ good }) => `${json({ ...headerOf(good), alg: 'none' })}.${parts(good)[1]}.`],
  ['1 alg noNE', ({ good }) => `${json({ ...headerOf(good), alg: 'noNE' })}.${parts(good)[1]}.${parts(good)[2]}`],
  [
    '2 HS256 with the public key as the secret',
    ({ good, publicJwk }) => hmac({ ...headerOf(good), alg: 'HS256' }, claimsOf(good), String(pem(publicJwk))),
  ],
  [
    '2 HS256 with the JWK as the secret',
    ({ good, publicJwk }) => hmac({ ...headerOf(good), alg: 'HS256' }, claimsOf(good), JSON.stringify(publicJwk)),
  ],
  ['3 HS256 with a blank secret', ({ good }) => hmac({ ...headerOf(good), alg: 'HS256' }, claimsOf(good), '')],
  ['4 a signature of nothing', ({ good }) => `${parts(good)[0]}.${parts(good)[1]}.`],
  ['4 no signature part', ({ good }) => `${parts(good)[0]}.${parts(good)[1]}`],
  ['4 a signature of zeros', ({ good }) => `${parts(good)[0]}.${parts(good)[1]}.${b64(Buffer.alloc(256))}`],
  ['5 a kid with SQL', tampered({ kid: "x' OR '1'='1" })],
  ['5 a kid with a path', tampered({ kid: '../../../../dev/null' })],
  ['5 an unknown kid', withHeader({ kid: 'nobody' })],
  ['5 a kid that is a list', tampered({ kid: ['a'] })],
  ['5 a kid of __proto__', tampered({ kid: '__proto__' })],
  ['5 a very long kid', tampered({ kid: 'k'.repeat(9000) })],
  [
    '6 an embedded jwk',
    ({ good }) =>
      signedBy(
        own.privateKey,
        { ...headerOf(good), alg: 'RS256', jwk: own.publicKey.export({ format: 'jwk' }) },
        claimsOf(good),
      ),
  ],
  [
    '6 a jku of the attacker',
    ({ good }) =>
      signedBy(own.privateKey, { ...headerOf(good), alg: 'RS256', jku: 'http://127.0.0.1:9/jwks' }, claimsOf(good)),
  ],
  [
    '6 x5u and x5c of the attacker',
    ({ good }) =>
      signedBy(
        own.privateKey,
        { ...headerOf(good), alg: 'RS256', x5u: 'http://127.0.0.1:9/', x5c: ['MIIB'] },
        claimsOf(good),
      ),
  ],
  [
    '7 another algorithm than the key’s',
    ({ good }) =>
      signedBy(
        ownEc.privateKey,
        { ...headerOf(good), alg: headerOf(good).alg === 'ES256' ? 'RS256' : 'ES256' },
        claimsOf(good),
      ),
  ],
  ['9 another issuer', withClaims({ iss: 'https://evil.example' })],
  [
    '9 the issuer with a slash',
    ({ good, sign }) => sign(headerOf(good), { ...claimsOf(good), iss: `${claimsOf(good).iss}/` }),
  ],
  [
    '9 the key of another issuer',
    ({ good }) =>
      signedBy(headerOf(good).alg === 'ES256' ? ownEc.privateKey : own.privateKey, headerOf(good), claimsOf(good)),
  ],
  ['10 no audience', withClaims({ aud: undefined })],
  ['10 another audience', withClaims({ aud: 'https://other.example' })],
  [
    '10 an audience among others',
    ({ good, sign }) => sign(headerOf(good), { ...claimsOf(good), aud: [claimsOf(good).aud, 'https://other.example'] }),
  ],
  ['11 expired', ({ now, good, sign }) => sign(headerOf(good), { ...claimsOf(good), iat: now - 400, exp: now - 1 })],
  ['11 no exp', withClaims({ exp: undefined })],
  ['11 exp as text', ({ good, sign }) => sign(headerOf(good), { ...claimsOf(good), exp: String(claimsOf(good).exp) })],
  ['11 not yet', ({ now, good, sign }) => sign(headerOf(good), { ...claimsOf(good), nbf: now + 600 })],
  [
    '11 made in the future',
    ({ now, good, sign }) => sign(headerOf(good), { ...claimsOf(good), iat: now + 600, exp: now + 900 }),
  ],
  ['11 no iat', withClaims({ iat: undefined })],
  [
    '11 a life of ten years',
    ({ now, good, sign }) => sign(headerOf(good), { ...claimsOf(good), exp: now + 315_360_000 }),
  ],
  [
    '12 encrypted instead of signed',
    ({ good }) =>
      new CompactEncrypt(Buffer.from(JSON.stringify(claimsOf(good))))
        .setProtectedHeader({ alg: 'RSA-OAEP-256', enc: 'A256GCM' })
        .encrypt(own.publicKey),
  ],
  ['12 nested', ({ good, sign }) => sign({ ...headerOf(good), cty: 'JWT' }, b64(good))],
  [
    '13 JSON serialisation',
    ({ good }) => JSON.stringify({ payload: parts(good)[1], protected: parts(good)[0], signature: parts(good)[2] }),
  ],
  [
    '14 PBES2 with a huge count',
    ({ good }) =>
      `${json({ alg: 'PBES2-HS256+A128KW', enc: 'A128GCM', p2c: 2 ** 31, p2s: 'AAAA' })}.${parts(good)[1]}.AA.AA.AA`,
  ],
  [
    '14 a compressed bomb',
    ({ good }) => `${json({ ...headerOf(good), zip: 'DEF', enc: 'A128GCM', alg: 'dir' })}..AA.AA.AA`,
  ],
  [
    '15 a claim that is named twice',
    ({ good, sign }) => sign(headerOf(good), `{"sub":"admin",${JSON.stringify(claimsOf(good)).slice(1)}`),
  ],
  [
    '15 a claim that is named twice, once with an escape',
    ({ good, sign }) => sign(headerOf(good), `{"s\\u0075b":"admin",${JSON.stringify(claimsOf(good)).slice(1)}`),
  ],
  [
    '15 bytes that are no UTF-8',
    ({ good }) => `${parts(good)[0]}.${b64(Buffer.from([0x7b, 0xff, 0x7d]))}.${parts(good)[2]}`,
  ],
  ['15 a very large token', ({ good, sign }) => sign(headerOf(good), { ...claimsOf(good), fat: 'x'.repeat(40_000) })],
  ['15 claims that are no object', ({ good, sign }) => sign(headerOf(good), '[]')],
  ['16 an unknown crit', withHeader({ crit: ['exp2'], exp2: 1 })],
  ['16 b64 false', tampered({ crit: ['b64'], b64: false })],
  [
    '17 r and s of zero',
    ({ good }) => `${json({ ...headerOf(good), alg: 'ES256' })}.${parts(good)[1]}.${b64(Buffer.alloc(64))}`,
  ],
  [
    '17 DER instead of raw',
    ({ good }) => {
      const input = `${json({ ...headerOf(good), alg: 'ES256' })}.${parts(good)[1]}`
      return `${input}.${b64(signBytes('sha256', Buffer.from(input), ownEc.privateKey))}`
    },
  ],
  ['18 padding', ({ good }) => `${good}==`],
  ['18 whitespace', ({ good }) => good.replace('.', '\n.')],
  ['18 trailing bits', ({ good }) => withTrailingBits(good)],
  ['19 an issuer at loopback', withClaims({ iss: 'http://127.0.0.1:9' })],
]

/** The same bytes under another text, where the last character has bits to spare. */
function withTrailingBits(token: string): string {
  const [header, payload, signature] = parts(token)
  for (const [at, part] of [signature, payload, header].entries()) {
    for (const last of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_') {
      const other = part.slice(0, -1) + last
      if (other === part || !Buffer.from(other, 'base64url').equals(Buffer.from(part, 'base64url'))) continue
      return [header, payload, signature].with(2 - at, other).join('.')
    }
  }
  return `${token}=`
}
