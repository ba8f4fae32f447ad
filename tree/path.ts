/** Shorter than Linux's 4096, because the path of the folder that a tree is unpacked into comes before it. */
const PATH_MAX_BYTES = 2048
const SEGMENT_MAX_BYTES = 255

/** What keeps a relative path with `/` from being one within a tree, in words that follow its name; undefined: nothing. */
export function pathProblem(path: string): string | undefined {
  if (path === '') return 'is empty'
  if (path.includes('\0')) return 'holds a NUL character'
  if (path.includes('\\')) return 'holds a backslash'
  if (path.startsWith('/') || /^[A-Za-z]:(\/|$)/.test(path)) return 'is an absolute path'
  if (path.includes('\uFFFD')) return 'is not UTF-8'
  if (Buffer.byteLength(path) > PATH_MAX_BYTES) return `is longer than ${PATH_MAX_BYTES} bytes`
  for (const segment of path.split('/')) {
    if (segment === '..') return 'leads out of the tree by ".."'
    if (segment === '' || segment === '.') return 'has an empty part or a "."'
    if (Buffer.byteLength(segment) > SEGMENT_MAX_BYTES) return `has a name of more than ${SEGMENT_MAX_BYTES} bytes`
  }
  return undefined
}

/** The same for a path or glob of the suite file, with what to write instead. `./`, a trailing `/` and `.` are fine there. */
export function patternProblem(pattern: string): string | undefined {
  if (/[\x00-\x1f\x7f]/.test(pattern)) return 'holds a control character'
  if (pattern.includes('\\')) return 'holds a backslash: write / between folders'
  if (pattern.startsWith('/') || /^[A-Za-z]:\//.test(pattern)) {
    return "is an absolute path: write it relative to the suite file's folder"
  }
  if (pattern.startsWith('!')) return 'begins with "!": what is to be left out is written into .verdictignore'
  if (pattern.split('/').includes('..')) return 'leads out of the suite file\'s folder by ".."'
  return undefined
}

/** The folders that a path lies in, outermost first: `a/b/c` → `a`, `a/b`. */
export function foldersAbove(path: string): string[] {
  const folders: string[] = []
  for (let at = path.indexOf('/'); at !== -1; at = path.indexOf('/', at + 1)) folders.push(path.slice(0, at))
  return folders
}

/** `./src/` and `src` are the same path; the root itself is `.`. */
export function plainPath(path: string): string {
  return path.replace(/^(?:\.\/+)+/, '').replace(/\/+$/, '') || '.'
}
