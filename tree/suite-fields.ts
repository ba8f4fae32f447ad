import { GIT_URL_MAX, gitUrlProblem, sourceProblem } from '../contract/git-source.ts'
import { isReservedName, LABEL, VARIABLE_NAME } from '../contract/names.ts'
import { NETWORKS } from '../contract/networks.ts'
import { HOST_KEY_LENGTH_MAX, HOST_KEYS_MAX } from '../contract/ssh-host-keys.ts'
import type { DefinitionInput } from '../contract/suites.ts'
import { DURATION_FORM, parseDuration } from './duration.ts'
import { patternProblem, plainPath } from './path.ts'
import { parseSize, SIZE_FORM } from './size.ts'
import { entriesOf, type Row, readFields } from './suite-mapping.ts'
import { describe } from './suite-source.ts'
import { flag, list, measure, oneOf, oneOrList, quietText, type Read, text, whole } from './suite-values.ts'

/** As in contract/suites.ts, whose schemas no bundle may hold; a test compares the two. */
const COMMAND_LENGTH = 32_768
const VALUE_LENGTH = 32_768
const PATH_LENGTH = 500
const MOST_PATHS = 100
const MOST_NAMES = 100
const NAME_FORM = 'made of letters, digits and _, does not begin with a digit, and has at most 128 characters'

const kind: Read<'command'> = (node, source, name) => {
  const value = text(50)(node, source, name)
  if (value === undefined || value === 'command') return value
  return source.report(node, `the kind ${describe(node)} is not supported yet: "command" is the only one`)
}

const path: Read<string> = (node, source, name) => {
  const value = text(PATH_LENGTH)(node, source, name)
  if (value === undefined) return undefined
  const problem = patternProblem(value)
  return problem ? source.report(node, `${name}: ${describe(node)} ${problem}`) : plainPath(value)
}

const label: Read<string> = (node, source, name) => {
  const value = text(100)(node, source, name)
  if (value === undefined || LABEL.test(value)) return value
  return source.report(
    node,
    `${name}: ${describe(node)} is no label: a-z, 0-9, ".", "_" and "-", at most 63 characters`,
  )
}

/** The text is not shown: somebody may have written the secret itself there. */
const nameOfSecret =
  (where: string): Read<string> =>
  (node, source) => {
    const value = quietText(COMMAND_LENGTH)(node, source, where)
    if (value === undefined) return undefined
    if (!VARIABLE_NAME.test(value)) {
      return source.report(node, `${where} is ${NAME_FORM}; a secret's value does not belong into this file`)
    }
    if (isReservedName(value)) return source.report(node, `${value} is reserved: choose another name for the secret`)
    return value
  }

const secretName = nameOfSecret('a name in "secrets"')

const secrets: Read<string[]> = (node, source, name) => {
  const names = list(secretName, MOST_NAMES)(node, source, name)
  const twice = names?.find((value, index) => names.indexOf(value) !== index)
  return twice === undefined ? names : source.report(node, `${name} names ${twice} twice: keep one of them`)
}

const variables: Read<Record<string, string>> = (node, source, name) => {
  const entries = entriesOf(node, source, name)
  if (!entries) return undefined
  if (entries.length > MOST_NAMES) return source.report(node, `${name} has more than ${MOST_NAMES} entries`)
  const result: [string, string][] = []
  for (const { key, place, value } of entries) {
    if (!VARIABLE_NAME.test(key)) source.report(place, `${JSON.stringify(key)} is no name: it is ${NAME_FORM}`)
    else if (isReservedName(key)) source.report(place, `the variable ${key} is reserved: choose another name`)
    else if (!value) source.report(place, `the variable ${key} has no value; an empty one is written ""`)
    else {
      const read = quietText(VALUE_LENGTH)(value, source, `the variable ${key}`)
      if (read !== undefined) result.push([key, read])
    }
  }
  return Object.fromEntries(result)
}

const bytes = (least: number) =>
  measure(parseSize, SIZE_FORM, least, 2 ** 50, `at least ${least / 1024 ** 2} MiB and at most 1024 TiB`)

