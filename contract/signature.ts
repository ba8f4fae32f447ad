/**
 * Standard Webhooks 1.0.0, symmetric: HMAC-SHA256 over `{id}.{timestamp}.{body}`, sent as `v1,<base64>`. Web APIs only, so
 * that senders, receivers and browsers share it.
 */
export const SECRET_PREFIX = 'whsec_'
const SECRET_BYTES = 32
const [SECRET_MIN_BYTES, SECRET_MAX_BYTES] = [24, 64]
/** Older or newer signatures are refused, so that a recorded request is of no use later. */
const TOLERANCE_SECONDS = 300

export type SignatureFault =
  | 'secret_invalid'
  | 'headers_missing'
  | 'timestamp_invalid'
  | 'timestamp_too_old'
  | 'timestamp_too_new'
  | 'no_match'

/** Why a signature is not believed. Holds neither secret nor signature. */
export class SignatureError extends Error {
  override readonly name = 'SignatureError'
  readonly code: SignatureFault
  constructor(code: SignatureFault, message: string) {
    super(message)
    this.code = code
  }
}

/** A new secret: `whsec_` and 32 bytes in base64. `random(n)` gives n bytes of a CSPRNG. */
export function makeSecret(random: (bytes: number) => Uint8Array): string {
  return SECRET_PREFIX + btoa(String.fromCharCode(...random(SECRET_BYTES)))
}

/** Signs one request: answers `v1,<base64>`. `timestamp` is in seconds since 1970. */
export type Signer = (id: string, timestamp: number, body: string | Uint8Array) => Promise<string>

/** HMAC-SHA256 under one key, of many texts. */
export type Hmac = (
  key: Uint8Array<ArrayBuffer>,
) => (bytes: Uint8Array<ArrayBuffer>) => Uint8Array | Promise<Uint8Array>

/** What signs with the secret, for many requests; `hmac`: where there is a faster one than Web Crypto's. Throws `secret_invalid`. */
export async function signer(secret: string, hmac: Hmac = webHmac): Promise<Signer> {
  const macOf = hmac(secretBytes(secret))
  return async (id, timestamp, body) => {
    const mac = await macOf(signedBytes(id, String(timestamp), body))
    return `v1,${btoa(String.fromCharCode(...mac))}`
  }
}

const webHmac: Hmac = (bytes) => {
  const key = importKey(bytes, 'sign')
  return async (signed) => new Uint8Array(await crypto.subtle.sign('HMAC', await key, signed))
}

/** The signature of one request, as a {@link Signer} makes it. Throws `secret_invalid`. */
export async function sign(secret: string, id: string, timestamp: number, body: string | Uint8Array): Promise<string> {
  return (await signer(secret))(id, timestamp, body)
}

/** The value of `webhook-signature`: one signature a secret, so that a receiver may still have either during a rotation. */
export async function signWithAll(
  signers: readonly Signer[],
  id: string,
  timestamp: number,
  body: string | Uint8Array,
): Promise<string> {
  return (await Promise.all(signers.map((sign) => sign(id, timestamp, body)))).join(' ')
}

export interface SignedRequest {
  /** As it arrived, byte for byte: a body that was parsed and written again has another signature. */
  readonly body: string | Uint8Array
  readonly id: string | undefined
  /** The header's text. */
  readonly timestamp: string | undefined
  readonly signature: string | undefined
}

/**
 * Resolves when one of the signatures is of one of the secrets and the timestamp is at most 5 minutes from `now`
 * (milliseconds since 1970). Throws a {@link SignatureError}. Compares in constant time.
 */
export async function verify(
  { body, id, timestamp, signature }: SignedRequest,
  secrets: readonly string[],
  now: number,
): Promise<void> {
  if (!id || !timestamp || !signature) {
    throw new SignatureError(
      'headers_missing',
      'The headers webhook-id, webhook-timestamp and webhook-signature must be there.',
    )
  }
  if (!/^\d{1,12}$/.test(timestamp))
    throw new SignatureError('timestamp_invalid', 'webhook-timestamp must be seconds since 1970.')
  const age = now / 1000 - Number(timestamp)
  if (age > TOLERANCE_SECONDS)
    throw new SignatureError('timestamp_too_old', 'webhook-timestamp is more than 5 minutes old: a replay, or a clock.')
  if (age < -TOLERANCE_SECONDS)
    throw new SignatureError('timestamp_too_new', 'webhook-timestamp is more than 5 minutes ahead: check the clocks.')
  const signed = signedBytes(id, timestamp, body)
  const given = signature
    .split(' ')
    .slice(0, 20)
    .flatMap((one) => (one.startsWith('v1,') ? (fromBase64(one.slice(3)) ?? []) : []))
  for (const secret of secrets) {
    const key = await importKey(secretBytes(secret), 'verify')
    for (const mac of given) if (await crypto.subtle.verify('HMAC', key, mac, signed)) return
  }
  throw new SignatureError('no_match', 'No signature in webhook-signature is of this secret and these bytes.')
}

function signedBytes(id: string, timestamp: string, body: string | Uint8Array): Uint8Array<ArrayBuffer> {
  const head = new TextEncoder().encode(`${id}.${timestamp}.`)
  const content = typeof body === 'string' ? new TextEncoder().encode(body) : body
  const all = new Uint8Array(head.length + content.length)
  all.set(head)
  all.set(content, head.length)
  return all
}

function secretBytes(secret: string): Uint8Array<ArrayBuffer> {
  const bytes = fromBase64(secret.startsWith(SECRET_PREFIX) ? secret.slice(SECRET_PREFIX.length) : secret)
  if (bytes && bytes.length >= SECRET_MIN_BYTES && bytes.length <= SECRET_MAX_BYTES) return bytes
  throw new SignatureError(
    'secret_invalid',
    `A webhook secret is "${SECRET_PREFIX}" and ${SECRET_MIN_BYTES} to ${SECRET_MAX_BYTES} bytes in base64.`,
  )
}

function importKey(bytes: Uint8Array<ArrayBuffer>, use: 'sign' | 'verify'): Promise<CryptoKey> {
  return crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, [use])
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0))
  } catch {
    return undefined
  }
}
