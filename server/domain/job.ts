import type { Job } from '../../worker/work.ts'
import type { RunRecord } from '../store/ports/runs.ts'
import type { Vault } from '../vault/vault.ts'

/** A run as its worker gets it. Undefined when the run's secrets cannot be opened: they were sealed under another secret key. */
export function jobOf(run: RunRecord, vault: Vault): Job | undefined {
  const opened = openSecrets(run, vault)
  if (!opened) return undefined
  const { source } = run.definition
  // The credential is for the fetch, and never among what the run is given.
  const { [source?.credential ?? '']: credential = null, ...secrets } = opened
  return {
    lease: { run: run.id, attempt: run.attempt },
    suite: run.suite,
    definition: run.definition,
    timeoutSeconds: run.timeoutSeconds,
    variables: { ...run.definition.variables, ...run.variables },
    secrets,
    commit: run.ci.commit ?? run.source.commit,
    branch: run.ci.branch ?? null,
    pullRequest: run.ci.pullRequest ?? null,
    ...(source && {
      source: {
        ...{ url: source.git, commit: run.source.commit ?? '', credential, submodules: source.submodules },
        ...(source.hostKeys && { hostKeys: source.hostKeys }),
      },
    }),
  }
}

function openSecrets(run: RunRecord, vault: Vault): Record<string, string> | undefined {
  if (run.sealedSecrets === null) return {}
  try {
    return JSON.parse(vault.open(run.sealedSecrets, `run-secrets/${run.id}`)) as Record<string, string>
  } catch {
    return undefined
  }
}
