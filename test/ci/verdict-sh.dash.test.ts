import { describe } from 'vitest'
import { skipReason } from '../support/ci-tools.ts'
import { verdictShContract } from './verdict-sh.contract.ts'

const skipped = skipReason('dash', 'curl')

describe.skipIf(skipped !== '')(`verdict.sh under dash${skipped}`, () => verdictShContract(['dash']))
