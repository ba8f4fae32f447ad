/** Longer names are no slips of the finger; comparing them costs more than it tells. */
const LONGEST = 200

/**
 * Those of `candidates` that `name` was probably meant to be, nearest first, at most `most` of them: no more than a third of
 * its characters (at least one, at most three) left out, added, changed or swapped with a neighbour. Capitals do not count.
 */
export function nearNames(name: string, candidates: Iterable<string>, most = 3): string[] {
  if (name.length > LONGEST) return []
  const allowed = Math.min(3, Math.max(1, Math.floor(name.length / 3)))
  const near: { candidate: string; distance: number }[] = []
  for (const candidate of new Set(candidates)) {
    if (Math.abs(candidate.length - name.length) > allowed) continue
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase())
    if (distance <= allowed) near.push({ candidate, distance })
  }
  near.sort((a, b) => a.distance - b.distance || (a.candidate < b.candidate ? -1 : 1))
  return near.slice(0, most).map(({ candidate }) => candidate)
}

/** ` (did you mean "a" or "b"?)`, or nothing when no name is near. */
export function didYouMean(name: string, candidates: Iterable<string>): string {
  const near = nearNames(name, candidates).map((candidate) => JSON.stringify(candidate))
  return near.length === 0 ? '' : ` (did you mean ${near.join(' or ')}?)`
}

/** Damerau-Levenshtein distance, in the form where no part is edited twice (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let before: number[] = []
  let above = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const changed = above[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? before[j - 2]! + 1 : changed
      row.push(Math.min(above[j]! + 1, row[j - 1]! + 1, changed, swapped))
    }
    before = above
    above = row
  }
  return above[b.length]!
}
