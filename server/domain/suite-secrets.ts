import { isReservedName, VARIABLE_NAME } from '../../contract/names.ts'
import type { SecretName } from '../../contract/suites.ts'
import type { Store } from '../store/ports/store.ts'
import type { SuiteSecretRecord } from '../store/ports/suite-secrets.ts'
import type { Vault } from '../vault/vault.ts'
import type { Caller } from './caller.ts'
import { Problem } from './problem.ts'
import type { Suites } from './suites.ts'

/** Values that only runs of a pushed definition get; nobody reads them back. */
export interface SuiteSecrets {
  put(caller: Caller, suite: string, name: string, value: string): Promise<SecretName>
  list(caller: Caller, suite: string): Promise<SecretName[]>
  delete(caller: Caller, suite: string, name: string): Promise<void>
  /** The values of the names that are kept; for the server's own use. */
  values(workspace: string, suite: string, names: readonly string[]): Promise<Record<string, string>>
}

export function suiteSecrets(options: { store: Store; vault: Vault; suites: Suites }): SuiteSecrets {
  const { store, vault, suites } = options
  const context = (workspace: string, suite: string, name: string) => `suite-secret/${workspace}/${suite}/${name}`

  return {
    async put(caller, suite, name, value) {
      if (!VARIABLE_NAME.test(name))
        throw new Problem(
          'invalid_request',
          `"${name.slice(0, 130)}" is not a name for a secret: letters, digits and _, as for an environment variable.`,
        )
      if (isReservedName(name))
        throw new Problem('reserved_name', `The name ${name} is reserved: a run may not set it.`)
      await suites.known(caller, suite)
      return secretView(
        await store.suiteSecrets.put(
          caller.workspace,
          suite,
          name,
          vault.seal(value, context(caller.workspace, suite, name)),
        ),
      )
    },
    async list(caller, suite) {
      await suites.known(caller, suite)
      return (await store.suiteSecrets.list(caller.workspace, suite)).map(secretView)
    },
    async delete(caller, suite, name) {
      await suites.known(caller, suite)
      if (!(await store.suiteSecrets.delete(caller.workspace, suite, name)))
        throw new Problem('not_found', `The suite ${suite} has no secret ${name.slice(0, 130)}.`)
    },
    async values(workspace, suite, names) {
      if (names.length === 0) return {}
      const kept = await store.suiteSecrets.list(workspace, suite)
      const wanted = kept.filter((secret) => names.includes(secret.name))
      return Object.fromEntries(
        wanted.map(({ name, sealedValue }) => [name, vault.open(sealedValue, context(workspace, suite, name))]),
      )
    },
  }
}

function secretView(secret: SuiteSecretRecord): SecretName {
  return {
    name: secret.name,
    createdAt: new Date(secret.createdAt).toISOString(),
    updatedAt: new Date(secret.updatedAt).toISOString(),
  }
}
