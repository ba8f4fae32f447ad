import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'

/** A start that cannot go on; the message says what to do. */
export class StartError extends Error {
  override readonly name = 'StartError'
}

/** The configured secret key, or that of the data folder, made at the first start (mode 0600). 32 bytes. */
export function secretKey(configured: Uint8Array | undefined, path: string): Uint8Array {
  if (configured !== undefined) return configured
  if (!existsSync(path)) writeFileSync(path, `${randomBytes(32).toString('base64')}\n`, { mode: 0o600, flush: true })
  const bytes = Buffer.from(readFileSync(path, 'utf8').trim(), 'base64')
  if (bytes.length !== 32)
    throw new StartError(
      `${path} does not hold 32 bytes in base64. Put the file back from a backup: without it, stored secrets cannot be read.`,
    )
  return new Uint8Array(bytes)
}
