import { DEFINITION_DEFAULTS } from '../contract/definition.ts'
import type { DefinitionInput, SourceInput, Suite } from '../contract/suites.ts'
import type { PackedTree } from '../tree/pack.ts'

/** A suite that is run as it is in this checkout. */
export interface TreeSuite {
  readonly from: 'tree'
  readonly name: string
  /** Names the archive. */
  readonly definition: DefinitionInput
  readonly tree: PackedTree
}

/** A suite that is run as it was pushed. */
export interface StoredSuite {
  readonly from: 'stored'
  readonly name: string
  /** Undefined when the key may not read suites: what is stored then shows when it runs. */
  readonly stored: Suite | undefined
}

export type PlannedSuite = TreeSuite | StoredSuite

/**
 * The first line of a suite in a log: `smoke from this tree (3 files, 4f2a91c, dirty)`, or
 * `smoke, revision 7 of 2026-11-20`.
 */
export function firstLine(suite: PlannedSuite, source: SourceInput): string {
  if (suite.from === 'tree') {
    const files = `${suite.tree.files} ${suite.tree.files === 1 ? 'file' : 'files'}`
    const facts = [files, source.commit?.slice(0, 7), source.dirty ? 'dirty' : undefined]
    return `${suite.name} from this tree (${facts.filter((fact) => fact !== undefined).join(', ')})`
  }
  const { name, stored } = suite
  if (stored === undefined) return `${name}, as stored`
  return `${name}, revision ${stored.revision} of ${stored.updatedAt.slice(0, 10)}`
}

/** The time limit of the suite's runs in seconds, as far as the client can know it. */
export function runLimitSeconds(suite: PlannedSuite): number {
  return definitionOf(suite)?.timeoutSeconds ?? DEFINITION_DEFAULTS.timeoutSeconds
}

/** The names that a suite declares; undefined when they are not known here. */
export function declaredNames(
  suite: PlannedSuite,
): { variables: readonly string[]; secrets: readonly string[] } | undefined {
  const definition = definitionOf(suite)
  if (!definition) return undefined
  return { variables: Object.keys(definition.variables ?? {}), secrets: definition.secrets ?? [] }
}

function definitionOf(suite: PlannedSuite) {
  return suite.from === 'tree' ? suite.definition : suite.stored?.definition
}
