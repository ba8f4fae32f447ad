import { createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes, sign, X509Certificate } from 'node:crypto'

/** A private key and the certificate for it, both PEM. */
export interface Identity {
  readonly key: string
  readonly cert: string
}

const HOUR = 3_600_000

/** A certificate authority of our own, which nobody trusts by itself. */
export function createAuthority(name: string): Identity {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const extensions = extension('551d13', sequence(der(0x01, Buffer.of(0xff)))) // basicConstraints: CA
  return { key: pem(privateKey), cert: certificate(name, name, publicKey, privateKey, extensions) }
}

/** A server's identity for DNS names, and for 127.0.0.1 too, signed by `authority`. */
export function issue(authority: Identity, names: readonly string[]): Identity {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const issuer = new X509Certificate(authority.cert).issuer.replace('CN=', '')
  const alternatives = [...names.map((name) => der(0x82, Buffer.from(name))), der(0x87, Buffer.of(127, 0, 0, 1))]
  const extensions = extension('551d11', sequence(...alternatives)) // subjectAltName
  const signer = createPrivateKey(authority.key)
  return { key: pem(privateKey), cert: certificate(issuer, names[0]!, publicKey, signer, extensions) }
}

/** An X.509 v3 certificate (RFC 5280 section 4.1), ECDSA with SHA-256, valid from an hour ago for two hours. */
function certificate(issuer: string, subject: string, key: KeyObject, signer: KeyObject, extensions: Buffer): string {
  const algorithm = sequence(oid('2a8648ce3d040302'))
  const body = sequence(
    der(0xa0, der(0x02, Buffer.of(2))),
    der(0x02, Buffer.concat([Buffer.of(0x01), randomBytes(8)])),
    algorithm,
    commonName(issuer),
    sequence(utcTime(Date.now() - HOUR), utcTime(Date.now() + HOUR)),
    commonName(subject),
    key.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(extensions)),
  )
  const signature = Buffer.concat([Buffer.of(0), sign('sha256', body, signer)])
  const base64 = sequence(body, algorithm, der(0x03, signature)).toString('base64')
  return `-----BEGIN CERTIFICATE-----\n${base64.replace(/.{64}/g, '$&\n').trim()}\n-----END CERTIFICATE-----\n`
}

/** One element of the Distinguished Encoding Rules: tag, length, content. */
function der(tag: number, content: Buffer): Buffer {
  const { length } = content
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.of(tag, ...size), content])
}

function sequence(...parts: Buffer[]): Buffer {
  return der(0x30, Buffer.concat(parts))
}

function oid(hex: string): Buffer {
  return der(0x06, Buffer.from(hex, 'hex'))
}

function commonName(name: string): Buffer {
  return sequence(der(0x31, sequence(oid('550403'), der(0x0c, Buffer.from(name)))))
}

function utcTime(milliseconds: number): Buffer {
  const digits = new Date(milliseconds).toISOString().replace(/[-:T]/g, '').slice(2, 14)
  return der(0x17, Buffer.from(`${digits}Z`))
}

function extension(id: string, value: Buffer): Buffer {
  return sequence(oid(id), der(0x04, value))
}

function pem(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString()
}
