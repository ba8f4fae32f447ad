import { type Static, Type } from 'typebox'
import { CASE_LIMITS, CASE_STATES } from './case-limits.ts'
import { Results } from './cases.ts'
import { Nullable } from './fields.ts'
import { REASONS, type ReasonCode } from './reasons.ts'
import { Definition } from './suites.ts'
import { WORK_WAIT_MS_MAX } from './work-protocol.ts'
import { Label } from './workers.ts'

// The worker's side, `/v1/work/…`. Other than everywhere else unknown fields are let be: a newer worker may say more than
// this server knows, and is refused only when it would not work (the protocol's number).

const WaitMs = Type.Integer({ minimum: 0, maximum: WORK_WAIT_MS_MAX })
const Seq = Type.Integer({
  minimum: 1,
  description: 'rises by one from 1 within an attempt; a repeated one is dropped',
})

/** What a worker says of itself. */
const Facts = {
  protocol: Type.Integer({ description: 'contract/work-protocol.ts' }),
  version: Type.String({ minLength: 1, maxLength: 100 }),
  runner: Type.String({ minLength: 1, maxLength: 50 }),
  labels: Type.Array(Label, { maxItems: 100 }),
}
export const WorkerHello = Type.Object(Facts)
export type WorkerHello = Static<typeof WorkerHello>

/** Who the worker is to the server. */
export const WorkerWelcome = Type.Object({
  worker: Type.Object({ id: Type.String(), name: Type.String(), workspace: Nullable(Type.String()) }),
  protocol: Type.Integer(),
})
export type WorkerWelcome = Static<typeof WorkerWelcome>

export const WorkClaim = Type.Object({ ...Facts, waitMs: WaitMs })
export type WorkClaim = Static<typeof WorkClaim>

const Values = Type.Record(Type.String(), Type.String())
/** The commit to test, and how to come by it. */
const GitCheckout = Type.Object({
  url: Type.String(),
  commit: Type.String(),
  credential: Nullable(
    Type.String({ description: 'a token, `user:password` or, with ssh, a private key; not for the run itself' }),
  ),
  submodules: Type.Boolean(),
  hostKeys: Type.Optional(Type.Array(Type.String(), { description: "of ssh alone: the host's public keys" })),
})
/** A run to execute, with the lease under which it is. The one answer that holds a run's secrets. */
export const WorkJob = Type.Object({
  lease: Type.Object({ run: Type.String(), attempt: Type.Integer() }),
  suite: Type.String(),
  definition: Definition,
  timeoutSeconds: Type.Integer(),
  variables: Values,
  secrets: Values,
  commit: Nullable(Type.String()),
  branch: Nullable(Type.String()),
  pullRequest: Nullable(Type.String()),
  source: Type.Optional(GitCheckout),
})
/** `job` is null when none came in time. */
export const WorkClaimed = Type.Object({ job: Nullable(WorkJob) })
export type WorkClaimed = Static<typeof WorkClaimed>

export const WorkBeat = Type.Object({ waitMs: WaitMs })
export const WorkOrder = Type.Object({
  order: Type.Enum(['go_on', 'cancel', 'lost']),
  reason: Type.Optional(Type.Enum(['cancelled_by_user', 'abandoned'], { description: 'of `cancel`' })),
})
export type WorkOrder = Static<typeof WorkOrder>

/** Longer pieces of the log are cut by the worker, characters. */
const LOG_MAX_LENGTH = 300_000
export const WorkLog = Type.Object({ seq: Seq, text: Type.String({ maxLength: LOG_MAX_LENGTH }) })

/** They are cut by the worker (contract/case-limits.ts); masks may have made them a little longer. */
const Text = Type.String({ maxLength: 3 * CASE_LIMITS.details })
const ReportedCase = Type.Object(
  {
    name: Text,
    classname: Nullable(Text),
    testSuite: Nullable(Text),
    file: Nullable(Text),
    line: Nullable(Type.Integer()),
    state: Type.Enum([...CASE_STATES]),
    durationMs: Nullable(Type.Number()),
    message: Nullable(Text),
    details: Nullable(Text),
    flaky: Type.Boolean(),
  },
  // They are kept and shown as they are.
  { additionalProperties: false },
)
export const WorkCases = Type.Object({ seq: Seq, cases: Type.Array(ReportedCase, { maxItems: 500 }) })

export const WorkFinish = Type.Object({
  results: Nullable(Results),
  reason: Nullable(
    Type.Object({
      code: Type.Enum(Object.keys(REASONS) as ReasonCode[]),
      message: Type.String({ maxLength: 100_000 }),
    }),
  ),
})

/** `lost`: the run is another's, or has ended. `no_room`: of artifacts alone. */
export const WorkAnswer = Type.Object({ answer: Type.Enum(['accepted', 'lost', 'no_room']) })
export type WorkAnswer = Static<typeof WorkAnswer>
