import { sendArtifacts } from './artifacts.ts'
import { type Ran, runCommands } from './commands.ts'
import { concernsOperator, judgeError, outcomeOf, timeLimit } from './ending.ts'
import { type Environment, environmentOf } from './environment.ts'
import { userOf } from './git-clone.ts'
import { fetchGitSource, type GitSetup } from './git-source.ts'
import { compileGlob } from './glob.ts'
import { Judged } from './judged.ts'
import { keepLease } from './lease-keeper.ts'
import { createLogSender } from './log-sender.ts'
import { createMasker, type Masker } from './masking.ts'
import { createOutput, type Output } from './output.ts'
import { noteAll, ResultsReading, type Tested } from './results.ts'
import { GivenUp, type Patience, untilAnswered } from './retry.ts'
import type { RunFolder, Runner } from './runner/runner.ts'
import { Stopped, type StopSwitch } from './stop-switch.ts'
import { fetchTree } from './tree-fetch.ts'
import type { GitCheckout, Job, Outcome, Work } from './work.ts'

interface Attempt {
  readonly job: Job
  /** Which of the worker's slots, from 0. */
  readonly slot: number
  readonly stops: StopSwitch
  readonly work: Work
  readonly runner: Runner
  readonly git: GitSetup
  readonly patience: Patience
  /** Aborted when the worker waits for the server no more. */
  readonly giveUp: AbortSignal
}

const LAST_LINES = 5

/**
 * One attempt at a run from its claim to its end: verdict handed in, or the run handed back, or nothing said because it is
 * lost. Never rejects: whatever goes wrong becomes a reason, or a line in the worker's log.
 */
export async function execute(attempt: Attempt): Promise<void> {
  const { job, stops, work, patience, giveUp } = attempt
  const silence = AbortSignal.any([stops.lost, giveUp])
  const keeper = keepLease(work, job.lease, stops, patience)
  const environment = environmentOf(job)
  // Secrets that no process is given cannot be printed, and would only fill memory here.
  const masker = createMasker(
    environment instanceof Judged ? [] : [...Object.values(job.secrets), ...credentialOf(job)],
  )
  const sender = createLogSender(
    (seq, text) => work.log(job.lease, seq, text),
    () => stops.request({ kind: 'lost' }),
    patience,
    silence,
  )
  const running = new Running({ ...attempt, environment, masker, output: createOutput(masker, sender), silence })
  try {
    await running.run()
    await running.handIn()
  } catch (error) {
    if (!(error instanceof GivenUp))
      patience.log.error({ err: error, run: job.lease.run }, 'a run could not be handed in')
  } finally {
    keeper.end()
    await running.close()
  }
}

/** Whole, and the password of a `user:password` alone. */
function credentialOf({ source }: Job): string[] {
  const credential = source?.credential?.trim()
  return credential ? [credential, userOf(credential)?.password ?? credential] : []
}

interface Parts extends Attempt {
  readonly environment: Environment | Judged
  readonly masker: Masker
  readonly output: Output
  /** Aborted when nobody listens any more. */
  readonly silence: AbortSignal
}

class Running {
  readonly #parts: Parts
  #folder: RunFolder | undefined
  #ran: Ran | undefined
  #tested: Tested | undefined
  #failure: Judged | undefined

  constructor(parts: Parts) {
    this.#parts = parts
  }

  async run(): Promise<void> {
    try {
      await this.#stages()
    } catch (error) {
      const { stops, patience, job } = this.#parts
      if (error instanceof Stopped || error instanceof GivenUp) return
      this.#failure = judgeError(error)
      if (concernsOperator(this.#failure)) {
        patience.log.error({ err: error, run: job.lease.run }, 'a run could not be executed')
      }
      if (!stops.stop) stops.settle()
    }
  }

  async #stages(): Promise<void> {
    const { slot, runner, work, patience, stops, output, silence } = this.#parts
    const { definition, lease, source } = this.#parts.job
    if (this.#parts.environment instanceof Judged) throw this.#parts.environment
    const folder = await runner.open({ slot, network: definition.network, limits: definition.limits })
    this.#folder = folder
    stops.check()
    const until = AbortSignal.any([stops.signal, silence])
    if (definition.archive !== null) await fetchTree(work, lease, folder.path, patience, until)
    const job = source ? await this.#sourced(source, folder, until) : this.#parts.job
    const environment = environmentOf(job)
    if (environment instanceof Judged) throw environment
    await folder.handOver()
    stops.check()
    const reading = new ResultsReading({ job, folder, work, output, patience, stops, signal: silence })
    const beforeTests = () => reading.beforeTests()
    this.#ran = await runCommands(job, { folder, environment, output, stops, clock: patience.clock, beforeTests })
    // From here on the verdict is known but for what the report says.
    if (!stops.stop) stops.settle()
    const stop = stops.stop
    if (stop && stop.kind !== 'timeout') return
    if (stop) output.note(`stopped: the time limit of ${timeLimit(job.timeoutSeconds)} was reached`)
    const ended = !stop && this.#ran.command && !this.#ran.command.limit
    if (ended || (this.#ran.command && reading.globs.length > 0)) this.#tested = await reading.afterTests(this.#ran)
    await this.#artifacts(job, folder, reading)
  }

  async #sourced(source: GitCheckout, folder: RunFolder, signal: AbortSignal): Promise<Job> {
    const { job, slot, runner, git, patience, output } = this.#parts
    return fetchGitSource(job, source, { runner, git, slot, folder, output, clock: patience.clock, signal })
  }

  async #artifacts(job: Job, folder: RunFolder, reading: ResultsReading): Promise<void> {
    const { work, patience, stops, masker, output, silence } = this.#parts
    const globs = job.definition.artifacts.map((pattern) => compileGlob(pattern, { folders: true }))
    if (globs.length === 0) return
    const notes = await sendArtifacts(folder.path, globs, {
      masker,
      reports: reading.globs,
      send: async (path, content) => {
        const call = () => work.artifact(job.lease, path, content())
        const answer = await untilAnswered('artifact', call, patience, silence)
        if (answer === 'lost') stops.request({ kind: 'lost' })
        return answer
      },
    })
    noteAll(output, notes)
  }

  /** Says how the attempt ended, once everything that belongs to it was handed in. */
  async handIn(): Promise<void> {
    const { job, work, patience, stops, output, silence } = this.#parts
    const stop = stops.stop?.kind
    if (stop === 'lost') return
    const back = stop === 'handed_back' || stop === 'cut_off'
    if (back) output.note('the worker could not go on with this run; it goes back into the queue')
    await output.end()
    const say = () => (back ? work.release(job.lease) : work.finish(job.lease, this.#outcome()))
    const answer = await untilAnswered(back ? 'release' : 'finish', say, patience, silence)
    if (answer === 'lost')
      patience.log.info({ run: job.lease.run }, 'a run ended elsewhere before its verdict was handed in')
  }

  #outcome(): Outcome {
    const { stops, job, output, masker } = this.#parts
    return outcomeOf({
      ran: this.#ran,
      tested: this.#tested,
      stop: stops.stop,
      failure: this.#failure,
      timeoutSeconds: job.timeoutSeconds,
      lastLines: output.recentLines(LAST_LINES),
      mask: (text) => masker.text(text),
    })
  }

  async close(): Promise<void> {
    const { patience, job } = this.#parts
    await this.#folder?.close().catch((error: unknown) => {
      patience.log.error({ err: error, run: job.lease.run }, 'the folder of a run could not be removed')
    })
  }
}
