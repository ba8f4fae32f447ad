/** How much of the network a run may reach, from least to most (wire 7). */
export const NETWORKS = ['none', 'internet', 'host'] as const
export type Network = (typeof NETWORKS)[number]
