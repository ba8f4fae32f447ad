import { gitAddress, hostKeysOf } from './git-source.ts'
import type { Definition, DefinitionInput, GitSource } from './suites.ts'

/** What a definition gets where it is silent (wire 7). */
export const DEFINITION_DEFAULTS = {
  timeoutSeconds: 30 * 60,
  attempts: 2,
  concurrency: 20,
  network: 'none',
  limits: { memoryBytes: 2 * 1024 ** 3, processes: 512, diskBytes: 2 * 1024 ** 3 },
} as const

/** Fills in the defaults and orders what has no order, so that equal definitions are equal values. */
export function canonicalDefinition(input: DefinitionInput): Definition {
  return {
    kind: 'command',
    archive: input.archive ?? null,
    files: list(input.files),
    setup: input.setup ?? null,
    run: input.run,
    report: list(input.report),
    artifacts: list(input.artifacts),
    timeoutSeconds: input.timeoutSeconds ?? DEFINITION_DEFAULTS.timeoutSeconds,
    attempts: input.attempts ?? DEFINITION_DEFAULTS.attempts,
    concurrency: input.concurrency ?? DEFINITION_DEFAULTS.concurrency,
    network: input.network ?? DEFINITION_DEFAULTS.network,
    limits: { ...DEFINITION_DEFAULTS.limits, ...input.limits },
    runsOn: [...new Set(list(input.runsOn))].sort(),
    variables: Object.fromEntries(Object.entries(input.variables ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))),
    secrets: [...new Set(input.secrets ?? [])].sort(),
    locked: input.locked ?? false,
    ...(input.source && { source: canonicalSource(input.source) }),
  }
}

/** The source must be one that contract/git-source.ts has nothing against. */
function canonicalSource(source: NonNullable<DefinitionInput['source']>): GitSource {
  const { href, transport } = gitAddress(source.git)
  return {
    git: href,
    credential: source.credential ?? null,
    submodules: source.submodules ?? false,
    ...(transport === 'ssh' && { hostKeys: hostKeysOf({ ...source, hostKeys: list(source.hostKeys) }) }),
  }
}

function list(value: string | readonly string[] | undefined): string[] {
  return value === undefined ? [] : typeof value === 'string' ? [value] : [...value]
}
