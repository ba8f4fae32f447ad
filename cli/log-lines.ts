import { neutral } from '../report/terminal.ts'

/** A line that long is cut into pieces, characters: a run that never ends its line must not fill the memory. */
const LONGEST = 64 * 1024

/** A log as whole lines that no terminal and no CI system takes for commands, whatever the pieces it came in. */
export async function* neutralLines(pieces: AsyncIterable<string>): AsyncGenerator<string, void, undefined> {
  let rest = ''
  for await (const piece of pieces) {
    rest += piece
    const end = rest.lastIndexOf('\n') + 1 || (rest.length > LONGEST ? rest.length : 0)
    if (end === 0) continue
    yield neutral(rest.slice(0, end))
    rest = rest.slice(end)
  }
  if (rest !== '') yield `${neutral(rest)}\n`
}

/** Bytes as text; a character may be split over two chunks. */
export async function* decoded(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder()
  for await (const chunk of chunks) yield decoder.decode(chunk, { stream: true })
  yield decoder.decode()
}
