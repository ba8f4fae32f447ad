export interface LogChunk {
  attempt: number
  seq: number
  text: string
}

/** What a run's command printed, append-only. Commits are grouped: `append` resolves when its chunk is durable. */
export interface RunLog {
  /** A `seq` that is there already is dropped. */
  append(lease: { run: string; attempt: number }, seq: number, text: string): Promise<'accepted' | 'lost'>
  /** Chunks of the attempt in order, from after `afterSeq`, at most `limit`. */
  read(run: string, attempt: number, afterSeq: number, limit: number): Promise<LogChunk[]>
  /** Removes logs of runs that finished before. Answers of how many runs. */
  removeOlder(finishedBefore: number, limit: number): Promise<number>
}
