/**
 * What only one process does at a time. A lease spares work; it is no lock: what is done under one must come to the same
 * when two do it, since its holder may be frozen past its end.
 */
export interface Leases {
  /** Takes the lease, or prolongs the owner's, for so long from now by the store's clock. False while another one has it. */
  acquire(name: LeaseName, owner: string, ms: number): Promise<boolean>
  /** Gives the owner's lease up, so that nobody has to wait for its end. */
  release(name: LeaseName, owner: string): Promise<void>
}
export type LeaseName = 'sweep'
