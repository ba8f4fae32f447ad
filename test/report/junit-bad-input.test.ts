import { describe, expect, it } from 'vitest'
import { decodeXml } from '../../report/junit-encoding.ts'
import { readJUnit } from '../../report/junit-read.ts'
import { REPORT_MAX_BYTES, REPORT_MAX_CASES, ReportError } from '../../report/report-error.ts'

const utf8 = (text: string) => new TextEncoder().encode(text)
function failsWith(bytes: Uint8Array): ReportError {
  try {
    readJUnit([{ path: 'out/report.xml', bytes }])
  } catch (error) {
    if (error instanceof ReportError) return error
    throw error
  }
  throw new Error('was read')
}

describe('readJUnit refuses, naming the file,', () => {
  it.each([
    ['an empty file', '', /is empty/],
    ['a file of blanks', ' \n\t', /is empty/],
    ['text', 'all tests passed', /not well-formed XML, line 1/],
    ['JSON', '{"tests": 1}', /not well-formed XML, line 1/],
    ['other XML', '<html><body/></html>', /begins with <html>/],
    ['an NUnit report', '<test-run id="0"></test-run>', /begins with <test-run>/],
    ['a case for a root', '<testcase name="a"/>', /begins with <testcase>/],
    ['a file cut off between elements', '<testsuites><testsuite name="a"><testcase name="x">', /cut off.*<testcase>/],
    ['a file cut off before its end', '<testsuites><testsuite/>', /cut off.*<testsuites>/],
    ['a file cut off in a tag', '<testsuites><testsuite name="a', /cut off.*<testsuites>/],
    ['a file cut off in an end tag', '<testsuites></testsui', /cut off.*<testsuites>/],
    ['a file cut off in its only tag', '<testsuites/', /cut off.*in the middle of a tag/],
    ['a file cut off in CDATA', '<testsuites><![CDATA[ abc', /cut off/],
    ['a file cut off in a failure', '<testsuite><testcase name="a"><failure>x', /cut off.*<failure>/],
    ['a file cut off in a comment', '<testsuites><!-- abc', /cut off/],
    [
      'crossed tags, by line',
      '\n<testsuites>\n<testsuite>\n</testsuites></testsuite>',
      /line 4, column 13: unexpected close tag/,
    ],
    ['two documents', '<testsuites></testsuites><testsuites></testsuites>', /line 1/],
    ['two empty documents', '<testsuites/><testsuites/>', /more than one document/],
    ['a document and another', '<testsuites/><html/>', /line 1, column 19: the file holds more than one document/],
    ['text after the end', '<testsuites></testsuites>done', /line 1/],
    [
      'a bare ampersand',
      '<testsuite><testcase name="a">a & b</testcase></testsuite>',
      /line 1, column 58: an & before this place is not written as &amp;/,
    ],
    ['a repeated attribute', '<testsuites a="1" a="2"/>', /line 1, column 25: duplicate attribute: a/],
    [
      'an entity bomb',
      `<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "${'&a;'.repeat(99)}">]><testsuite><testcase name="&b;"/></testsuite>`,
      /declares XML entities/,
    ],
    [
      'an external entity',
      '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><testsuite><testcase name="&x;"/></testsuite>',
      /declares XML entities/,
    ],
    [
      'an entity that no one declared',
      '<testsuite><testcase name="a">&nbsp;</testcase></testsuite>',
      /line 1, column 36: an entity that XML does not define/,
    ],
    ['an external document type', '<!DOCTYPE a SYSTEM "junit.dtd"><testsuites/>', /external document type/],
    ['a public document type', '<!DOCTYPE a PUBLIC "-//a" "http://a.example/"><testsuites/>', /external document type/],
    ['a bare ampersand before a semicolon', '<testsuite name="a & b;"/>', /line 1, column 23: an & before this place/],
    ['a bare ampersand that nothing ends', `<testsuites>&${' '.repeat(200_000)}`, /an & before this place/],
    ['"<" in an attribute', '<testsuite name="<"/>', /line 1, column 18: a < in an attribute/],
    ['a second document type', '<!DOCTYPE a><!DOCTYPE a><testsuites/>', /line 1, column 21: /],
    ['a name without end', `<testsuites><${'a'.repeat(200_000)}`, /a name is too long/],
    ['an instruction without end', `<testsuites><?${'a'.repeat(200_000)}`, /a name is too long/],
    [
      'an element of 1,001 attributes',
      `<testsuites ${Array.from({ length: 1001 }, (_, i) => `a${i}=""`).join(' ')}/>`,
      /more than 1000 attributes/,
    ],
    ['an endless document type', `<!DOCTYPE a [${' '.repeat(1_000_000)}]><testsuites/>`, /too long/],
    ['20,000 suites within suites', '<testsuite>'.repeat(20_000) + '</testsuite>'.repeat(20_000), /deeper than 100/],
    ['a reserved element', '<testsuites><__proto__/></testsuites>', /reserved name/],
    ['a reserved attribute', '<testsuites><testsuite __proto__="x"/></testsuites>', /reserved name/],
    [
      'a case in an unknown element',
      '<testsuite><group><testcase><failure/></testcase></group></testsuite>',
      /1 test case at places/,
    ],
    ['a case in a case', '<testsuite><testcase><testcase/></testcase></testsuite>', /1 test case at places/],
    ['a gzip file', '\u001f\u008b\u0008', /not well-formed XML/],
  ])('%s', (_, xml, message) => {
    const error = failsWith(utf8(xml))
    expect(error.code).toBe('report_invalid')
    expect(error.message).toMatch(message)
    expect(error.message).toMatch(/^out\/report\.xml /)
    expect(error.message.length).toBeLessThan(400)
  })

  it('never quotes values and text of the report, which may hold a secret', () => {
    for (const xml of ['<testsuites><testsuite s3cret="', '<testsuites><![CDATA[s3cret']) {
      expect(failsWith(utf8(xml)).message).not.toContain('s3cret')
    }
  })

  it('an encoding that is not known', () => {
    const xml = '<?xml version="1.0" encoding="klingon"?><testsuites/>'
    expect(failsWith(utf8(xml))).toMatchObject({ code: 'report_invalid', message: expect.stringMatching(/"klingon"/) })
    expect(failsWith(new Uint8Array([0xff, 0xfe, 0, 0, 0x3c, 0, 0, 0])).message).toMatch(/"utf-32le"/)
  })

  it('files that are together too large', () => {
    const half = new Uint8Array(REPORT_MAX_BYTES / 2 + 1)
    const files = [1, 2].map((n) => ({ path: `${n}.xml`, bytes: half }))
    expect(() => readJUnit(files)).toThrow(/The 2 report files have together 50\.1 MB; at most 50 MB/)
    expect(failsWith(new Uint8Array(REPORT_MAX_BYTES + 1))).toMatchObject({ code: 'report_too_large' })
  })

  it('too many cases, counted over all files', () => {
    const rows = '<testcase name="a"/>'.repeat(REPORT_MAX_CASES / 2)
    const bytes = utf8(`<testsuite>${rows}</testsuite>`)
    const files = ['a', 'b'].map((path) => ({ path, bytes }))
    expect(readJUnit(files).cases).toHaveLength(REPORT_MAX_CASES)
    files.push({ path: 'c', bytes: utf8('<testsuite><testcase name="a"/></testsuite>') })
    expect(() => readJUnit(files)).toThrow(/^c brings the run to more than 200,000 test cases/)
  })

  it('more elements than memory should hold', () => {
    const error = failsWith(utf8(`<testsuite><testcase>${'<failure/>'.repeat(1_000_001)}</testcase></testsuite>`))
    expect(error).toMatchObject({ code: 'report_too_large', message: expect.stringMatching(/1,000,000 XML elements/) })
  })
})

