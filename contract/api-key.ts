/**
 * The form of an API key: `vdt_` + 30 random base62 characters + 6 base62 characters of their CRC-32 (wire 6).
 * The checksum is no security feature: it lets a mistyped key be refused without a look into the store, and a scanner be sure.
 */
export const API_KEY_PREFIX = 'vdt_'
export const API_KEY_PATTERN = /^vdt_[0-9A-Za-z]{36}$/
const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const BODY_LENGTH = 30
const CHECKSUM_LENGTH = 6
/** Bytes from here on would make some characters likelier than others (248 = 4 × 62). */
const UNBIASED_BYTES = 248

/** A new key. `random(n)` gives n bytes of a CSPRNG. */
export function makeApiKey(random: (bytes: number) => Uint8Array): string {
  let body = ''
  while (body.length < BODY_LENGTH) {
    for (const byte of random(BODY_LENGTH)) {
      if (byte < UNBIASED_BYTES && body.length < BODY_LENGTH) body += ALPHABET[byte % ALPHABET.length]
    }
  }
  return API_KEY_PREFIX + body + checksum(body)
}

/** Whether the text has the form and the checksum of an API key. Says nothing of whether it is one of ours. */
export function isWellFormedApiKey(text: string): boolean {
  if (!API_KEY_PATTERN.test(text)) return false
  const body = text.slice(API_KEY_PREFIX.length, API_KEY_PREFIX.length + BODY_LENGTH)
  return text.endsWith(checksum(body))
}

/** What may be shown of a key: its first 8 and last 4 characters. */
export function displayedParts(key: string): { start: string; end: string } {
  return { start: key.slice(0, 8), end: key.slice(-4) }
}

function checksum(body: string): string {
  let rest = crc32(new TextEncoder().encode(body))
  let text = ''
  for (let i = 0; i < CHECKSUM_LENGTH; i++) {
    text = ALPHABET[rest % 62] + text
    rest = Math.floor(rest / 62)
  }
  return text
}

/** CRC-32 of ISO 3309 (the one of gzip and PNG), as an unsigned number. */
function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
  }
  return (crc ^ 0xffffffff) >>> 0
}
