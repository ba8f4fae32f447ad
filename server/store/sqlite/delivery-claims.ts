interface Claim {
  readonly endpoint: string
  readonly owner: string
  /** Milliseconds since 1970. */
  readonly until: number
}

/**
 * Who sends which delivery, in memory and not on disk: the folder is this process's alone, and what it had claimed when it
 * died is due as it was. So nothing is written before something is sent.
 */
export class DeliveryClaims {
  /** By the delivery's id, in the order in which they were made. */
  readonly #claims = new Map<string, Claim>()
  readonly #counts = new Map<string, number>()

  get size(): number {
    return this.#claims.size
  }

  has(id: string): boolean {
    return this.#claims.has(id)
  }

  ownerOf(id: string): string | undefined {
    return this.#claims.get(id)?.owner
  }

  /** How many there are of the endpoint. */
  countOf(endpoint: string): number {
    return this.#counts.get(endpoint) ?? 0
  }

  add(id: string, claim: Claim): void {
    this.#claims.set(id, claim)
    this.#counts.set(claim.endpoint, this.countOf(claim.endpoint) + 1)
  }

  release(id: string): void {
    const claim = this.#claims.get(id)
    if (!claim) return
    this.#claims.delete(id)
    const left = this.countOf(claim.endpoint) - 1
    if (left > 0) this.#counts.set(claim.endpoint, left)
    else this.#counts.delete(claim.endpoint)
  }

  /** Those that are over. All last equally long, so the first ones are over first. */
  expire(now: number): void {
    for (const [id, { until }] of this.#claims) {
      if (until > now) return
      this.release(id)
    }
  }

  /** Answers how many. */
  releaseAllOf(owner: string): number {
    const own = [...this.#claims].filter(([, claim]) => claim.owner === owner)
    for (const [id] of own) this.release(id)
    return own.length
  }
}
