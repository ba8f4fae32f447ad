import { type Static, Type } from 'typebox'
import { Closed, Nullable } from './fields.ts'
import { PageQuery } from './pages.ts'

const Day = Type.String({ format: 'date' })

/** What a user did on one day, UTC: what a bill is made of. Calls and exchanges are added within seconds. */
export const Usage = Type.Object(
  {
    day: Day,
    user: Type.String(),
    externalId: Nullable(Type.String()),
    exchanges: Type.Integer(),
    calls: Type.Integer(),
    runs: Type.Integer({ description: 'runs that were started' }),
    runSeconds: Type.Number({ description: 'how long the runs ran that were started on that day' }),
  },
  { $id: 'Usage' },
)
export type Usage = Static<typeof Usage>

/** `since` and `until` are days, the second one left out itself. */
export const UsageQuery = Closed({
  ...PageQuery,
  user: Type.Optional(Type.String({ maxLength: 100 })),
  key: Type.Optional(Type.String({ maxLength: 100 })),
  since: Type.Optional(Day),
  until: Type.Optional(Day),
})
export type UsageQuery = Static<typeof UsageQuery>
