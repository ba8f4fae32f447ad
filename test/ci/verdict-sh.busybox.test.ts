import { describe } from 'vitest'
import { skipReason } from '../support/ci-tools.ts'
import { verdictShContract } from './verdict-sh.contract.ts'

const skipped = skipReason('busybox', 'curl')

describe.skipIf(skipped !== '')(`verdict.sh under busybox sh${skipped}`, () => verdictShContract(['busybox', 'sh']))
