import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto'

/** Keeps secrets at rest, under keys derived from the installation's one secret key. */
export interface Vault {
  /** Encrypts the text; only `open` with the same context (what and whose it is) gives it back. ASCII. */
  seal(text: string, context: string): string
  /** The text that was sealed. Throws {@link VaultError}. */
  open(sealed: string, context: string): string
  /** HMAC-SHA256 under a key of its own, lower-case hex: equal texts are recognised without being readable. */
  mac(text: string): string
}

/** What was sealed cannot be opened. Tells nothing of its content. */
export class VaultError extends Error {
  override readonly name = 'VaultError'
}

const VERSION = 'v1.'
const KEY_BYTES = 32
const NONCE_BYTES = 12
const TAG_BYTES = 16

/**
 * A vault on AES-256-GCM with random nonces (NIST SP 800-38D) and keys by HKDF-SHA256 (RFC 5869), one for each purpose.
 * `secretKey` is 32 bytes. Random 96-bit nonces are safe for 2^32 seals under one key; an installation makes far fewer.
 */
export function createVault(
  secretKey: Uint8Array,
  random: (bytes: number) => Uint8Array = (bytes) => randomBytes(bytes),
): Vault {
  if (secretKey.length !== KEY_BYTES) {
    throw new VaultError(`The secret key has ${secretKey.length} bytes, it must have ${KEY_BYTES}.`)
  }
  const derive = (purpose: string) => Buffer.from(hkdfSync('sha256', secretKey, '', `verdict ${purpose}`, KEY_BYTES))
  const sealKey = derive('seal v1')
  const macKey = derive('mac v1')

  return {
    seal(text, context) {
      const nonce = random(NONCE_BYTES)
      const cipher = createCipheriv('aes-256-gcm', sealKey, nonce, { authTagLength: TAG_BYTES })
      cipher.setAAD(Buffer.from(context))
      const encrypted = Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()])
      return VERSION + encrypted.toString('base64url')
    },
    open(sealed, context) {
      if (!sealed.startsWith(VERSION)) {
        throw new VaultError(`A sealed value (${context}) is of a form that this version does not know.`)
      }
      const bytes = Buffer.from(sealed.slice(VERSION.length), 'base64url')
      try {
        const nonce = bytes.subarray(0, NONCE_BYTES)
        const tag = bytes.subarray(Math.max(NONCE_BYTES, bytes.length - TAG_BYTES))
        const decipher = createDecipheriv('aes-256-gcm', sealKey, nonce, { authTagLength: TAG_BYTES })
        decipher.setAAD(Buffer.from(context))
        decipher.setAuthTag(tag)
        const text = Buffer.concat([
          decipher.update(bytes.subarray(NONCE_BYTES, bytes.length - tag.length)),
          decipher.final(),
        ])
        return text.toString('utf8')
      } catch {
        // OpenSSL's own error would add nothing: a wrong key, a wrong context and a changed byte look the same.
        throw new VaultError(
          `A sealed value (${context}) cannot be opened: it was sealed under another secret key ` +
            '(VERDICT_SECRET_KEY, or the one in the data folder), for something else, or was changed since.',
        )
      }
    },
    mac: (text) => createHmac('sha256', macKey).update(text).digest('hex'),
  }
}
