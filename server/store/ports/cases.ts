import type { CaseState } from '../../../contract/case-limits.ts'
import type { Case, ReportedCase } from '../../../contract/cases.ts'

/** The cases of an attempt, in the order of the report; ids count from 1. */
export interface Cases {
  /** One block of at most 500; a `seq` that is there already is dropped. */
  append(
    lease: { run: string; attempt: number },
    seq: number,
    cases: readonly ReportedCase[],
  ): Promise<'accepted' | 'lost'>
  /** In order, from after the case of id `afterId`. */
  list(run: string, attempt: number, query: { state?: CaseState; afterId: number; limit: number }): Promise<Case[]>
}
