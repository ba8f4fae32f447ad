/** Bytes by their SHA-256: archives and artifacts. Adapters: `folder/`, later GridFS; both pass `test/contract/blobs.contract.ts`. */
export interface Blobs {
  /**
   * Keeps the content and tells its digest (lower-case hex) and size in bytes. All or nothing, durable when it resolves,
   * repeatable. Rejects with a {@link BlobError}; whatever else it rejects with is an outage.
   */
  put(
    content: AsyncIterable<Uint8Array>,
    options: { expected?: string; maxBytes: number },
  ): Promise<{ sha256: string; bytes: number }>
  /** The content, or undefined when it is not there. */
  get(sha256: string): Promise<{ bytes: number; content: AsyncIterable<Uint8Array> } | undefined>
  has(sha256: string): Promise<boolean>
  /**
   * No error when it is not there. With `unlessPutWithinMs` a blob that was put lately (also again) stays: whoever put it
   * may be about to record that it is needed.
   */
  delete(sha256: string, options?: { unlessPutWithinMs: number }): Promise<void>
  /** Free room, bytes; Infinity when unknown. */
  freeBytes(): Promise<number>
}

export class BlobError extends Error {
  override readonly name = 'BlobError'
  readonly code: 'too_large' | 'digest_mismatch' | 'no_room'
  constructor(code: BlobError['code'], message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}
