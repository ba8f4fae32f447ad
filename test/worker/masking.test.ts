import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createMasker, MASK, maskCase } from '../../worker/masking.ts'
import { formsOf } from '../../worker/secret-forms.ts'

/** What the pieces of a text come out as. */
function masked(secrets: string[], pieces: string[]): string {
  const stream = createMasker(secrets).stream()
  return pieces.map((piece) => stream.push(piece)).join('') + stream.end()
}

/** Few letters, so that secrets begin like each other and lie within and across each other. */
const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'c', '\n', 'é', '😀'), minLength: 1, maxLength: 12 })

describe('masking', () => {
  it('never lets a secret through, however the text is split', () => {
    fc.assert(
      fc.property(
        fc.array(letters, { maxLength: 5 }),
        fc.array(letters, { maxLength: 30 }),
        fc.array(fc.nat(400)),
        (secrets, parts, cuts) => {
          const text = parts.concat(secrets).join('')
          const forms = formsOf(secrets)
          const at = [0, ...cuts.map((cut) => cut % (text.length + 1)).sort((a, b) => a - b), text.length]
          const pieces = at.slice(1).map((end, i) => text.slice(at[i], end))
          const result = masked(secrets, pieces)
          for (const form of forms) expect(result).not.toContain(form)
          expect(result).toBe(masked(secrets, [text]))
        },
      ),
      { numRuns: 500 },
    )
  })

  it('leaves a text without secrets as it is', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' })), (pieces) => {
        expect(masked(['\u0001never in a text\u0001'], pieces)).toBe(pieces.join(''))
        expect(masked([], pieces)).toBe(pieces.join(''))
      }),
    )
  })

  const cases: [string, string[], string, string][] = [
    ['masks every place', ['hunter22'], 'a hunter22 b hunter22', 'a *** b ***'],
    ['makes one mask of secrets that touch', ['hunter22', 'letmein'], 'hunter22letmeinhunter22', '***'],
    ['makes one mask of secrets that overlap', ['abcdef', 'defghi'], '-abcdefghi-', '-***-'],
    ['masks the longer of two that begin alike', ['abcd', 'abcdefgh'], 'abcdefgh abcd', '*** ***'],
    [
      'masks the lines of a secret of several, whatever ends and indents them',
      ['-----BEGIN-----\nMIIE\nab\n'],
      '  MIIE\r\n  ab\r\n-----BEGIN-----',
      '  ***\r\n  ab\r\n***',
    ],
    ['does not mask what is under 4 characters', ['abc', '1'], 'abc 1', 'abc 1'],
    ['masks a secret with blanks around it when they are gone', ['  hunter22\n'], 'is hunter22.', 'is ***.'],
    ['masks URL forms', ['p@ss w/rd'], 'u=p%40ss%20w%2Frd&v=p%40ss+w%2Frd', 'u=***&v=***'],
    ['masks the JSON form', ['say "hi" \\ now'], '{"a":"say \\"hi\\" \\\\ now"}', '{"a":"***"}'],
    ['masks the XML forms', [`a<b>&"c'd`], `x="a&lt;b&gt;&amp;&quot;c&apos;d">a&lt;b&gt;&amp;"c'd<`, 'x="***">***<'],
    ['masks half a surrogate pair as a process gets it', ['ab\ud800cd'], 'ab\ufffdcd', '***'],
  ]
  it.each(cases)('%s', (_, secrets, text, expected) => expect(masked(secrets, [text])).toBe(expected))

  it.each([0, 1, 2])('masks base64 and base64url with %i bytes before it', (before) => {
    const secret = 'correct horse>battery?staple'
    for (const encoding of ['base64', 'base64url'] as const) {
      const text = Buffer.from(`${'x'.repeat(before)}${secret}:more`).toString(encoding)
      expect(createMasker([secret]).text(text)).toMatch(/^.{0,4}\*\*\*.{0,11}$/)
    }
  })

  it.each([76, 64])('masks base64 whose lines are broken at %i', (width) => {
    const secret = Array.from({ length: 30 }, (_, i) => `word${i * 7919}`).join('-')
    const lines = Buffer.from(secret)
      .toString('base64')
      .match(new RegExp(`.{1,${width}}`, 'g'))!
    const result = createMasker([secret]).text(lines.join('\n'))
    for (const line of lines.slice(0, -1)) expect(result).not.toContain(line.slice(4, -4))
  })

  it('holds back only what may become a secret', () => {
    const stream = createMasker(['hunter22']).stream()
    expect([stream.push('is hun'), stream.push('ter2'), stream.push('1 hunter'), stream.push('22.')]).toEqual([
      'is ',
      '',
      'hunter21 ',
      `${MASK}.`,
    ])
  })

  it('masks the beginning of a secret where a text was cut', () => {
    const masker = createMasker(['hunter22'])
    expect(masker.cutText('is hunt… [cut]', '… [cut]')).toBe('is ***… [cut]')
    expect(masker.cutText('is hot… [cut]', '… [cut]')).toBe('is hot… [cut]')
    expect(masker.cutText('is hunt', '… [cut]')).toBe('is hunt')
  })

  it('masks bytes of any encoding that extends ASCII and changes no other', () => {
    const masker = createMasker(['schlüssel'])
    const bytes = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from('ein schlüssel'), Buffer.from([0x80])])
    const expected = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from('ein ***'), Buffer.from([0x80])])
    expect(Buffer.from(masker.bytes(bytes))).toEqual(expected)
  })

  it('masks every text of a case', () => {
    const text = 'a hunter22'
    const one = { name: text, classname: text, testSuite: text, file: text, message: text, details: text }
    const rest = { line: 1, state: 'failed', durationMs: 1, flaky: false } as const
    const result = maskCase({ ...one, ...rest }, createMasker(['hunter22']), '…')
    expect(JSON.stringify(result)).not.toContain('hunter22')
    expect(result).toMatchObject({ ...rest, name: 'a ***', file: 'a ***' })
  })

  it('takes time in proportion to the text, however it repeats the beginning of hostile secrets', () => {
    const secrets = Array.from({ length: 10 }, (_, i) => `${'a'.repeat(60_000 + i)}b`)
    const masker = createMasker(secrets)
    const before = performance.now()
    expect(masker.text('a'.repeat(2_000_000)).length).toBe(2_000_000)
    expect(performance.now() - before).toBeLessThan(5_000)
  })
})
