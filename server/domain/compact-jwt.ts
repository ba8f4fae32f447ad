/** Compact serialisation only (RFC 7515 7.1): three parts of base64url, none empty. */
const COMPACT = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/

/**
 * Throws an Error that names what is wrong with the form of a signed JWT, before anything of it is believed: its length,
 * anything but one compact JWS, a part in another than its one base64url form (trailing bits would give one token many
 * texts), text that is not UTF-8, a member that is named twice (parsers differ in which one they take; RFC 8725 2.4).
 */
export function requireCompactJwt(token: string, maxLength: number): void {
  if (token.length > maxLength) throw new Error('too long')
  if (!COMPACT.test(token)) throw new Error('not a compact JWT')
  const parts = token.split('.')
  for (const part of parts) {
    if (Buffer.from(part, 'base64url').toString('base64url') !== part) throw new Error('not canonical base64url')
  }
  for (const part of parts.slice(0, 2)) {
    const text = decode(part)
    if (hasDuplicateMember(text)) throw new Error('a member is named twice')
  }
}

function decode(part: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(part, 'base64url'))
  } catch {
    throw new Error('not UTF-8')
  }
}

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g

/** Whether an object of the JSON text names a member twice. What is no JSON at all is left to the parser. */
function hasDuplicateMember(text: string): boolean {
  const open: (Set<string> | undefined)[] = []
  const tokens = text.match(TOKEN) ?? []
  for (const [at, token] of tokens.entries()) {
    if (token === '{') open.push(new Set())
    else if (token === '[') open.push(undefined)
    else if (token === '}' || token === ']') open.pop()
    else if (token.startsWith('"') && tokens[at + 1] === ':') {
      const names = open.at(-1)
      const name = unescaped(token)
      if (names?.has(name)) return true
      names?.add(name)
    }
  }
  return false
}

/** Two spellings of one name are one name. */
function unescaped(quoted: string): string {
  try {
    return JSON.parse(quoted) as string
  } catch {
    return quoted
  }
}