const LIMITS = {
  memory: { field: 'memoryBytes', read: bytes(16 * 1024 ** 2) },
  processes: { field: 'processes', read: whole(1, 1_000_000) },
  disk: { field: 'diskBytes', read: bytes(1024 ** 2) },
} satisfies Record<string, Row<number> & { field: keyof NonNullable<DefinitionInput['limits']> }>

const limits: Read<Record<string, unknown>> = (node, source, name) => {
  const entries = entriesOf(node, source, name)
  return entries && readFields(entries, LIMITS, source)
}

/** An empty `files` could mean nothing or everything, so it has to be left out. */
const files: Read<string[]> = (node, source, name) => {
  const value = oneOrList(path, MOST_PATHS)(node, source, name)
  if (value?.length !== 0) return value
  return source.report(node, `${name} is empty: leave it out to pack the whole tree`)
}

const gitUrl: Read<string> = (node, source, name) => {
  // Not shown: somebody may have written a password into it.
  const value = quietText(GIT_URL_MAX)(node, source, name)
  const problem = value === undefined ? undefined : gitUrlProblem(value)
  return problem === undefined ? value : source.report(node, `the address in ${name} ${problem}`)
}

const SOURCE = {
  git: { field: 'git', read: gitUrl },
  credential: { field: 'credential', read: nameOfSecret('"credential", the name of a secret,') },
  hostKeys: { field: 'hostKeys', read: oneOrList(text(HOST_KEY_LENGTH_MAX), HOST_KEYS_MAX) },
  submodules: { field: 'submodules', read: flag },
} satisfies Record<string, Row<unknown> & { field: keyof NonNullable<DefinitionInput['source']> }>

const gitSource: Read<NonNullable<DefinitionInput['source']>> = (node, source, name) => {
  const entries = entriesOf(node, source, name)
  const fields = entries && (readFields(entries, SOURCE, source) as Partial<NonNullable<DefinitionInput['source']>>)
  if (!fields) return undefined
  if (!entries.some(({ key }) => key === 'git'))
    return source.report(node, `${name} needs "git", the repository's address`)
  const { git, credential, hostKeys } = fields
  // What is wrong with one of them was said; together they would only be said to be missing.
  if (git === undefined || entries.some(({ key }) => isSourceKey(key) && fields[key] === undefined)) return undefined
  const wrong = sourceProblem({ git, credential, hostKeys: [hostKeys ?? []].flat() })
  return wrong ? source.report(node, `"${wrong.field}" in ${name} ${wrong.problem}`) : { ...fields, git }
}
const isSourceKey = (key: string): key is keyof typeof SOURCE => Object.hasOwn(SOURCE, key)

const timeout = measure(parseDuration, DURATION_FORM, 1, 86_400, 'at least 1s and at most 24h')

/** Every key of a suite (wire 7), the field of the definition that it fills, and how its value is read. */
export const SUITE_FIELDS = {
  kind: { field: 'kind', read: kind },
  files: { field: 'files', read: files },
  setup: { field: 'setup', read: text(COMMAND_LENGTH) },
  run: { field: 'run', read: text(COMMAND_LENGTH) },
  report: { field: 'report', read: oneOrList(path, MOST_PATHS) },
  artifacts: { field: 'artifacts', read: oneOrList(path, MOST_PATHS) },
  timeout: { field: 'timeoutSeconds', read: timeout },
  attempts: { field: 'attempts', read: whole(1, 3) },
  concurrency: { field: 'concurrency', read: whole(1, 1000) },
  network: { field: 'network', read: oneOf(NETWORKS) },
  limits: { field: 'limits', read: limits },
  runsOn: { field: 'runsOn', read: oneOrList(label, 20) },
  variables: { field: 'variables', read: variables },
  secrets: { field: 'secrets', read: secrets },
  locked: { field: 'locked', read: flag },
  source: { field: 'source', read: gitSource },
} satisfies Record<string, Row<unknown> & { field: keyof DefinitionInput }>

/** Keys whose room is kept: known, and refused until they are built. */
export const LATER_FIELDS = ['image', 'retries', 'schedule'] as const
