/**
 * Tells whoever waits on something that it changed. It carries no data: the listener reads the store. A wake may be lost
 * or come twice, so waiters look again by themselves every few seconds.
 */
export interface Wake {
  publish(topic: WakeTopic): void
  /** The answer ends the subscription. */
  subscribe(topic: WakeTopic, listener: () => void): () => void
  close(): void
}

/**
 * `run_…`: the run changed, or is to be stopped. `log:run_…`: there is more of its log. `queue`: there may be something
 * to claim.
 */
export type WakeTopic = `run_${string}` | `log:run_${string}` | 'queue'

/** The topic of a run. */
export const ofRun = (run: string): WakeTopic => run as WakeTopic
/** The topic of a run's log. */
export const ofLog = (run: string): WakeTopic => `log:${run}` as WakeTopic
