import { describe, expect, it } from 'vitest'
import { canonicalDefinition } from '../../contract/definition.ts'
import { canonicalJson, digestDefinition, digestFiles } from '../../tree/digest.ts'

const A = { path: 'a', mode: 0o644, sha256: 'a'.repeat(64) }
const B = { path: 'b/c', mode: 0o755, sha256: 'b'.repeat(64) }

describe('the digest of files', () => {
  it('is a fixed vector', () => {
    expect(digestFiles([A, B])).toBe('02c45ae6c485017cb2bc5d95e5b5fe88f2f51ac9a9892a1e2e730d3a27440e56')
    expect(digestFiles([])).toBe('4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945')
  })

  it('does not depend on the order, and on nothing but path, mode and content', () => {
    expect(digestFiles([B, { ...A, size: 7 } as typeof A])).toBe(digestFiles([A, B]))
  })

  it.each([
    ['path', { ...A, path: 'aa' }],
    ['mode', { ...A, mode: 0o755 }],
    ['content', { ...A, sha256: 'c'.repeat(64) }],
  ])('changes with the %s', (_, other) => expect(digestFiles([other, B])).not.toBe(digestFiles([A, B])))
})

describe('the digest of a definition', () => {
  const definition = canonicalDefinition({ run: 'x', files: ['src'], archive: 'a'.repeat(64) })

  it('is a fixed vector', () => {
    expect(digestDefinition(definition, digestFiles([A]))).toBe(
      'c8582fb3a9aab1817c302b1df314c62a4286d5335aa8d970871af29c6015a682',
    )
  })

  it('does not depend on the archive, the patterns, or the order of fields', () => {
    const same = canonicalDefinition({ archive: 'b'.repeat(64), files: 'lib', run: 'x' })
    const turned = Object.fromEntries(Object.entries(same).reverse()) as typeof same
    expect(digestDefinition(turned, 'f')).toBe(digestDefinition(definition, 'f'))
  })

  it('changes with what is run and with the files', () => {
    expect(digestDefinition({ ...definition, run: 'y' }, 'f')).not.toBe(digestDefinition(definition, 'f'))
    expect(digestDefinition(definition, 'g')).not.toBe(digestDefinition(definition, 'f'))
    expect(digestDefinition(definition, null)).not.toBe(digestDefinition(definition, 'f'))
  })

  it('is over JSON with sorted keys at every depth', () => {
    expect(canonicalJson({ b: [{ d: 1, c: null }], a: 'x' })).toBe('{"a":"x","b":[{"c":null,"d":1}]}')
  })
})
