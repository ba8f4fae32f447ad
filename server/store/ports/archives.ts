export interface ArchiveRecord {
  workspace: string
  sha256: string
  bytes: number
  /** Digest over the sorted (path, mode, sha256) of its files: what the tar says, not how it was packed. */
  filesDigest: string
  createdAt: number
  lastUsedAt: number
}

/** Which archives a workspace has; the bytes are blobs. */
export interface Archives {
  /** `quota`: the workspace's archives together would be over `quotaBytes`. Repeatable. */
  add(archive: Omit<ArchiveRecord, 'createdAt' | 'lastUsedAt'>, quotaBytes: number): Promise<ArchiveRecord | 'quota'>
  get(workspace: string, sha256: string): Promise<ArchiveRecord | undefined>
  /** Notes a use, so that it is kept another 14 days. */
  markUsed(workspace: string, sha256: string): Promise<void>
  /**
   * Removes up to `limit` archives that no revision names, no unfinished run needs, and nobody used since `unusedSince`.
   * Answers those whose blob no other workspace and no artifact needs.
   */
  removeUnused(unusedSince: number, limit: number): Promise<string[]>
}
