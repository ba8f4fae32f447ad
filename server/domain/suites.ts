import { SUITE_NAME } from '../../contract/names.ts'
import type { Page } from '../../contract/pages.ts'
import type { Revision, Suite, SuitePut } from '../../contract/suites.ts'
import { didYouMean } from '../../tree/near-names.ts'
import type { PageRequest } from '../store/ports/page.ts'
import type { Store } from '../store/ports/store.ts'
import type { RevisionRecord, SuiteRecord } from '../store/ports/suites.ts'
import { type Caller, mayUseSuite, requireSuite } from './caller.ts'
import type { definitions } from './definitions.ts'
import type { NewId } from './ids.ts'
import { pageOf } from './paging.ts'
import { Problem } from './problem.ts'

/** Suites of a workspace and what was pushed of them. */
export interface Suites {
  /** Makes or changes a suite; equal content makes no new revision (`made` false). */
  push(caller: Caller, name: string, input: SuitePut): Promise<{ suite: Suite; made: boolean }>
  get(caller: Caller, name: string): Promise<Suite>
  list(caller: Caller, page: PageRequest): Promise<Page<Suite>>
  revisions(caller: Caller, name: string, page: PageRequest): Promise<Page<Revision>>
  delete(caller: Caller, name: string): Promise<void>
  /** The suite's record; throws `unknown_suite` with near names. */
  known(caller: Caller, name: string): Promise<SuiteRecord>
  /** {@link known} with the newest revision, if anything was pushed. */
  current(caller: Caller, name: string): Promise<{ suite: SuiteRecord; revision: RevisionRecord | null }>
}

export function suites(options: { store: Store; newId: NewId; resolve: ReturnType<typeof definitions> }): Suites {
  const { store, newId } = options

  async function isOwner(caller: Caller): Promise<boolean> {
    return (await store.memberships.get(caller.user, caller.workspace))?.role === 'owner'
  }

  /** What is found of the name, for a caller who may see it. */
  async function find<T>(caller: Caller, name: string, get: (workspace: string) => Promise<T | undefined>): Promise<T> {
    const found = SUITE_NAME.test(name) && mayUseSuite(caller, name) ? await get(caller.workspace) : undefined
    if (found) return found
    const names = (await store.suites.names(caller.workspace)).filter((other) => mayUseSuite(caller, other))
    throw new Problem(
      'unknown_suite',
      `There is no suite "${name.slice(0, 100)}" in this workspace${didYouMean(name.slice(0, 100), names)}.`,
    )
  }

  const known = (caller: Caller, name: string) => find(caller, name, (workspace) => store.suites.get(workspace, name))

  return {
    known,
    current: (caller, name) => find(caller, name, (workspace) => store.suites.current(workspace, name)),
    async push(caller, name, input) {
      if (!SUITE_NAME.test(name)) {
        throw new Problem(
          'invalid_request',
          `"${name.slice(0, 120)}" is not a suite name: [a-z0-9._-], at most one "/", at most 100 characters.`,
        )
      }
      requireSuite(caller, name)
      const { definition, digest } = await options.resolve(caller.workspace, input.definition)
      const source = {
        repository: input.source?.repository ?? null,
        commit: input.source?.commit ?? null,
        dirty: input.source?.dirty ?? null,
      }
      const pushed = await store.suites.push(caller.workspace, name, {
        suiteId: newId('revision'),
        revisionId: newId('revision'),
        definition,
        digest,
        source,
        createdBy: caller.user,
        takeOver: input.takeOver ?? false,
        owner: await isOwner(caller),
      })
      if ('suite' in pushed) return { suite: suiteView(pushed.suite), made: pushed.made }
      if (pushed.conflict === 'owner_needed')
        throw new Problem('owner_needed', `The suite ${name} is locked. Only an owner of the workspace may unlock it.`)
      throw new Problem(
        'suite_of_other_repository',
        `The suite ${name} was pushed from ${pushed.repository}, and this push is from ${source.repository}. Give it another name (project: in verdict.yaml), or say takeOver (verdict suites push --take-over).`,
      )
    },
    get: async (caller, name) => suiteView(await known(caller, name)),
    async list(caller, page) {
      const records = await store.suites.list(caller.workspace, { ...page, limit: page.limit + 1 })
      const listed = pageOf(records, page.limit, (record) => record)
      return {
        items: listed.items.filter((record) => mayUseSuite(caller, record.name)).map(suiteView),
        next: listed.next,
      }
    },
    async revisions(caller, name, page) {
      await known(caller, name)
      return pageOf(
        await store.suites.revisions(caller.workspace, name, { ...page, limit: page.limit + 1 }),
        page.limit,
        revisionView,
      )
    },
    async delete(caller, name) {
      const suite = await known(caller, name)
      if (suite.locked && !(await isOwner(caller)))
        throw new Problem('owner_needed', `The suite ${name} is locked. Only an owner of the workspace may delete it.`)
      await store.suites.delete(caller.workspace, name)
    },
  }
}

function suiteView(suite: SuiteRecord): Suite {
  return {
    name: suite.name,
    revision: suite.revision,
    digest: suite.digest,
    definition: suite.definition,
    repository: suite.repository,
    locked: suite.locked,
    createdAt: new Date(suite.createdAt).toISOString(),
    updatedAt: new Date(suite.updatedAt).toISOString(),
  }
}

function revisionView(revision: RevisionRecord): Revision {
  const { id: _id, workspace: _workspace, createdAt, ...shown } = revision
  return { ...shown, createdAt: new Date(createdAt).toISOString() }
}
