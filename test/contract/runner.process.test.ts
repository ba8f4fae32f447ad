import { detectRunner } from '../../worker/runner/detect.ts'
import { temporaryRunner } from '../support/runner-options.ts'
import { runnerContract } from './runner.contract.ts'

runnerContract('process', async () => {
  const { options, remove } = temporaryRunner({ choice: 'process', allowUnsandboxed: true })
  const { runner } = await detectRunner(options)
  return { runner: runner!, remove }
})
