import { type Static, Type } from 'typebox'
import { CASE_STATES } from './case-limits.ts'
import { Nullable } from './fields.ts'

/** One test case of a run's results. */
export const Case = Type.Object(
  {
    id: Type.Integer({ description: 'position in the results, from 1' }),
    name: Type.String(),
    classname: Nullable(Type.String()),
    testSuite: Nullable(Type.String()),
    file: Nullable(Type.String()),
    line: Nullable(Type.Integer()),
    state: Type.Enum([...CASE_STATES]),
    durationMs: Nullable(Type.Number()),
    message: Nullable(Type.String()),
    details: Nullable(Type.String()),
    flaky: Type.Boolean(),
  },
  { $id: 'Case' },
)
export type Case = Static<typeof Case>
/** A case before it has its place in the results. */
export type ReportedCase = Omit<Case, 'id'>

/** total = passed + failed + errored + skipped; flaky is a part of passed. */
export const Results = Type.Object({
  total: Type.Integer(),
  passed: Type.Integer(),
  failed: Type.Integer(),
  skipped: Type.Integer(),
  errored: Type.Integer(),
  flaky: Type.Integer(),
})
export type Results = Static<typeof Results>
