import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'

/**
 * The file that holds the first key until its first use, mode 0600. `digestOf` is how the store knows keys.
 */
export function firstKeyFile(path: string, digestOf: (key: string) => string) {
  let digest = existsSync(path) ? digestOf(readFileSync(path, 'utf8').trim()) : undefined
  return {
    write(key: string): void {
      writeFileSync(path, `${key}\n`, { mode: 0o600, flush: true })
      digest = digestOf(key)
    },
    /** Removes the file when it is this key's: it has arrived where it is used. */
    used(keyDigest: string): void {
      if (digest !== keyDigest) return
      digest = undefined
      rmSync(path, { force: true })
    },
  }
}
