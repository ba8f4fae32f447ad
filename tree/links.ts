const STEPS = 128

/**
 * Whether the link at `path` leads out of a tree that has these links (path → target), or cannot be followed to an end: each
 * part of its way is followed as a file system would, through other links too, because `a/..` is not where it looks to be when
 * `a` is a link. What is not there counts as an ordinary folder.
 */
export function leadsOutside(path: string, links: ReadonlyMap<string, string>): boolean {
  const ahead = path.split('/').reverse()
  let at = ''
  for (let steps = 0; ahead.length > 0; steps++) {
    if (steps > STEPS) return true
    const part = ahead.pop()!
    if (part === '' || part === '.') continue
    if (part === '..') {
      if (at === '') return true
      at = at.slice(0, Math.max(0, at.lastIndexOf('/')))
      continue
    }
    const next = at === '' ? part : `${at}/${part}`
    const target = links.get(next)
    if (target === undefined) at = next
    else if (target === '' || /^[/\\]|^[A-Za-z]:|[\0\\]/.test(target)) return true
    else ahead.push(...target.split('/').reverse())
  }
  return false
}
