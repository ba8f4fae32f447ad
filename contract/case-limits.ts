export const CASE_STATES = ['passed', 'failed', 'errored', 'skipped'] as const
export type CaseState = (typeof CASE_STATES)[number]

/** The longest texts of a case that are kept; what is longer ends with a mark. Characters. */
export const CASE_LIMITS = { name: 1000, message: 4000, details: 64_000 } as const
