import { EventEmitter, once } from 'node:events'
import type { ReportedCase } from '../../contract/cases.ts'
import { canonicalDefinition } from '../../contract/definition.ts'
import type { DefinitionInput } from '../../contract/suites.ts'
import type { Acceptance, HeartbeatAnswer, Job, Lease, Outcome, Work, WorkerFacts } from '../../worker/work.ts'

/**
 * The server side of a worker in memory: it gives out the jobs that it was given, answers as the test says and records
 * all that it is told, by run. Repeated `seq`s are dropped, as the port promises.
 */
export class ScriptedWork implements Work {
  readonly runs = new Map<string, RecordedRun>()
  readonly claims: WorkerFacts[] = []
  /** While it is away every verb rejects. */
  away = false
  /** The packed trees, by run. */
  readonly archives = new Map<string, Uint8Array>()
  /** What `artifact` answers instead of keeping the file. */
  artifactAnswer: Acceptance | 'no_room' = 'accepted'
  readonly #queue: Job[] = []
  readonly #events = new EventEmitter().setMaxListeners(0)

  /** Queues a run. */
  add(job: Job): RecordedRun {
    const run = new RecordedRun(this.#events, job.lease.run)
    this.runs.set(job.lease.run, run)
    this.#queue.push(job)
    this.#events.emit('queued')
    return run
  }

  async claim(worker: WorkerFacts, waitMs: number, signal: AbortSignal): Promise<Job | undefined> {
    this.#reach()
    this.claims.push(worker)
    if (this.#queue.length === 0) await this.#hold('queued', waitMs, signal)
    return this.#queue.shift()
  }

  async heartbeat(lease: Lease, waitMs: number, signal: AbortSignal): Promise<HeartbeatAnswer> {
    this.#reach()
    const run = this.#run(lease)
    run.heartbeats++
    if (run.order.order === 'go_on') await this.#hold(`order ${lease.run}`, waitMs, signal)
    this.#reach()
    return run.order
  }

  async log(lease: Lease, seq: number, text: string): Promise<Acceptance> {
    return this.#take(lease, (run) => run.addLog(seq, text))
  }

  async cases(lease: Lease, seq: number, cases: readonly ReportedCase[]): Promise<Acceptance> {
    return this.#take(lease, (run) => run.addCases(seq, cases))
  }

  async archive(lease: Lease): Promise<AsyncIterable<Uint8Array> | undefined> {
    this.#reach()
    const archive = this.archives.get(lease.run)
    return archive && chunksOf(archive)
  }

  async artifact(lease: Lease, path: string, content: AsyncIterable<Uint8Array>): Promise<Acceptance | 'no_room'> {
    const chunks: Uint8Array[] = []
    if (this.artifactAnswer === 'accepted') for await (const chunk of content) chunks.push(chunk)
    const taken = this.#take(lease, (run) => run.artifacts.set(path, Buffer.concat(chunks)))
    return this.artifactAnswer === 'accepted' ? taken : this.artifactAnswer
  }

  async finish(lease: Lease, outcome: Outcome): Promise<Acceptance> {
    return this.#take(lease, (run) => run.end({ outcome }))
  }

  async release(lease: Lease): Promise<Acceptance> {
    return this.#take(lease, (run) => run.end({ released: true }))
  }

  /** Told at the next heartbeat, which is held and answered at once. */
  tell(run: string, order: HeartbeatAnswer): void {
    this.runs.get(run)!.order = order
    this.#events.emit(`order ${run}`)
  }

  #take(lease: Lease, record: (run: RecordedRun) => void): Acceptance {
    this.#reach()
    const run = this.#run(lease)
    if (run.order.order === 'lost') return 'lost'
    record(run)
    return 'accepted'
  }

  #run(lease: Lease): RecordedRun {
    return this.runs.get(lease.run)!
  }

  #reach(): void {
    if (this.away) throw new Error('the server is away')
  }

  async #hold(event: string, waitMs: number, signal: AbortSignal): Promise<void> {
    const enough = AbortSignal.any([signal, AbortSignal.timeout(waitMs)])
    await once(this.#events, event, { signal: enough }).catch(() => undefined)
  }
}

export interface Ending {
  readonly outcome?: Outcome
  readonly released?: boolean
}

export class RecordedRun {
  order: HeartbeatAnswer = { order: 'go_on' }
  heartbeats = 0
  readonly chunks: string[] = []
  readonly cases: ReportedCase[] = []
  readonly blocks: number[] = []
  readonly artifacts = new Map<string, Buffer>()
  /** All that ended it; more than one is a mistake. */
  readonly endings: Ending[] = []
  readonly #events: EventEmitter
  readonly #id: string

  constructor(events: EventEmitter, id: string) {
    this.#events = events
    this.#id = id
  }

  get text(): string {
    return this.chunks.join('')
  }

  addLog(seq: number, text: string): void {
    if (seq <= this.chunks.length) return
    if (seq !== this.chunks.length + 1) throw new Error(`log ${seq} after ${this.chunks.length}`)
    this.chunks.push(text)
    this.#events.emit(`log ${this.#id}`)
  }

  addCases(seq: number, cases: readonly ReportedCase[]): void {
    if (seq <= this.blocks.length) return
    this.blocks.push(cases.length)
    this.cases.push(...cases)
  }

  end(ending: Ending): void {
    this.endings.push(ending)
    this.#events.emit(`end ${this.#id}`)
  }

  /** Resolves when the log holds the text. */
  async printed(text: string): Promise<void> {
    while (!this.text.includes(text)) await once(this.#events, `log ${this.#id}`)
  }

  /** How it ended, once it has. */
  async ended(): Promise<Ending> {
    if (this.endings.length === 0) await once(this.#events, `end ${this.#id}`)
    return this.endings[0]!
  }
}

let jobs = 0

/** A job of a suite with this definition. */
export function jobOf(definition: Partial<DefinitionInput> & { run: string }, more: Partial<Job> = {}): Job {
  const canonical = canonicalDefinition(definition)
  return {
    lease: { run: `run_${++jobs}`, attempt: 1 },
    suite: 'smoke',
    definition: canonical,
    timeoutSeconds: canonical.timeoutSeconds,
    variables: canonical.variables,
    secrets: {},
    commit: null,
    branch: null,
    pullRequest: null,
    ...more,
  }
}

async function* chunksOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 1000) yield bytes.subarray(at, at + 1000)
}
