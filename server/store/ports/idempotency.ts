/** Answers to `Idempotency-Key` on everything but runs, which carry theirs themselves. */
export interface Idempotency {
  /**
   * Takes the key for this meaning. `reserved`: go on and `complete` or `release`. `in_progress`: another request of the same
   * meaning is under way (a reservation older than 60 s is free again). `reused`: it was taken for another meaning.
   */
  reserve(scope: IdempotencyScope, meaning: string): Promise<'reserved' | 'in_progress' | 'reused' | CompletedAnswer>
  /** Keeps the answer, and its body for so much shorter a time. */
  complete(scope: IdempotencyScope, answer: NewAnswer, keep: { answerMs: number; bodyMs: number }): Promise<void>
  release(scope: IdempotencyScope): Promise<void>
  /** Forgets the sealed answers that hold this key's secret: it was used, so it arrived. */
  eraseSecretOf(keyId: string): Promise<void>
  /** Forgets what is over: answers, and bodies of answers that are still kept. Answers how many, of each at most `limit`. */
  expire(limit: number): Promise<number>
}

export interface IdempotencyScope {
  readonly workspace: string
  /** Who asked: a secret-bearing answer is replayed to the same caller only, so it is a part of the key. */
  readonly caller: string
  readonly key: string
}

export interface CompletedAnswer {
  readonly status: number
  /** The body, sealed by the vault; null once it was erased or its time is over. */
  readonly sealedBody: string | null
  /** What was made, where its secret is in the body. */
  readonly secretOf: string | null
  readonly completedAt: number
}
export type NewAnswer = Omit<CompletedAnswer, 'completedAt'>
