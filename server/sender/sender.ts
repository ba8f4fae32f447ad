export interface SendRequest {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  /** Sent as these bytes. */
  readonly body: string
}

/** What came of one attempt; a fault is in words for whoever chose the address. */
export type Sent =
  | {
      readonly status: number
      readonly retryAfter: string | undefined
      /** The first 2 kB as text; null when it is none. */
      readonly answer: string | null
      /** It came from a private address: its text must not be kept or shown. */
      readonly confidential: boolean
    }
  | { readonly fault: 'refused' | 'timeout' | 'failed'; readonly message: string }

/** One POST with a time limit of 15 s and no redirects. Never rejects. */
export interface Sender {
  send(request: SendRequest): Promise<Sent>
  /** Breaks off what is under way. */
  close(): Promise<void>
}
