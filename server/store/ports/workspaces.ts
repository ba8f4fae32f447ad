import type { Role } from '../../../contract/scopes.ts'
import type { PageRequest } from './page.ts'

export interface WorkspaceRecord {
  id: string
  name: string
  createdAt: number
}

/** What people share. */
export interface Workspaces {
  /** Makes it with its first owner. */
  create(workspace: { id: string; name: string; owner: string }): Promise<WorkspaceRecord>
  /** A deleted one is not there any more. */
  get(id: string): Promise<WorkspaceRecord | undefined>
  listOf(user: string, page: PageRequest): Promise<(WorkspaceRecord & { role: Role })[]>
  rename(id: string, name: string): Promise<WorkspaceRecord | undefined>
  /** Ends it for everybody at once: no members, no good keys, no invitations. What it holds is removed by and by. */
  delete(id: string): Promise<boolean>
  /** Deleted ones that still hold something, oldest first. */
  deleted(limit: number): Promise<string[]>
  /**
   * Removes a part of what a deleted workspace holds; its runs must have ended. Answers blobs that nothing needs any more,
   * and whether nothing is left.
   */
  removeContents(id: string, limit: number): Promise<{ done: boolean; blobs: string[] }>
}
