import type { Definition } from '../../../contract/suites.ts'
import type { PageRequest } from './page.ts'

export interface SuiteRecord {
  id: string
  workspace: string
  name: string
  /** Null until something was pushed: a suite known only from runs that brought their definition. */
  revision: number | null
  digest: string | null
  definition: Definition | null
  repository: string | null
  locked: boolean
  createdAt: number
  updatedAt: number
}

export interface RevisionRecord {
  id: string
  workspace: string
  suite: string
  revision: number
  digest: string
  definition: Definition
  source: { repository: string | null; commit: string | null; dirty: boolean | null }
  createdAt: number
  createdBy: string | null
}

export interface SuitePush {
  /** Ids to use if they are needed. */
  suiteId: string
  revisionId: string
  definition: Definition
  digest: string
  source: RevisionRecord['source']
  createdBy: string
  takeOver: boolean
  /** May unlock a locked suite. */
  owner: boolean
}

export interface Suites {
  /**
   * Makes or changes a suite. Equal digest: no new revision (`made` false). `other_repository`: the recorded repository
   * differs from the pushed one, both known, and `takeOver` was not said. `owner_needed`: it would unlock a locked suite.
   */
  push(
    workspace: string,
    name: string,
    push: SuitePush,
  ): Promise<
    | { suite: SuiteRecord; made: boolean }
    | { conflict: 'other_repository'; repository: string }
    | { conflict: 'owner_needed' }
  >
  /** Records name and repository of a suite that a run brought, if it is new. */
  record(workspace: string, name: string, id: string, repository: string | null): Promise<void>
  get(workspace: string, name: string): Promise<SuiteRecord | undefined>
  /** The suite with its newest revision (null: nothing was pushed), by one read. */
  current(workspace: string, name: string): Promise<{ suite: SuiteRecord; revision: RevisionRecord | null } | undefined>
  list(workspace: string, page: PageRequest): Promise<SuiteRecord[]>
  /** Every name of the workspace, at most 1,000: for near names. */
  names(workspace: string): Promise<string[]>
  revision(workspace: string, name: string, revision: number): Promise<RevisionRecord | undefined>
  revisions(workspace: string, name: string, page: PageRequest): Promise<RevisionRecord[]>
  /** Removes the suite, its revisions and its secrets. False when it was not there. */
  delete(workspace: string, name: string): Promise<boolean>
}
