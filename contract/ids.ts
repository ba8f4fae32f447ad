/** The prefixes of ids: what an id names can be read off it. */
export const ID_PREFIXES = {
  run: 'run_',
  key: 'key_',
  user: 'usr_',
  workspace: 'wsp_',
  worker: 'wrk_',
  revision: 'rev_',
  audit: 'aud_',
  invitation: 'inv_',
  callback: 'cbk_',
  delivery: 'dlv_',
  event: 'evt_',
  trigger: 'trg_',
} as const
export type IdKind = keyof typeof ID_PREFIXES

const CROCKFORD = '0123456789abcdefghjkmnpqrstvwxyz'
const ID_BODY = /^[0-7][0-9a-hjkmnp-tv-z]{25}$/

/** Whether the text can be an id of that kind. A malformed id is answered like an unknown one: 404. */
export function isId(kind: IdKind, text: string): boolean {
  const prefix = ID_PREFIXES[kind]
  return text.startsWith(prefix) && ID_BODY.test(text.slice(prefix.length))
}

/**
 * A new id: the prefix and 26 characters of lower-case Crockford base32 of a UUIDv7 (RFC 9562 5.7), so ids sort by
 * time of making. `now` is in milliseconds since 1970, `random` gives bytes of a CSPRNG.
 */
export function makeId(kind: IdKind, now: number, random: (bytes: number) => Uint8Array): string {
  const bytes = random(16).slice()
  for (let i = 0; i < 6; i++) bytes[i] = Math.floor(now / 2 ** (8 * (5 - i))) % 256
  bytes[6] = (bytes[6]! & 0x0f) | 0x70
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  let value = 0n
  for (const byte of bytes) value = (value << 8n) | BigInt(byte)
  let text = ''
  for (let i = 0; i < 26; i++) {
    text = CROCKFORD[Number(value & 31n)] + text
    value >>= 5n
  }
  return ID_PREFIXES[kind] + text
}
