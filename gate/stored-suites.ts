import picomatch from 'picomatch'
import { ApiError, type Client } from '../client/index.ts'
import type { Suite } from '../contract/suites.ts'
import { didYouMean } from '../tree/near-names.ts'
import type { SuiteFile } from '../tree/suite-file.ts'
import type { StoredSuite } from './planned-suite.ts'
import { WrongUseError } from './wrong-use.ts'

const GLOB = /[*?[\]{}]/
const MOST_LISTED = 1000

/** Stored suites as somebody calls them who stands at `file`, if there is one. */
export class StoredSuites {
  readonly #client: Client
  readonly #file: SuiteFile | undefined
  readonly #signal: AbortSignal | undefined
  #pushed: Promise<Map<string, Suite>> | undefined

  constructor(client: Client, file: SuiteFile | undefined, signal: AbortSignal | undefined) {
    this.#client = client
    this.#file = file
    this.#signal = signal
  }

  /** The suites that a name or a glob means. Throws WrongUseError when there are none, or as calls do. */
  async find(name: string): Promise<StoredSuite[]> {
    return GLOB.test(name) ? this.#like(name) : [await this.#named(name)]
  }

  async #named(name: string): Promise<StoredSuite> {
    const [full = name] = this.#waysToSay(name)
    for (const candidate of this.#waysToSay(name)) {
      try {
        const stored = await this.#client.suites.get(candidate, { signal: this.#signal })
        if (stored.definition === null) throw neverPushed(candidate)
        return { from: 'stored', name: candidate, stored }
      } catch (error) {
        if (!(error instanceof ApiError)) throw error
        // A key that may run suites and not read them: what is there shows when it runs.
        if (error.code === 'insufficient_scope') return { from: 'stored', name: full, stored: undefined }
        if (error.code !== 'unknown_suite' && error.code !== 'not_found') throw error
      }
    }
    throw await this.#unknown(name)
  }

  async #like(pattern: string): Promise<StoredSuite[]> {
    const pushed = await this.#list()
    const matches = this.#waysToSay(pattern).map((way) =>
      picomatch(way, { dot: true, nonegate: true, noextglob: true }),
    )
    const names = [...pushed.keys()].filter((name) => matches.some((match) => match(name)))
    if (names.length === 0) throw await this.#unknown(pattern)
    return names.map((name) => ({ from: 'stored', name, stored: pushed.get(name) }))
  }

  /** Within a project `checkout` means `shop/checkout`, as it does in the tree. */
  #waysToSay(name: string): string[] {
    const project = this.#file?.project
    return project === undefined || name.includes('/') ? [name] : [`${project}/${name}`, name]
  }

  #list(): Promise<Map<string, Suite>> {
    this.#pushed ??= (async () => {
      const all = new Map<string, Suite>()
      for await (const suite of this.#client.suites.list({ signal: this.#signal, limit: MOST_LISTED })) {
        if (suite.definition !== null) all.set(suite.name, suite)
      }
      return all
    })()
    return this.#pushed
  }

  async #unknown(name: string): Promise<WrongUseError> {
    // The list is for the hint only: without it the name is unknown all the same.
    const pushed = await this.#list().then(
      (all) => [...all.keys()],
      () => undefined,
    )
    const hint = didYouMean(name, [...(this.#file?.suites.keys() ?? []), ...(pushed ?? [])]) || few(pushed)
    const here = this.#file === undefined ? 'there is no verdict.yaml here' : `it is not in ${this.#file.path}`
    return new WrongUseError(
      `There is no suite "${name}": ${here}, and ${this.#client.url} has none of that name${hint}`,
    )
  }
}

function neverPushed(name: string): WrongUseError {
  return new WrongUseError(
    `Suite ${name} was never pushed, it is known only from runs that brought their own: push it with \`verdict suites push\`, or run it from a checkout that has it in its verdict.yaml`,
  )
}

function few(names: readonly string[] | undefined): string {
  if (names === undefined) return ''
  if (names.length === 0) return '; nothing was pushed there yet (`verdict suites push`)'
  return `; pushed are ${names.slice(0, 10).join(', ')}${names.length > 10 ? ` and ${names.length - 10} more` : ''}`
}
