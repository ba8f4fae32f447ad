import { describe } from 'vitest'
import { skipReason } from '../support/ci-tools.ts'
import { verdictShContract } from './verdict-sh.contract.ts'

const skipped = skipReason('bash', 'curl')

describe.skipIf(skipped !== '')(`verdict.sh under bash${skipped}`, () => verdictShContract(['bash']))
