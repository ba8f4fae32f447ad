import { type Static, Type } from 'typebox'
import { Closed, Nullable, Time } from './fields.ts'

/** A label of a worker, as a suite's `runsOn` has it. */
export const Label = Type.String({ pattern: '^[a-z0-9][a-z0-9._-]{0,62}$' })

export const WorkerCreate = Closed({
  name: Type.String({ minLength: 1, maxLength: 100 }),
  labels: Type.Optional(
    Type.Array(Label, {
      maxItems: 20,
      uniqueItems: true,
      description: 'beside those that the worker says of itself (VERDICT_WORKER_LABELS)',
    }),
  ),
  shared: Type.Optional(Type.Boolean({ description: 'serves every workspace; needs the scope `admin`' })),
})
export type WorkerCreate = Static<typeof WorkerCreate>

/** A process on some machine that executes runs, with a key of its own. */
export const Worker = Type.Object(
  {
    id: Type.String(),
    name: Type.String(),
    workspace: Nullable(Type.String({ description: 'null: shared' })),
    shared: Type.Boolean(),
    labels: Type.Array(Type.String(), { description: 'given to it, and said by itself when it was last seen' }),
    start: Type.String({ description: 'the first 8 characters of its key' }),
    end: Type.String({ description: 'the last 4 characters of its key' }),
    createdAt: Time,
    createdBy: Type.String({ description: 'user id' }),
    lastSeenAt: Nullable(Time),
    version: Nullable(Type.String()),
    runner: Nullable(Type.String({ description: 'how it isolates suites' })),
    running: Type.Array(Type.Object({ run: Type.String(), suite: Type.String(), attempt: Type.Integer() })),
  },
  { $id: 'Worker' },
)
export type Worker = Static<typeof Worker>

/** The only answer that holds the worker's key. */
export const NewWorker = Type.Object({ ...Worker.properties, key: Type.String() }, { $id: 'NewWorker' })
export type NewWorker = Static<typeof NewWorker>
