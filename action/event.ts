import { readFile } from 'node:fs/promises'
import type { Environment } from '../gate/ci-facts.ts'

/** What of GitHub's event decides whether a job gets secrets. */
export interface JobEvent {
  readonly name: string | undefined
  /** `owner/name` of the fork that a pull request comes from. */
  readonly fork: string | undefined
  readonly byDependabot: boolean
}

interface PullRequestEvent {
  readonly pull_request?: {
    readonly head?: { readonly repo?: { readonly full_name?: string } | null }
    readonly base?: { readonly repo?: { readonly full_name?: string } }
  }
}

/** Reads the event of the job; what cannot be read is unknown. */
export async function readEvent(env: Environment): Promise<JobEvent> {
  const event = await readJson(env.GITHUB_EVENT_PATH)
  const pull = event?.pull_request
  const base = pull?.base?.repo?.full_name ?? env.GITHUB_REPOSITORY
  // The repository of a pull request's head is null once it was deleted.
  const head = pull === undefined ? base : (pull.head?.repo?.full_name ?? 'a deleted fork')
  return {
    name: env.GITHUB_EVENT_NAME,
    fork: head === base ? undefined : head,
    byDependabot: env.GITHUB_ACTOR === 'dependabot[bot]',
  }
}

async function readJson(path: string | undefined): Promise<PullRequestEvent | undefined> {
  if (!path) return undefined
  try {
    const event: unknown = JSON.parse(await readFile(path, 'utf8'))
    return typeof event === 'object' && event !== null ? event : undefined
  } catch {
    return undefined
  }
}

/** What to say when there is no key: why that may be, and what to do. */
export function missingKey({ name, fork, byDependabot }: JobEvent): string {
  if (fork !== undefined && name !== 'pull_request_target') {
    return [
      `no \`api-key\`: this pull request comes from a fork (${fork}), and GitHub gives no secrets to those. Choices:`,
      '- leave the step out for forks: `if: github.event.pull_request.head.repo.full_name == github.repository`',
      '- test before the merge, where secrets are there: `on: merge_group`, or after it: `on: push`',
      '- let a maintainer push the branch into this repository once the change was read',
    ].join('\n')
  }
  if (byDependabot) {
    return 'no `api-key`: jobs of Dependabot get their own secrets only: add the key under Settings → Secrets and variables → Dependabot'
  }
  return 'no `api-key`: add a secret VERDICT_API_KEY (Settings → Secrets and variables → Actions) with a key that `verdict keys create ci` printed, and pass it: `api-key: ${{ secrets.VERDICT_API_KEY }}`. In a reusable workflow the caller must pass it on: `secrets: inherit`'
}
