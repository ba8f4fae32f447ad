import { describe } from 'vitest'
import { detectRunner } from '../../worker/runner/detect.ts'
import { temporaryRunner } from '../support/runner-options.ts'
import { missingForSandbox } from '../support/sandbox-tools.ts'
import { runnerContract } from './runner.contract.ts'

const missing = missingForSandbox()

describe.skipIf(missing)(missing ? `sandbox (skipped: ${missing})` : 'sandbox', () => {
  runnerContract('sandbox', async () => {
    const { options, remove } = temporaryRunner()
    const detected = await detectRunner(options)
    if (!detected.runner) throw new Error(detected.problem)
    return { runner: detected.runner, remove }
  })
})
