/** Whether a filter takes the value: null takes all. A pattern is exact but for `*`, any characters (also none and `/`). */
export function filterTakes(patterns: readonly string[] | null, value: string | null | undefined): boolean {
  return patterns === null || (value != null && patterns.some((pattern) => patternTakes(pattern, value)))
}

/** In linear steps for each star, so that no pattern that a user writes can take long. */
function patternTakes(pattern: string, value: string): boolean {
  let [at, read, star, resume] = [0, 0, -1, 0]
  while (read < value.length) {
    if (pattern[at] === '*') {
      star = at++
      resume = read
    } else if (pattern[at] === value[read]) {
      at++
      read++
    } else if (star >= 0) {
      at = star + 1
      read = ++resume
    } else return false
  }
  while (pattern[at] === '*') at++
  return at === pattern.length
}
