export interface ArtifactRecord {
  path: string
  bytes: number
  sha256: string
}

/** Files that an attempt left behind; the bytes are blobs. */
export interface Artifacts {
  /** The same path again replaces it. Answers whether the attempt still holds its lease. */
  add(lease: { run: string; attempt: number }, artifact: ArtifactRecord): Promise<'accepted' | 'lost'>
  list(run: string, attempt: number): Promise<ArtifactRecord[]>
  get(run: string, attempt: number, path: string): Promise<ArtifactRecord | undefined>
  /** Removes artifacts of runs that finished before; answers the blobs that nothing needs any more. */
  removeOlder(finishedBefore: number, limit: number): Promise<string[]>
}
