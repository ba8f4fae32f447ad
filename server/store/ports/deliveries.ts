import type { PageRequest } from './page.ts'

export interface DeliveryRecord {
  id: string
  workspace: string
  /** What is slow or broken together: a callback's id, or workspace and origin of a run's `callbackUrl`. */
  endpoint: string
  callback: string | null
  /** Where it goes: a run's `callbackUrl`, or a commit's status; null: to the callback's own address. */
  url: string | null
  /** The webhook-id: the same in every attempt. */
  event: string
  type: string
  run: string | null
  suite: string | null
  /** The bytes that are signed and sent. */
  body: string
  state: 'pending' | 'delivered' | 'failed'
  attempts: number
  /** Attempts since it was last asked for: by the event, or by somebody who wanted it again. */
  tries: number
  /** When it is due; while it is claimed, when it was due or when the claim ends. */
  nextAt: number | null
  lastStatus: number | null
  lastError: string | null
  createdAt: number
  finishedAt: number | null
}

export interface AttemptRecord {
  number: number
  at: number
  durationMs: number
  status: number | null
  error: string | null
  answer: string | null
}

/** How a claimed delivery goes on. `nextAt` null: it does not. */
export type Settlement =
  | { state: 'delivered' }
  | { state: 'pending'; nextAt: number }
  /** `blameless`: not because the endpoint is broken. */
  | { state: 'failed'; blameless?: true }

export interface Deliveries {
  get(id: string): Promise<DeliveryRecord | undefined>
  list(
    workspace: string,
    filter: { callback?: string; state?: DeliveryRecord['state'] },
    page: PageRequest,
  ): Promise<DeliveryRecord[]>
  /** In order. */
  attempts(id: string): Promise<AttemptRecord[]>
  /** Endpoints of which something is due, at most `limit`, in the order of their names from after that one. */
  dueEndpoints(after: string, limit: number): Promise<{ endpoint: string; workspace: string }[]>
  /** When the next one is due; undefined when none is pending. */
  nextDue(): Promise<number | undefined>
  /** The oldest due ones of the endpoint; nobody else gets them until `leaseMs` are over. */
  claim(endpoint: string, owner: string, leaseMs: number, limit: number): Promise<DeliveryRecord[]>
  /**
   * Notes the attempt and how it goes on, and how the callback stands (`failingSince`). False, and nothing done, when the
   * claim is over and another attempt was noted, or the delivery was ended meanwhile. Answers since when the callback fails.
   */
  settle(
    claimed: Pick<DeliveryRecord, 'id' | 'attempts'>,
    owner: string,
    attempt: Omit<AttemptRecord, 'number'>,
    next: Settlement,
  ): Promise<{ failingSince: number | null } | false>
  /** Due at once and from the first try on, whatever came of it before. `gone`: its callback is. */
  redeliver(id: string): Promise<DeliveryRecord | 'gone' | undefined>
  /** Adds one that no event made, due at once: a test. */
  add(
    delivery: Omit<
      DeliveryRecord,
      'state' | 'attempts' | 'tries' | 'nextAt' | 'lastStatus' | 'lastError' | 'createdAt' | 'finishedAt'
    >,
  ): Promise<DeliveryRecord>
  /** Gives up what a dead process had claimed. */
  releaseAllOf(owner: string): Promise<number>
  /** Removes what finished before, with its attempts. Answers how many. */
  removeOlder(finishedBefore: number, limit: number): Promise<number>
}
