import type { TriggerKind } from '../../../contract/trigger-kinds.ts'
import type { SealedSecret } from './callbacks.ts'
import type { PageRequest } from './page.ts'

export interface TriggerRecord {
  id: string
  workspace: string
  suite: string
  kind: TriggerKind
  source: 'stored' | 'git'
  events: string[] | null
  branches: string[] | null
  repositories: string[] | null
  forks: boolean
  /** A fixed value, or where in the payload it is (JSON Pointer). */
  variables: Record<string, string | { pointer: string }>
  callbackUrl: string | null
  description: string | null
  secrets: SealedSecret[]
  disabled: boolean
  createdAt: number
  updatedAt: number
}

export type TriggerChange = Partial<
  Pick<
    TriggerRecord,
    'events' | 'branches' | 'repositories' | 'forks' | 'variables' | 'callbackUrl' | 'description' | 'disabled'
  >
>

export interface Triggers {
  create(trigger: Omit<TriggerRecord, 'createdAt' | 'updatedAt'>, max: number): Promise<TriggerRecord | 'too_many'>
  get(id: string): Promise<TriggerRecord | undefined>
  list(workspace: string, page: PageRequest): Promise<TriggerRecord[]>
  update(id: string, change: TriggerChange): Promise<TriggerRecord | undefined>
  /** Puts a new secret in front; the others end at `oldUntil` at the latest. */
  rotate(id: string, sealed: string, oldUntil: number): Promise<TriggerRecord | undefined>
  /** False when it was not there. */
  delete(id: string): Promise<boolean>
  /** The run that one of these tokens of a webhook started within 24 h. */
  runOf(trigger: string, tokens: readonly string[]): Promise<string | undefined>
  /** Notes which run a webhook started. */
  noteRun(trigger: string, tokens: readonly string[], run: string): Promise<void>
  /** Forgets tokens of more than 24 h ago. Answers how many. */
  expire(limit: number): Promise<number>
}
