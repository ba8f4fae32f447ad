import { createGzip } from 'node:zlib'
import tar from 'tar-stream'

/** A tar.gz of text files by path. */
export async function packedTree(files: Readonly<Record<string, string>>): Promise<Uint8Array> {
  const pack = tar.pack()
  for (const [name, content] of Object.entries(files)) pack.entry({ name }, content)
  pack.finalize()
  const chunks: Buffer[] = []
  for await (const chunk of pack.pipe(createGzip())) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}
