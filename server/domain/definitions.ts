import { canonicalDefinition } from '../../contract/definition.ts'
import { gitAddress, sourceProblem } from '../../contract/git-source.ts'
import { isReservedName } from '../../contract/names.ts'
import { NETWORKS, type Network } from '../../contract/networks.ts'
import type { Definition, DefinitionInput } from '../../contract/suites.ts'
import type { Cidr } from '../../egress/addresses.ts'
import { GIT } from '../../egress/targets.ts'
import { digestDefinition } from '../../tree/digest.ts'
import { patternProblem } from '../../tree/path.ts'
import { formatSize } from '../../tree/size.ts'
import type { Archives } from './archives.ts'
import { invalid, requireTarget } from './callback-input.ts'
import { notSupported, Problem } from './problem.ts'

/** The most that a suite may ask for; by the operator. */
export interface Ceilings {
  readonly network: Network
  /** Why it is no more, where that is not the operator's choice: what is missing on this machine. */
  readonly networkHint: string | null
  readonly memoryBytes: number
  readonly processes: number
  readonly diskBytes: number
}

export interface ResolvedDefinition {
  readonly definition: Definition
  /** Over the canonical definition and its files: equal digests are equal suites. */
  readonly digest: string
}

/** Makes a sent definition canonical, and checks all that a schema cannot. Throws a {@link Problem} that names the field. */
export function definitions(options: { archives: Archives; ceilings: Ceilings; allowed: readonly Cidr[] }) {
  const { archives, ceilings, allowed } = options
  return async (workspace: string, input: DefinitionInput): Promise<ResolvedDefinition> => {
    if (input.source !== undefined) checkSource(input, allowed)
    if (input.kind !== undefined && input.kind !== 'command') throw notSupported(`The suite kind "${input.kind}"`)
    const definition = canonicalDefinition(input)
    checkNames(definition)
    checkCredential(definition)
    checkPaths(definition)
    checkCeilings(definition, ceilings)
    const files =
      definition.archive === null ? null : (await archives.needed(workspace, definition.archive)).filesDigest
    return { definition, digest: digestDefinition(definition, files) }
  }
}

function checkSource({ source, archive }: DefinitionInput, allowed: readonly Cidr[]): void {
  if (source === undefined) return
  const wrong = sourceProblem({ ...source, hostKeys: [source.hostKeys ?? []].flat() })
  if (wrong)
    invalid(`definition/source/${wrong.field}`, `${wrong.field === 'git' ? 'the address ' : ''}${wrong.problem}`)
  requireTarget('definition/source/git', gitAddress(source.git).endpoint, allowed, GIT)
  if (archive !== undefined)
    invalid('definition/archive', 'a suite with a source has no files of its own: its runs fetch the commit they name')
}

/** The credential is for the fetch alone: what a run declares it is given. */
function checkCredential({ source, variables, secrets }: Definition): void {
  const name = source?.credential ?? undefined
  if (name === undefined) return
  if (isReservedName(name))
    throw new Problem('reserved_name', `The name ${name} is reserved: a secret may not have it.`)
  if (secrets.includes(name) || Object.hasOwn(variables, name))
    invalid(
      'definition/source/credential',
      `${name} is declared for the run, too, which would see it: choose another name`,
    )
}

function checkNames({ variables, secrets }: Definition): void {
  for (const name of [...Object.keys(variables), ...secrets]) {
    if (isReservedName(name)) throw new Problem('reserved_name', `The name ${name} is reserved: a run may not set it.`)
  }
  const both = secrets.find((name) => Object.hasOwn(variables, name))
  if (both !== undefined)
    throw new Problem('invalid_request', `${both} is declared as a variable and as a secret. Choose one.`)
}

function checkPaths(definition: Definition): void {
  for (const field of ['files', 'report', 'artifacts'] as const) {
    for (const [index, path] of definition[field].entries()) {
      const wrong = patternProblem(path)
      if (wrong === undefined) continue
      const message = `"${path}" ${wrong}`
      throw new Problem('invalid_request', `definition.${field}: ${message}`, {
        errors: [{ path: `/definition/${field}/${index}`, message }],
      })
    }
  }
}

/** Throws when a suite asks for more than is allowed: also one that was pushed when more was. */
export function checkCeilings(definition: Definition, ceilings: Ceilings): void {
  if (definition.source && ceilings.network === 'none') {
    const why = ceilings.networkHint ?? 'the operator allows "none" at most (VERDICT_SANDBOX_NETWORK).'
    throw new Problem('network_not_allowed', `The suite's source is fetched with the network "internet"; ${why}`)
  }
  if (NETWORKS.indexOf(definition.network) > NETWORKS.indexOf(ceilings.network)) {
    throw new Problem(
      'network_not_allowed',
      `The suite asks for network "${definition.network}"; ${ceilings.networkHint ?? `the operator allows "${ceilings.network}" at most (VERDICT_SANDBOX_NETWORK).`}`,
    )
  }
  for (const [limit, words] of [
    ['memoryBytes', 'memory'],
    ['processes', 'processes'],
    ['diskBytes', 'disk'],
  ] as const) {
    if (definition.limits[limit] <= ceilings[limit]) continue
    const shown = (value: number) => (limit === 'processes' ? String(value) : formatSize(value))
    throw new Problem(
      'limit_not_allowed',
      `The suite asks for ${shown(definition.limits[limit])} of ${words}; the operator allows ${shown(ceilings[limit])} at most.`,
    )
  }
}
