import { ReportError } from './report-error.ts'

/** How a document begins tells its encoding (XML 1.0, appendix F); the longer beginnings first. */
const BEGINNINGS: readonly { bytes: readonly number[]; encoding: string }[] = [
  { bytes: [0xff, 0xfe, 0x00, 0x00], encoding: 'utf-32le' },
  { bytes: [0x00, 0x00, 0xfe, 0xff], encoding: 'utf-32be' },
  { bytes: [0xef, 0xbb, 0xbf], encoding: 'utf-8' },
  { bytes: [0xff, 0xfe], encoding: 'utf-16le' },
  { bytes: [0xfe, 0xff], encoding: 'utf-16be' },
  { bytes: [0x3c, 0x00], encoding: 'utf-16le' },
  { bytes: [0x00, 0x3c], encoding: 'utf-16be' },
]

/** Bytes decoded at a time. */
const SLICE = 65_536

/**
 * The text of an XML document, slice by slice, in the encoding that its first bytes or its declaration give, else UTF-8. Bytes
 * that are wrong in it become U+FFFD: one of them in a test's output is no reason to lose the results.
 * @throws ReportError `report_invalid` for an encoding that is not known.
 */
export function* decodeXml(path: string, bytes: Uint8Array): Iterable<string> {
  const begins = BEGINNINGS.find((beginning) => beginning.bytes.every((byte, i) => bytes[i] === byte))
  const encoding = begins?.encoding ?? declared(bytes)
  let decoder: TextDecoder
  try {
    decoder = new TextDecoder(encoding)
  } catch (cause) {
    const message = `${path} is in the encoding ${JSON.stringify(encoding)}, which is not known here. Write the report as UTF-8.`
    throw new ReportError('report_invalid', message, { cause })
  }
  for (let at = 0; at < bytes.length; at += SLICE) {
    yield decoder.decode(bytes.subarray(at, at + SLICE), { stream: at + SLICE < bytes.length })
  }
}

/** The declaration itself is ASCII in all encodings that get here. */
function declared(bytes: Uint8Array): string {
  const start = new TextDecoder('latin1').decode(bytes.subarray(0, 200))
  const encoding = /^\s*<\?xml\s[^>]*?encoding\s*=\s*["']([\w.:-]{1,40})["']/.exec(start)?.[1] ?? 'utf-8'
  // Nobody can read `encoding="utf-16"` byte by byte unless it is not true: .NET writes that from strings.
  return /^(?:utf|ucs|iso-10646-ucs)-?(?:16|2)/i.test(encoding) ? 'utf-8' : encoding
}