describe('decodeXml', () => {
  const xml = (encoding: string) => `<?xml version="1.0" encoding="${encoding}"?><a>gr\u00fc\u00df \u20ac</a>`
  const utf16 = (text: string, bigEndian: boolean) => {
    const bytes = new Uint8Array(text.length * 2)
    const view = new DataView(bytes.buffer)
    for (let i = 0; i < text.length; i++) view.setUint16(i * 2, text.charCodeAt(i), !bigEndian)
    return bytes
  }
  const single = (text: string, euro: number) => Uint8Array.from(text, (c) => (c === '\u20ac' ? euro : c.charCodeAt(0)))

  it.each<[string, Uint8Array]>([
    ['UTF-8', utf8(xml('UTF-8'))],
    ['UTF-8 with a byte order mark', utf8(`\ufeff${xml('utf-8')}`)],
    ['UTF-8 without a declaration', utf8('<a>gr\u00fc\u00df \u20ac</a>')],
    ['UTF-8 that says it is UTF-16, as .NET writes it', utf8(xml('utf-16'))],
    ['UTF-16, little endian', utf16(`\ufeff${xml('UTF-16')}`, false)],
    ['UTF-16, big endian', utf16(`\ufeff${xml('UTF-16')}`, true)],
    ['UTF-16 without a mark, little endian', utf16(xml('UTF-16LE'), false)],
    ['UTF-16 without a mark, big endian', utf16(xml('UTF-16BE'), true)],
    ['windows-1252', single(xml('windows-1252'), 0x80)],
    ['ISO-8859-15', single(xml('ISO-8859-15'), 0xa4)],
  ])('reads %s', (_, bytes) => {
    expect([...decodeXml('r.xml', bytes)].join('')).toMatch(/<a>gr\u00fc\u00df \u20ac<\/a>$/)
  })

  it('reads ISO-8859-1 and single quotes', () => {
    const bytes = single("<?xml version='1.0' encoding='iso-8859-1'?><a>\u00e9</a>", 0)
    expect([...decodeXml('r.xml', bytes)].join('')).toContain('<a>\u00e9</a>')
  })

  it('reads Shift_JIS', () => {
    const start = utf8('<?xml version="1.0" encoding="Shift_JIS"?><a>')
    expect([...decodeXml('r.xml', new Uint8Array([...start, 0x83, 0x65]))].join('')).toMatch(/\u30c6$/)
  })

  it('keeps the results when an output holds bytes of another encoding', () => {
    const bytes = new Uint8Array([...utf8('<testsuite><testcase name="'), 0xe9, ...utf8('"/></testsuite>')])
    expect(readJUnit([{ path: 'r.xml', bytes }]).cases[0]?.name).toBe('\ufffd')
  })
})
