/** One request to an address that a user chose. */
export interface EgressRequest {
  readonly method: 'POST' | 'GET' | 'PUT'
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  /** Sent as these bytes. */
  readonly body?: string
  /** From the look-up of the name to the last byte that is read. */
  readonly timeoutMs: number
}

export interface EgressAnswer {
  readonly status: number
  /** Lower-case names; of a repeated header the first. */
  readonly headers: Readonly<Record<string, string>>
  /** The first 20 kB at most, as they came: nothing is decompressed. */
  readonly body: Uint8Array
  /** It came from an address that is refused unless the operator allows it: nothing of it is for users. */
  readonly fromPrivate: boolean
}

/**
 * - `refused`: the guard does not allow it; a repetition is refused, too, unless the name comes to mean something else
 * - `timeout`: it took longer than it may
 * - `failed`: no answer: no such name, no connection, a certificate that is not trusted, an answer that breaks off
 */
export type EgressFault = 'refused' | 'timeout' | 'failed'

/** Why there is no answer, in words for whoever chose the address. */
export class EgressError extends Error {
  override readonly name = 'EgressError'
  readonly code: EgressFault
  constructor(code: EgressFault, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}

/** The way out to addresses that users choose. Never follows a redirect, never goes through a proxy of the environment. */
export interface Egress {
  /** Rejects with an {@link EgressError}; any status is an answer. */
  send(request: EgressRequest): Promise<EgressAnswer>
  /** Breaks off what is under way. */
  close(): Promise<void>
}
