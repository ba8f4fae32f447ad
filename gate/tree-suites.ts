import type { DefinitionInput } from '../contract/suites.ts'
import { chooseFiles } from '../tree/choose.ts'
import { type PackedTree, packTree } from '../tree/pack.ts'
import type { SuiteFile } from '../tree/suite-file.ts'
import type { TreeSuite } from './planned-suite.ts'

interface Packing {
  readonly tree: PackedTree
  readonly leftOut: readonly string[]
}

/**
 * The named suites of a file with their files packed, and what was left out of them, a sentence each. Suites that name the
 * same files share one archive. Throws TreeError.
 */
export async function treeSuites(
  file: SuiteFile,
  names: readonly string[],
): Promise<{ suites: TreeSuite[]; leftOut: string[] }> {
  const packings = new Map<string, Promise<Packing>>()
  const suites: TreeSuite[] = []
  const leftOut = new Set<string>()
  for (const name of names) {
    // What is run is this tree, wherever the suite that is pushed has its commits from.
    const { source: _source, ...definition } = file.suites.get(name)!
    const patterns = filesOf(definition)
    const key = JSON.stringify(patterns)
    const packing = packings.get(key) ?? pack(file.root, patterns)
    packings.set(key, packing)
    const { tree, leftOut: out } = await packing
    for (const line of out) leftOut.add(line)
    suites.push({ from: 'tree', name, definition: { ...definition, archive: tree.sha256 }, tree })
  }
  return { suites, leftOut: [...leftOut] }
}

async function pack(root: string, patterns: readonly string[]): Promise<Packing> {
  const choice = await chooseFiles(root, patterns)
  const tree = await packTree(root, choice.files)
  return { tree, leftOut: choice.leftOut.map(({ path, reason }) => `${path} was not packed: it ${reason}`) }
}

function filesOf({ files }: DefinitionInput): string[] {
  return files === undefined ? [] : typeof files === 'string' ? [files] : files
}
