/** A place in a file of the suite. `file` has `/`, and is relative where that is known. */
export interface Location {
  file: string
  line: number | null
}

const JVM = 'java|kt|kts|scala|groovy'
/** Extensions of source files: `example.com:443` is no place in a file. */
const SOURCES =
  'js|mjs|cjs|jsx|ts|mts|cts|tsx|vue|svelte|py|rb|php|go|rs|cs|fs|vb|c|cc|cpp|cxx|h|hpp|m|mm|swift|dart|ex|exs|erl|clj|lua|pl|pm|t|sh|bats|feature'
/** `x.js:12`, .NET's `x.cs:line 12`, Python's `x.py", line 12`. */
const PLACE = new RegExp(`\\.(?:(${JVM})|${SOURCES})(?::(?:line )?|", line )(\\d{1,7})`, 'g')
/** Code of others: a failure is never there. */
const OTHERS = /(?:^|\/)(?:node_modules|site-packages|dist-packages|vendor|\.venv|gems)\//
const LINES_SEARCHED = 200
const LINE_SEARCHED_LENGTH = 1000
const PATH_LENGTH = 300

/** A path as reports of all systems write it: `/` only, no `file://`, no drive, no leading `./`, relative to `root` if it is inside. */
export function tidyPath(path: string, root: string | undefined): string {
  const plain = slashes(path)
  const base = root === undefined ? '' : slashes(root).replace(/\/$/, '')
  return base !== '' && plain.startsWith(`${base}/`) ? plain.slice(base.length + 1) : plain
}

/**
 * Where a failure's text says that it happened: in the case's own file if that is known and named, else the first place that is
 * neither in others' code nor outside of `root`.
 */
export function findLocation(
  text: string,
  known: { file: string | null; classname: string | null },
  root: string | undefined,
): Location | null {
  for (const place of placesIn(text, known.classname, root)) {
    if (known.file === null || known.file === place.file || known.file.endsWith(`/${place.file}`)) {
      return { file: known.file ?? place.file, line: place.line }
    }
  }
  return null
}

function* placesIn(text: string, classname: string | null, root: string | undefined): Iterable<Location> {
  for (const long of text.split('\n', LINES_SEARCHED)) {
    const line = long.slice(0, LINE_SEARCHED_LENGTH)
    for (const match of line.matchAll(PLACE)) {
      const extension = match[0].search(/[:"]/)
      const file = tidyPath(pathBefore(line.slice(0, match.index + extension), root), root)
      const outside = root !== undefined && file.startsWith('/')
      if (/^\.\w+$/.test(file)) continue
      if (outside || OTHERS.test(file) || (match[1] !== undefined && !isFileOf(file, classname))) continue
      yield { file, line: Number(match[2]) }
    }
  }
}

/** The path that ends a text; one below the root may hold blanks. */
function pathBefore(text: string, root: string | undefined): string {
  const near = text.slice(-PATH_LENGTH)
  const below = root === undefined ? -1 : near.lastIndexOf(`${root.replace(/\/$/, '')}/`)
  const path = below < 0 ? '' : near.slice(below)
  return path !== '' && !/[:'"`()<>|]/.test(path) ? path : (near.split(/[\s:'"`()<>|[\]{},;=]/).at(-1) ?? '')
}

/** Frames of the JVM have a bare file name, and the first is the assertion library's: only the test's own class counts. */
function isFileOf(file: string, classname: string | null): boolean {
  const simple = classname?.split('.').at(-1)?.split('$')[0]
  return simple !== undefined && (file.split('/').at(-1) ?? '').startsWith(`${simple}.`)
}

function slashes(path: string): string {
  return path
    .replaceAll('\\', '/')
    .replace(/^file:(?=\/\/)/i, '')
    .replace(/^\/{2,}/, '/')
    .replace(/^\/?[A-Za-z]:(?=\/)/, '')
    .replace(/^(?:\.\/)+/, '')
}
