import { readFile, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import type { Node } from 'yaml'
import { SUITE_NAME } from '../contract/names.ts'
import type { DefinitionInput } from '../contract/suites.ts'
import { LATER_FIELDS, SUITE_FIELDS } from './suite-fields.ts'
import { SuiteFileError } from './suite-file-error.ts'
import { type Entry, entriesOf, readFields } from './suite-mapping.ts'
import { type Place, SuiteSource } from './suite-source.ts'
import { type Read, text } from './suite-values.ts'

/** A suite file that was read and checked. */
export interface SuiteFile {
  path: string
  /** The folder of the file (absolute): every path in it is relative to this. */
  root: string
  project?: string
  /** By full name, in the file's order. `archive` is left for whoever packs the files. */
  suites: Map<string, DefinitionInput>
}

const MAX_BYTES = 1000 * 1000
const MOST_SUITES = 1000
const EXAMPLE = 'suites: { smoke: { run: npm test } }'
const NAME_FORM = 'a-z, 0-9, ".", "_" and "-", at most one "/", at most 100 characters with the project'

/** Reads and checks the suite file at `path`. Throws {@link SuiteFileError} with everything that is wrong in it, or the error of the file system. */
export async function loadSuiteFile(path: string): Promise<SuiteFile> {
  const { size } = await stat(path)
  const problem = (message: string, line = 1) => new SuiteFileError(path, [{ line, column: 1, message }])
  if (size > MAX_BYTES) throw problem(`is ${size} bytes long, and a suite file has at most 1 MB`)
  const bytes = await readFile(path)
  const content = bytes.toString('utf8')
  if (!bytes.equals(Buffer.from(content))) {
    throw problem('is not UTF-8: save it in that encoding', content.split('\uFFFD')[0]!.split('\n').length)
  }
  return readSuiteFile(path, content.replace(/^\uFEFF/, ''))
}

/**
 * Checks the text of a suite file. `path` is what messages call it, and its folder is the suites' root.
 * Throws {@link SuiteFileError} with everything that is wrong in it.
 */
export function readSuiteFile(path: string, text: string): SuiteFile {
  const source = new SuiteSource(path, text)
  const root = dirname(resolve(path))
  if (!source.contents) {
    source.report(0, `the file is empty: it needs suites, for example ${EXAMPLE}`)
    source.throwIfReported()
  }
  const entries = entriesOf(source.contents as Node, source, 'a suite file') ?? []
  source.throwIfReported()
  const { project, suites: found } = readFields(entries, TOP_FIELDS, source) as { project?: string; suites?: Entry[] }
  if (!entries.some(({ key }) => key === 'suites')) source.report(0, `"suites" is missing: for example ${EXAMPLE}`)
  const suites = new Map<string, DefinitionInput>()
  for (const { key, place, value } of found ?? []) {
    const name = project === undefined ? key : `${project}/${key}`
    if (!SUITE_NAME.test(name)) source.report(place, `${JSON.stringify(name)} is no suite's name: ${NAME_FORM}`)
    const definition = readSuite(value, place, source)
    if (definition) suites.set(name, definition)
  }
  source.throwIfReported()
  return { path, root, ...(project !== undefined && { project }), suites }
}

const projectName: Read<string> = (node, source, name) => {
  const value = text(100)(node, source, name)
  if (value === undefined || (SUITE_NAME.test(value) && !value.includes('/'))) return value
  return source.report(node, `${name} is made of a-z, 0-9, ".", "_" and "-"`)
}

const suiteEntries: Read<Entry[]> = (node, source, name) => {
  const entries = entriesOf(node, source, name)
  if (entries?.length === 0) return source.report(node, `${name} is empty: name at least one, for example ${EXAMPLE}`)
  if (entries && entries.length > MOST_SUITES) return source.report(node, `${name} has more than ${MOST_SUITES} suites`)
  return entries
}

const TOP_FIELDS = {
  project: { field: 'project', read: projectName },
  suites: { field: 'suites', read: suiteEntries },
}

function readSuite(node: Node | undefined, place: Place, source: SuiteSource): DefinitionInput | undefined {
  if (!node) return source.report(place, 'the suite is empty: it needs at least "run", the command of the tests')
  const entries = entriesOf(node, source, 'a suite')
  if (!entries) return undefined
  const fields = readFields(entries, SUITE_FIELDS, source, LATER_FIELDS) as Partial<DefinitionInput>
  if (!entries.some(({ key }) => key === 'run')) source.report(place, '"run" is missing: the command of the tests')
  const both = fields.secrets?.find((name) => Object.hasOwn(fields.variables ?? {}, name))
  if (both !== undefined) source.report(place, `${both} is both a variable and a secret: it can only be one of them`)
  return fields.run === undefined ? undefined : { ...fields, run: fields.run }
}
