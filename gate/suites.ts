import type { Client } from '../client/index.ts'
import { findSuiteFile } from '../tree/find.ts'
import { matchSuites, selectSuites } from '../tree/select.ts'
import { loadSuiteFile } from '../tree/suite-file.ts'
import type { PlannedSuite } from './planned-suite.ts'
import { StoredSuites } from './stored-suites.ts'
import { treeSuites } from './tree-suites.ts'
import { WrongUseError } from './wrong-use.ts'

export interface SuiteChoice {
  /** Names and globs; none means all of the suite file. */
  readonly names: readonly string[]
  /** Never from the tree. */
  readonly stored: boolean
  /** The folder from which the suite file is looked for, upwards; absolute. */
  readonly directory: string
}

export interface Plan {
  readonly suites: readonly PlannedSuite[]
  /** The folder that the facts of the build are about. */
  readonly root: string
  /** What was not packed although it lies in the tree, a sentence each. */
  readonly leftOut: readonly string[]
}

/**
 * Which suites run and from where: those that the suite file of the tree names, packed; all others as stored. Reads, and
 * starts nothing. Throws WrongUseError, SuiteFileError or TreeError for what cannot be run, or as calls of the client do.
 */
export async function planSuites(choice: SuiteChoice, client: Client, signal?: AbortSignal): Promise<Plan> {
  const { names, directory } = choice
  const path = await findSuiteFile(directory)
  const file = path === undefined ? undefined : await loadSuiteFile(path)
  if (file === undefined && names.length === 0) throw nothingNamed(choice)

  const all = file !== undefined && names.length === 0
  const inTree = (name: string) => !choice.stored && file !== undefined && matchSuites(file, name).length > 0
  const here = names.filter(inTree)
  const elsewhere = all && choice.stored ? [...file.suites.keys()] : names.filter((name) => !inTree(name))

  const store = new StoredSuites(client, file, signal)
  const stored = await Promise.all(elsewhere.map((name) => store.find(name)))
  const selected = file !== undefined && (here.length > 0 || (all && !choice.stored)) ? selectSuites(file, here) : []
  const { suites, leftOut } = file === undefined ? { suites: [], leftOut: [] } : await treeSuites(file, selected)
  return { suites: unique([...suites, ...stored.flat()]), root: file?.root ?? directory, leftOut }
}

function nothingNamed({ directory, stored }: SuiteChoice): WrongUseError {
  return new WrongUseError(
    stored
      ? `Which suites? There is no verdict.yaml in ${directory} or above it, so name the stored ones that are to run`
      : `There is no verdict.yaml in ${directory} or above it, up to the repository's root: write one, or name a stored suite`,
  )
}

/** A suite that is asked for twice runs once. */
function unique(suites: readonly PlannedSuite[]): PlannedSuite[] {
  const byName = new Map<string, PlannedSuite>()
  for (const suite of suites) if (!byName.has(suite.name)) byName.set(suite.name, suite)
  return [...byName.values()]
}
