import { ARTIFACTS_MAX_BYTES } from '../contract/artifacts.ts'
import { openBeneath, Refused } from './beneath.ts'
import { collect } from './collect.ts'
import type { Glob } from './glob.ts'
import type { Masker } from './masking.ts'
import type { Acceptance } from './work.ts'

const ARTIFACT_LIMITS = { bytes: ARTIFACTS_MAX_BYTES, files: 1_000, nameLength: 500 } as const

/** Names that would do harm where people look at them or download them. */
const UNSAFE_NAMES: readonly { readonly pattern: RegExp; readonly why: string }[] = [
  { pattern: /[\p{Cc}\u2028\u2029]/u, why: 'its name holds control characters' },
  { pattern: /[\u202a-\u202e\u2066-\u2069\u200e\u200f]/, why: 'its name changes the direction of text' },
  { pattern: /\\/, why: 'its name holds a backslash, which other systems take for a folder' },
]

interface ArtifactHandling {
  readonly masker: Masker
  /** Of the suite's report: those files' contents are masked, too. */
  readonly reports: readonly Glob[]
  send(path: string, content: () => AsyncIterable<Uint8Array>): Promise<Acceptance | 'no_room'>
}

/**
 * Hands in the files that the globs mean, by path, as far as they are safe and there is room.
 * @returns notes for the log: what was left out, and why.
 */
export async function sendArtifacts(
  root: string,
  globs: readonly Glob[],
  { masker, reports, send }: ArtifactHandling,
  limits: { bytes: number; files: number; nameLength: number } = ARTIFACT_LIMITS,
): Promise<string[]> {
  const { files, leftOut, cutShort } = await collect(root, globs)
  const notes = leftOut.map(({ path, why }) => leaveOut(path, `it is ${why}`))
  if (cutShort) notes.push(`artifacts were looked for among the first ${cutShort} only`)
  const sent = new Set<string>()
  let room = limits.bytes
  for (const [index, { path, size }] of files.entries()) {
    if (sent.size === limits.files) {
      return [...notes, `a run has at most ${limits.files} artifacts: ${files.length - index} more were left out`]
    }
    const shownPath = masker.text(path)
    const unsafe = UNSAFE_NAMES.find(({ pattern }) => pattern.test(path))?.why
    const problem =
      unsafe ??
      (path.length > limits.nameLength ? `its name is over ${limits.nameLength} characters long` : undefined) ??
      (size > room ? `a run's artifacts have at most ${limits.bytes / 1_000_000} MB together` : undefined) ??
      (sent.has(shownPath) ? 'its masked name is that of another' : undefined)
    if (problem) {
      notes.push(leaveOut(path, problem))
      continue
    }
    try {
      const file = await openBeneath(root, path)
      try {
        if (file.facts.size > room) throw new Refused('growing')
        const isReport = reports.some((glob) => glob.matches(path))
        const masked = isReport ? masker.bytes(await file.bytes()) : undefined
        const answer = await send(shownPath, () => (masked ? once(masked) : file.content()))
        if (answer === 'lost') return notes
        if (answer === 'no_room') return [...notes, 'the server has no room for artifacts: the rest was left out']
        room -= file.facts.size
        sent.add(shownPath)
      } finally {
        await file.close()
      }
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      notes.push(leaveOut(path, `it is ${error.message}`))
    }
  }
  return notes
}

function leaveOut(path: string, why: string): string {
  return `artifact ${JSON.stringify(path)} was left out: ${why}`
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}
