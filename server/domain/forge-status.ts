import type { CallbackTarget } from '../store/ports/callbacks.ts'
import type { RunSnapshot } from '../store/ports/outbox.ts'

type Forge = Exclude<CallbackTarget, { kind: 'standard' }>

/** A run's state as each forge calls it. GitHub knows no "running", and neither knows a time-out. */
const STATES: Readonly<Record<RunSnapshot['state'], { github: string; gitlab: string; words: string }>> = {
  queued: { github: 'pending', gitlab: 'pending', words: 'waits for a worker' },
  running: { github: 'pending', gitlab: 'running', words: 'is running' },
  passed: { github: 'success', gitlab: 'success', words: 'passed' },
  failed: { github: 'failure', gitlab: 'failed', words: 'failed' },
  errored: { github: 'error', gitlab: 'failed', words: 'could not be judged' },
  timed_out: { github: 'failure', gitlab: 'failed', words: 'timed out' },
  cancelled: { github: 'error', gitlab: 'canceled', words: 'was cancelled' },
}
const COMMIT = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/
/** What GitHub takes of a description. */
const DESCRIPTION_MAX = 140

/**
 * The request that sets the commit's status, context `verdict/<suite>`; undefined when the run is of no commit of that
 * repository, or of a tree that was changed: a status is only for what was tested.
 */
export function forgeStatus(
  run: RunSnapshot,
  forge: Forge,
  publicUrl: string,
): { url: string; body: string } | undefined {
  // On GitHub a pull request builds a merge that nobody sees: its own commit is the one that is judged.
  const tested = run.source.kind === 'git' ? run.source.commit : undefined
  const commit = tested ?? run.ci.headCommit ?? run.ci.commit
  if (commit === undefined || !COMMIT.test(commit) || !wasTested(run) || !isOfRepository(run, forge)) return undefined
  const state = STATES[run.state]
  const context = `verdict/${run.suite}`
  const description = describe(run, state.words)
  const target = `${publicUrl}/v1/runs/${run.id}`
  if (forge.kind === 'github') {
    return {
      url: `${forge.apiUrl}/repos/${forge.repository}/statuses/${commit}`,
      body: JSON.stringify({ state: state.github, target_url: target, description, context }),
    }
  }
  return {
    url: `${forge.apiUrl}/projects/${encodeURIComponent(forge.project)}/statuses/${commit}`,
    body: JSON.stringify({ state: state.gitlab, target_url: target, description, name: context }),
  }
}

/** What the build sent is of its commit, as it is there: not changed, and not what was checked out in between. */
function wasTested({ ci, source }: RunSnapshot): boolean {
  if (source.dirty === true) return false
  // The commit of a stored suite is of the suite's own repository.
  return source.kind === 'stored' || source.commit === null || [ci.commit, ci.headCommit].includes(source.commit)
}

function isOfRepository({ ci }: RunSnapshot, forge: Forge): boolean {
  const named = forge.kind === 'github' ? forge.repository : forge.project
  // A project may be given by its number, which no build knows.
  if (ci.repository === undefined || /^\d+$/.test(named)) return true
  const path = ci.repository.replace(/\.git$/, '').toLowerCase()
  return path === named.toLowerCase() || path.endsWith(`/${named.toLowerCase()}`)
}

function describe(run: RunSnapshot, words: string): string {
  const { results, reason } = run
  const counts = results && results.total > 0 ? `: ${results.passed} of ${results.total} passed` : ''
  const why = counts === '' && reason ? `: ${reason.message}` : counts
  const text = `${run.suite} ${words}${why}`
  return text.length <= DESCRIPTION_MAX ? text : `${text.slice(0, DESCRIPTION_MAX - 1)}…`
}
