import type { PageRequest } from './page.ts'

/** What a worker said of itself when it was last heard of. */
export interface WorkerFacts {
  labels: string[]
  runner: string
  version: string
}

export interface WorkerRecord {
  id: string
  /** Null: shared, it serves every workspace. */
  workspace: string | null
  name: string
  /** Given to it by who made it, beside those that it says of itself. */
  labels: string[]
  /** SHA-256 of its whole key, lower-case hex; unique. */
  digest: string
  start: string
  end: string
  createdBy: string
  createdAt: number
  revokedAt: number | null
  lastSeenAt: number | null
  said: WorkerFacts | null
}

export type NewWorkerRecord = Omit<WorkerRecord, 'createdAt' | 'revokedAt' | 'lastSeenAt' | 'said'>

/** Workers with a key of their own. The one inside a server is none of them. */
export interface Workers {
  create(worker: NewWorkerRecord): Promise<WorkerRecord>
  /** Revoked ones, too. */
  findByDigest(digest: string): Promise<WorkerRecord | undefined>
  get(id: string): Promise<WorkerRecord | undefined>
  /** Those of the workspace that are not revoked, and with `shared` those of all. */
  list(filter: { workspace: string; shared: boolean }, page: PageRequest): Promise<WorkerRecord[]>
  /** Sets `revokedAt` unless it is set, and is seen by {@link Revocations.changedSince}. */
  revoke(id: string): Promise<WorkerRecord | undefined>
  /** Notes that it was heard of, and what it said: at once when that is new, else at most every 10 s. */
  markSeen(id: string, said?: WorkerFacts): Promise<void>
  /** Those that are not revoked and were seen at or after that time. */
  seenSince(time: number, limit: number): Promise<WorkerRecord[]>
}
