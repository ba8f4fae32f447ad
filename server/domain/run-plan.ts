import { COMMIT, repositoryOfUrl } from '../../contract/git-source.ts'
import { SUITE_NAME } from '../../contract/names.ts'
import type { RunCreate, RunRerun } from '../../contract/runs.ts'
import type { Definition } from '../../contract/suites.ts'
import type { RunRecord } from '../store/ports/runs.ts'
import type { Store } from '../store/ports/store.ts'
import type { RevisionRecord } from '../store/ports/suites.ts'
import type { Archives } from './archives.ts'
import type { Caller } from './caller.ts'
import { declared } from './declared.ts'
import { type Ceilings, checkCeilings, type definitions } from './definitions.ts'
import { Problem } from './problem.ts'
import type { Suites } from './suites.ts'

/** What is to be run, once all is checked. */
export interface RunPlan {
  readonly suite: string
  readonly revision: number | null
  readonly definition: Definition
  readonly source: RunRecord['source']
  readonly stored: boolean
  readonly variables: Record<string, string>
  readonly secrets: Record<string, string>
  readonly timeoutSeconds: number
  readonly rerunOf: string | null
  /**
   * What was asked for, as an `Idempotency-Key` knows it again. Not what it came to: "the current revision, with its time
   * limit" is the same question after another push.
   */
  readonly asked: readonly (string | number | null)[]
}

export interface RunPlanOptions {
  readonly store: Store
  readonly archives: Archives
  readonly suites: Suites
  readonly resolve: ReturnType<typeof definitions>
  readonly ceilings: Ceilings
}

/** Finds out what a request means to run. Throws a {@link Problem} for all that is wrong with it but its secrets. */
export function runPlans(options: RunPlanOptions) {
  const { store, suites } = options

  async function planOf(caller: Caller, input: RunCreate): Promise<RunPlan> {
    const base = await (input.definition ? broughtPlan(caller, input) : storedPlan(caller, input))
    return {
      ...base,
      variables: declared(
        input.variables ?? {},
        Object.keys(base.definition.variables),
        'unknown_variable',
        'variable',
      ),
      secrets: declared(input.secrets ?? {}, base.definition.secrets, 'unknown_secret', 'secret'),
      timeoutSeconds: input.timeoutSeconds ?? base.definition.timeoutSeconds,
      rerunOf: null,
      asked: [
        base.suite,
        input.revision ?? null,
        input.definition ? base.source.digest : null,
        input.timeoutSeconds ?? null,
        ...(base.source.kind === 'git' ? [base.source.commit] : []),
      ],
    }
  }

  async function broughtPlan(caller: Caller, input: RunCreate) {
    if (!SUITE_NAME.test(input.suite)) {
      throw new Problem(
        'invalid_request',
        `"${input.suite.slice(0, 120)}" is not a suite name: [a-z0-9._-], at most one "/", at most 100 characters.`,
      )
    }
    if (input.revision !== undefined)
      throw new Problem('invalid_request', 'Send either a definition or a revision, not both.')
    const suite = await store.suites.get(caller.workspace, input.suite)
    if (suite?.locked)
      throw new Problem(
        'suite_locked',
        `The suite ${input.suite} is locked: it runs only what was pushed. Use --stored (send no definition).`,
      )
    if (input.definition?.source !== undefined)
      throw new Problem(
        'invalid_request',
        'A run that brings its definition brings its files, too: "source" is for suites that are pushed (verdict suites push).',
      )
    const { definition, digest } = await options.resolve(
      caller.workspace,
      input.definition as NonNullable<RunCreate['definition']>,
    )
    const repository = input.source?.repository ?? null
    const pushed = suite?.definition
    return {
      suite: input.suite,
      revision: null,
      stored: false,
      definition: pushed ? { ...definition, concurrency: pushed.concurrency, attempts: pushed.attempts } : definition,
      source: {
        kind: 'upload' as const,
        digest,
        repository,
        commit: input.source?.commit ?? null,
        dirty: input.source?.dirty ?? null,
      },
    }
  }

  async function storedPlan(caller: Caller, input: RunCreate) {
    const { suite, revision: current } = await suites.current(caller, input.suite)
    if (current === null) {
      throw new Problem(
        'unknown_suite',
        `The suite ${suite.name} was never pushed, so there is nothing stored to run. Push it (verdict suites push ${suite.name}), or run it from a tree that has it.`,
      )
    }
    const wanted = input.revision ?? current.revision
    if (suite.locked && wanted !== current.revision)
      throw new Problem(
        'suite_locked',
        `The suite ${suite.name} is locked: only its current revision ${current.revision} runs.`,
      )
    const revision =
      wanted === current.revision ? current : await store.suites.revision(caller.workspace, suite.name, wanted)
    if (!revision)
      throw new Problem(
        'not_found',
        `The suite ${suite.name} has no revision ${wanted}; the newest is ${current.revision}.`,
      )
    await requireRunnable(caller, revision.definition)
    return {
      suite: suite.name,
      revision: wanted,
      stored: true,
      definition: revision.definition,
      source: sourceOf(revision, input),
    }
  }

  /** What was allowed when it was pushed may be so no more. */
  async function requireRunnable(caller: Caller, definition: Definition): Promise<void> {
    checkCeilings(definition, options.ceilings)
    if (definition.archive !== null) await options.archives.needed(caller.workspace, definition.archive)
  }

  async function again(caller: Caller, old: RunRecord, input: RunRerun): Promise<RunPlan> {
    const suite = await store.suites.get(caller.workspace, old.suite)
    if (suite?.locked && old.revision !== suite.revision) {
      throw new Problem(
        'suite_locked',
        `The suite ${old.suite} is locked: only its current revision ${suite.revision} runs.`,
      )
    }
    await requireRunnable(caller, old.definition)
    return {
      suite: old.suite,
      revision: old.revision,
      definition: old.definition,
      source: old.source,
      stored: old.source.kind !== 'upload',
      variables: old.variables,
      secrets: declared(input.secrets ?? {}, old.definition.secrets, 'unknown_secret', 'secret'),
      timeoutSeconds: old.timeoutSeconds,
      rerunOf: old.id,
      asked: [old.id],
    }
  }

  return {
    /** A run as it was asked for. */
    of: planOf,
    /** The same as an earlier run. */
    again,
  }
}

/** What is tested: the files that were pushed, or the commit that the run names. */
function sourceOf({ definition, digest, source }: RevisionRecord, input: RunCreate): RunRecord['source'] {
  if (!definition.source) return { kind: 'stored', digest, ...source }
  const commit = input.source?.commit ?? input.ci?.commit
  if (commit == null || !COMMIT.test(commit)) {
    const named = commit == null ? 'the run names none' : `"${commit.slice(0, 70)}" is no full name of one`
    throw new Problem(
      'invalid_request',
      `The suite ${input.suite} tests a commit of ${repositoryOfUrl(definition.source.git)}, and ${named}: send its 40 (or 64) hexadecimal digits as source.commit or ci.commit.`,
    )
  }
  return { kind: 'git', digest, repository: repositoryOfUrl(definition.source.git), commit, dirty: false }
}
