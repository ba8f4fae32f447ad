import { makeProcessRunner, type ProcessRunnerOptions } from './process/process-runner.ts'
import type { Runner } from './runner.ts'
import { makeSandboxRunner, type SandboxRunnerOptions } from './sandbox/sandbox-runner.ts'

export interface RunnerOptions extends SandboxRunnerOptions, Omit<ProcessRunnerOptions, 'facts'> {
  /** VERDICT_RUNNER: `auto` is the sandbox if it works, else process if that is allowed, else none. */
  readonly choice: 'auto' | 'sandbox' | 'process' | 'none'
  /** VERDICT_ALLOW_UNSANDBOXED. */
  readonly allowUnsandboxed: boolean
}

export type Detected = { readonly runner: Runner } | { readonly runner: undefined; readonly problem: string }

const NOT_ALLOWED =
  'suites are run without a sandbox only where VERDICT_ALLOW_UNSANDBOXED=1 says so, for trusted suites on a machine of your own'

/** The runner that this machine can give, or why it can give none and what to do about it. Never rejects. */
export async function detectRunner(options: RunnerOptions): Promise<Detected> {
  const { choice, allowUnsandboxed } = options
  if (choice === 'none') return { runner: undefined, problem: 'VERDICT_RUNNER is none: this process runs no suites' }
  if (choice === 'process' && !allowUnsandboxed) {
    return { runner: undefined, problem: `VERDICT_RUNNER is process, but ${NOT_ALLOWED}` }
  }
  const facts: string[] = []
  if (choice !== 'process') {
    const sandbox = await attempt(makeSandboxRunner(options))
    if (sandbox.runner) return sandbox
    const problem = `no sandbox: ${sandbox.problem}`
    if (choice === 'sandbox') return { runner: undefined, problem }
    if (!allowUnsandboxed) return { runner: undefined, problem: `${problem}. Without one, ${NOT_ALLOWED}` }
    facts.push(problem)
  }
  return attempt(makeProcessRunner({ ...options, facts }))
}

async function attempt(making: Promise<Runner>): Promise<Detected> {
  try {
    return { runner: await making }
  } catch (error) {
    return { runner: undefined, problem: (error as Error).message }
  }
}
