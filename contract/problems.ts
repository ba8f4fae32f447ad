import { type Static, Type } from 'typebox'

/** `application/problem+json` (RFC 9457): the body of every error below `/v1`. */
export const Problem = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String(),
    code: Type.String({ description: 'One of the closed table in contract/errors.ts' }),
    requestId: Type.String(),
    errors: Type.Optional(Type.Array(Type.Object({ path: Type.String(), message: Type.String() }))),
  },
  { $id: 'Problem' },
)
export type Problem = Static<typeof Problem>

/** RFC 6749 5.2: the body of every error below `/oauth`. */
export const OAuthProblem = Type.Object(
  { error: Type.String(), error_description: Type.String() },
  { $id: 'OAuthProblem' },
)
export type OAuthProblem = Static<typeof OAuthProblem>
