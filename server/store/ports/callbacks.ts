import type { EventType } from '../../../contract/webhook-events.ts'
import type { PageRequest } from './page.ts'

export type CallbackTarget =
  | { kind: 'standard'; url: string }
  | { kind: 'github'; repository: string; apiUrl: string }
  | { kind: 'gitlab'; project: string; apiUrl: string }

/** Sealed by the vault; `until` null: the present one. For GitHub and GitLab it is their token. */
export interface SealedSecret {
  sealed: string
  until: number | null
}

export interface CallbackRecord {
  id: string
  workspace: string
  target: CallbackTarget
  events: EventType[]
  /** Null: all. Exact, or with `*`. */
  suites: string[] | null
  branches: string[] | null
  description: string | null
  /** The present one first; the others go on signing until their time. */
  secrets: SealedSecret[]
  /** Since when every attempt failed; null when the last one did not. */
  failingSince: number | null
  disabledAt: number | null
  disabledReason: string | null
  createdAt: number
  updatedAt: number
}

export type NewCallback = Pick<
  CallbackRecord,
  'id' | 'workspace' | 'target' | 'events' | 'suites' | 'branches' | 'description' | 'secrets'
>
export type CallbackChange = Partial<
  Pick<CallbackRecord, 'target' | 'events' | 'suites' | 'branches' | 'description' | 'secrets'>
>

export interface Callbacks {
  create(callback: NewCallback, max: number): Promise<CallbackRecord | 'too_many'>
  get(id: string): Promise<CallbackRecord | undefined>
  list(workspace: string, page: PageRequest): Promise<CallbackRecord[]>
  /** Those of the workspace that are not disabled. */
  active(workspace: string): Promise<CallbackRecord[]>
  update(id: string, change: CallbackChange): Promise<CallbackRecord | undefined>
  /** Puts a new secret in front; the others end at `oldUntil` at the latest. */
  rotate(id: string, sealed: string, oldUntil: number): Promise<CallbackRecord | undefined>
  /**
   * Ends it, unless it is: what is still to be delivered fails, and `callback.disabled` goes into the outbox. Answers
   * whether it was active until now.
   */
  disable(id: string, reason: string): Promise<boolean>
  /** Takes it into use again, with a clean slate. */
  enable(id: string): Promise<CallbackRecord | undefined>
  /** Removes it; what was still to be delivered fails. False when it was not there. */
  delete(id: string): Promise<boolean>
  /** The secrets that sign what goes to the `callbackUrl` of a run; `sealed` is kept as the first one where there is none. */
  workspaceSecrets(workspace: string, sealed: string): Promise<SealedSecret[]>
  /** Answers whether there was one before. */
  rotateWorkspaceSecret(workspace: string, sealed: string, oldUntil: number): Promise<boolean>
}
