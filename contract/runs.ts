import { type Static, Type } from 'typebox'
import { Results } from './cases.ts'
import { Closed, Nullable, Sha256, Time } from './fields.ts'
import { PageQuery } from './pages.ts'
import { RUN_STATES } from './reasons.ts'
import { DefinitionInput, SourceInput } from './suites.ts'

const Values = (valueLength: number) =>
  Type.Record(Type.String({ pattern: '^[A-Za-z_][A-Za-z0-9_]{0,127}$' }), Type.String({ maxLength: valueLength }), {
    maxProperties: 100,
    additionalProperties: false,
  })

/** What a CI system says of its build; any further string keys are kept as they are. */
export const CiFacts = Type.Object(
  {
    provider: Type.Optional(Type.String({ maxLength: 2000 })),
    repository: Type.Optional(Type.String({ maxLength: 2000 })),
    commit: Type.Optional(Type.String({ maxLength: 2000, description: 'what was checked out' })),
    headCommit: Type.Optional(Type.String({ maxLength: 2000, description: "the pull request's own commit" })),
    branch: Type.Optional(Type.String({ maxLength: 2000, description: "the head's" })),
    baseBranch: Type.Optional(Type.String({ maxLength: 2000 })),
    pullRequest: Type.Optional(Type.String({ maxLength: 2000 })),
    buildId: Type.Optional(Type.String({ maxLength: 2000 })),
    buildUrl: Type.Optional(Type.String({ maxLength: 2000 })),
  },
  { additionalProperties: Type.String({ maxLength: 2000 }), maxProperties: 50 },
)
export type CiFacts = Static<typeof CiFacts>

export const RunCreate = Closed({
  suite: Type.String({ minLength: 1, maxLength: 200 }),
  revision: Type.Optional(Type.Integer({ minimum: 1 })),
  definition: Type.Optional(DefinitionInput),
  source: Type.Optional(SourceInput),
  variables: Type.Optional(Values(32_768)),
  secrets: Type.Optional(Values(65_536)),
  timeoutSeconds: Type.Optional(Type.Integer({ minimum: 1, maximum: 86_400 })),
  queueTimeoutSeconds: Type.Optional(Type.Integer({ minimum: 1, maximum: 86_400 })),
  abandonAfterSeconds: Type.Optional(Type.Integer({ minimum: 30, maximum: 3600 })),
  callbackUrl: Type.Optional(Type.String({ maxLength: 2000 })),
  labels: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 200 }), { maxItems: 20 })),
  ci: Type.Optional(CiFacts),
})
export type RunCreate = Static<typeof RunCreate>

/** Body of a rerun: secrets that came with the run must be sent again. */
export const RunRerun = Closed({
  secrets: Type.Optional(Values(65_536)),
  abandonAfterSeconds: Type.Optional(Type.Integer({ minimum: 30, maximum: 3600 })),
})
export type RunRerun = Static<typeof RunRerun>

export const RunSource = Type.Object({
  kind: Type.Enum(['stored', 'upload', 'git']),
  digest: Sha256,
  repository: Nullable(Type.String()),
  commit: Nullable(Type.String()),
  dirty: Nullable(Type.Boolean()),
})
export type RunSource = Static<typeof RunSource>

export const RunReason = Type.Object({
  code: Type.String({ description: 'one of contract/reasons.ts; judge by `state` and `fault`' }),
  message: Type.String(),
  fault: Nullable(Type.Enum(['suite', 'service'])),
})
export type RunReason = Static<typeof RunReason>

export const TriggeredBy = Type.Object({
  kind: Type.Enum(['key', 'session', 'trust', 'trigger']),
  id: Type.String(),
  name: Type.String(),
  userId: Nullable(Type.String()),
})
export type TriggeredBy = Static<typeof TriggeredBy>

/** One execution of one definition of one suite. `version` rises when, and only when, this object changes. */
export const Run = Type.Object(
  {
    id: Type.String(),
    workspace: Type.String(),
    suite: Type.String(),
    revision: Nullable(Type.Integer()),
    source: RunSource,
    state: Type.Enum([...RUN_STATES]),
    version: Type.Integer(),
    attempt: Type.Integer(),
    url: Type.String(),
    webUrl: Nullable(Type.String()),
    createdAt: Time,
    startedAt: Nullable(Time),
    finishedAt: Nullable(Time),
    queuedMs: Nullable(Type.Integer()),
    durationMs: Nullable(Type.Integer()),
    results: Nullable(Results),
    reason: Nullable(RunReason),
    variables: Type.Record(Type.String(), Type.String()),
    labels: Type.Array(Type.String()),
    rerunOf: Nullable(Type.String()),
    triggeredBy: TriggeredBy,
    ci: CiFacts,
    artifacts: Type.Integer(),
  },
  { $id: 'Run' },
)
export type Run = Static<typeof Run>

/** Filters of the list of runs; several of one name are not taken. */
export const RunQuery = Closed({
  ...PageQuery,
  suite: Type.Optional(Type.String({ maxLength: 200 })),
  state: Type.Optional(Type.Enum([...RUN_STATES])),
  label: Type.Optional(Type.String({ maxLength: 200 })),
  commit: Type.Optional(Type.String({ maxLength: 200 })),
  branch: Type.Optional(Type.String({ maxLength: 2000 })),
  repository: Type.Optional(Type.String({ maxLength: 2000 })),
  since: Type.Optional(Time),
  until: Type.Optional(Time),
})
export type RunQuery = Static<typeof RunQuery>
