import * as core from '@actions/core'
import { systemClock, systemRandom } from '../client/index.ts'
import { systemGit } from '../gate/git.ts'
import { neutral } from '../report/terminal.ts'
import { actionsTransport } from '../transport/actions/actions.ts'
import { cleanUp } from './cleanup.ts'
import type { Job } from './job.ts'
import { runStep } from './run.ts'
import type { Toolkit } from './toolkit.ts'

/** Main and post are one file: the first leaves a mark for the second. */
const POST_STATE = 'isPost'

const abort = new AbortController()
// GitHub sends SIGINT, SIGTERM 7.5 s later, and kills after 2.5 s more: the second must not end the clean-up of the first.
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => abort.abort(new Error(`The job was cancelled (${name})`)))
}

// The runner takes lines of the log for commands: what tests, names and servers say is never one.
const toolkit: Toolkit = { ...core, info: (text) => core.info(neutral(text)) }
const transport = actionsTransport()
const job: Job = {
  toolkit,
  env: process.env,
  workspace: process.env.GITHUB_WORKSPACE ?? process.cwd(),
  transport,
  clock: systemClock,
  random: systemRandom,
  git: systemGit,
  signal: abort.signal,
  async writeSummary(text) {
    await core.summary.addRaw(text).write()
  },
  setExitCode(code) {
    process.exitCode = code
  },
}

try {
  if (toolkit.getState(POST_STATE) === 'true') await cleanUp(job)
  else {
    toolkit.saveState(POST_STATE, 'true')
    await runStep(job)
  }
} finally {
  transport.close()
}
