import { createHmac, hkdfSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createVault, VaultError } from '../../server/vault/vault.ts'

const KEY = new Uint8Array(32).fill(7)
const vault = createVault(KEY)
const SECRET = 'hunter2-hunter2'

function messageOf(act: () => unknown): string {
  try {
    act()
  } catch (error) {
    expect(error).toBeInstanceOf(VaultError)
    return String(error)
  }
  throw new Error('it was opened')
}

describe('the vault', () => {
  it.each(['', SECRET, 'ünïcode 🔑\n', 'x'.repeat(65_536)])('opens what it sealed (%#)', (text) => {
    const sealed = vault.seal(text, 'secret of suite a')
    expect(sealed).toMatch(/^v1\.[A-Za-z0-9_-]+$/)
    expect(vault.open(sealed, 'secret of suite a')).toBe(text)
    expect(createVault(KEY).open(sealed, 'secret of suite a')).toBe(text)
  })

  it('seals the same text differently each time', () => {
    expect(vault.seal(SECRET, 'a')).not.toBe(vault.seal(SECRET, 'a'))
  })

  it('says what is wrong, and nothing of the content, under another key', () => {
    const sealed = vault.seal(SECRET, 'secret A of suite smoke')
    const message = messageOf(() => createVault(new Uint8Array(32)).open(sealed, 'secret A of suite smoke'))
    expect(message).toContain('secret A of suite smoke')
    expect(message).toContain('VERDICT_SECRET_KEY')
    expect(message).not.toContain(SECRET)
    expect(message).not.toContain(sealed)
  })

  it('opens nothing that was sealed for something else', () => {
    expect(messageOf(() => vault.open(vault.seal(SECRET, 'a'), 'b'))).toContain('(b) cannot be opened')
  })

  const sealed = vault.seal(SECRET, 'a')
  it.each([
    ['empty', ''],
    ['the version alone', 'v1.'],
    ['too short for a tag', 'v1.AAAAAAAAAAAAAAAAAAAA'],
    ['too short for a nonce', 'v1.AAAA'],
    ['cut off', sealed.slice(0, -4)],
    ['longer', `${sealed}AAAA`],
    ['changed in its nonce', sealed.replace(/^v1\../, (start) => (start === 'v1.A' ? 'v1.B' : 'v1.A'))],
    ['changed in its tag', sealed.replace(/.{4}$/, (end) => (end.startsWith('A') ? 'B' : 'A') + end.slice(1))],
    ['of another version', sealed.replace('v1.', 'v2.')],
    ['not sealed', SECRET],
  ])('opens nothing that is %s', (_name, broken) => {
    expect(messageOf(() => vault.open(broken, 'a'))).not.toContain(SECRET)
  })

  it('opens what this vector says, in every later version', () => {
    const fixed = createVault(KEY, (bytes) => new Uint8Array(bytes).fill(9)).seal('verdict', 'vector')
    expect(fixed).toBe(VECTOR)
    expect(vault.open(VECTOR, 'vector')).toBe('verdict')
  })

  it('gives a MAC under a key of its own, the same for the same text', () => {
    const key = new Uint8Array(hkdfSync('sha256', KEY, '', 'verdict mac v1', 32))
    expect(vault.mac('text')).toBe(createHmac('sha256', key).update('text').digest('hex'))
    expect(vault.mac('text')).not.toBe(vault.mac('text '))
    expect(createVault(new Uint8Array(32)).mac('text')).not.toBe(vault.mac('text'))
  })

  it.each([0, 16, 31, 33, 64])('is not made with a key of %i bytes', (bytes) => {
    expect(messageOf(() => createVault(new Uint8Array(bytes)))).toContain(`${bytes} bytes, it must have 32`)
  })
})

const VECTOR = 'v1.CQkJCQkJCQkJCQkJUMx04tKPYkXMfbMr0hiHYyY3I5vKWKM'
