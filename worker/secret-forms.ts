/**
 * A shorter secret, or line of one, is not masked: a log in which every `1` or `on` is `***` says nothing any more, and
 * whoever reads it learns the secret from what is missing.
 */
const SHORTEST_MASKED = 4
/** A shorter secret's encoded forms are so short that they would be found by chance. */
const SHORTEST_ENCODED = 8
/** Longer secrets are files rather than credentials; their encoded forms would only fill memory. Characters. */
const LONGEST_ENCODED = 4096
/** All encoded forms of a run together, characters. */
const ENCODED_BUDGET = 1_000_000
/** Where `base64` and `openssl base64` break their lines. */
const BASE64_WIDTHS = [76, 64]

/**
 * Every text to look for so that none of the secrets is shown: each secret as it is, each of its lines (a terminal or a
 * program changes line ends and indents), and the forms in which HTTP clients and test reports show a value: URL, JSON,
 * XML, base64 (`Authorization: Basic`, at each of its three alignments). Without doubles, longest first.
 */
export function formsOf(secrets: Iterable<string>): string[] {
  const forms = new Set<string>()
  // As the run's processes get them: half a surrogate pair has no UTF-8.
  const all = [...secrets].map((secret) => Buffer.from(secret).toString())
  for (const secret of all) for (const form of plainForms(secret)) add(forms, form)
  let budget = ENCODED_BUDGET
  for (const secret of all) {
    if (secret.length < SHORTEST_ENCODED || secret.length > LONGEST_ENCODED) continue
    for (const form of encodedForms(secret)) {
      budget -= form.length
      if (budget >= 0) add(forms, form)
    }
  }
  return [...forms].sort((a, b) => b.length - a.length)
}

function add(forms: Set<string>, form: string): void {
  if (form.length >= SHORTEST_MASKED) forms.add(form)
}

function plainForms(secret: string): string[] {
  return [secret, secret.trim(), ...secret.split(/[\r\n]+/).map((line) => line.trim())]
}

function encodedForms(secret: string): string[] {
  const url = encodeURIComponent(secret)
  const json = JSON.stringify(secret).slice(1, -1)
  return [
    url,
    url.replaceAll('%20', '+'),
    json,
    json.replaceAll('/', '\\/'),
    xmlText(secret),
    xmlText(secret).replaceAll('"', '&quot;').replaceAll("'", '&apos;'),
    ...base64Forms(Buffer.from(secret)),
  ]
}

function xmlText(secret: string): string {
  return secret.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

/** The characters that the bytes alone decide, after 0, 1 or 2 bytes of something else; then the broken lines. */
function base64Forms(bytes: Buffer): string[] {
  const aligned = [0, 1, 2].map((before) =>
    Buffer.concat([Buffer.alloc(before), bytes])
      .toString('base64')
      .slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6)),
  )
  const lines = BASE64_WIDTHS.flatMap((width) => piecesOf(aligned[0] ?? '', width))
  const urlSafe = aligned.map((form) => form.replaceAll('+', '-').replaceAll('/', '_'))
  return [...aligned, ...urlSafe, ...lines.filter((line) => line.length >= SHORTEST_ENCODED)]
}

function piecesOf(text: string, width: number): string[] {
  return text.length <= width ? [] : (text.match(new RegExp(`.{1,${width}}`, 'g')) ?? [])
}
