import { randomUUID } from 'node:crypto'
import type { Logger } from 'pino'
import type { Config } from './config.ts'
import { accessControl } from './domain/access.ts'
import { auditTrail } from './domain/audit-trail.ts'
import { credentials } from './domain/credentials.ts'
import { idMaker } from './domain/ids.ts'
import { invitations } from './domain/invitations.ts'
import { keyMaker } from './domain/key-maker.ts'
import { keyUse } from './domain/key-use.ts'
import { apiKeys } from './domain/keys.ts'
import { members } from './domain/members.ts'
import { metering } from './domain/metering.ts'
import { signInTokens } from './domain/oidc-exchange.ts'
import { issuerKeys } from './domain/oidc-issuer.ts'
import { revocationMemory } from './domain/revocation.ts'
import { runStop } from './domain/run-stop.ts'
import { openSigning } from './domain/signing.ts'
import { tokenExchange } from './domain/tokens.ts'
import { usageReport } from './domain/usage.ts'
import { users } from './domain/users.ts'
import { workspaces } from './domain/workspaces.ts'
import { STALE_AFTER_MS } from './jobs/follow-revocations.ts'
import type { Parts } from './parts.ts'
import type { KeyRecord } from './store/ports/keys.ts'
import type { Wake } from './wake/wake.ts'

export interface IdentityParts extends Parts {
  readonly config: Config
  readonly publicUrl: string
  readonly wake: Wake
  /** Whether other processes revoke, too. */
  readonly shared: boolean
  readonly log: Logger
  readonly unsandboxed: () => boolean
  /** Told of the first use of a key. */
  readonly onFirstUse: (key: KeyRecord) => void
}

const LONGEST_TOKEN_MS = 3_600_000

/** Everything about who may do what: keys, tokens, people, and what is noted of them. */
export async function composeIdentity(parts: IdentityParts) {
  const { store, vault, clock, wake, config, publicUrl, log } = parts
  const now = () => clock.now()
  const newId = idMaker(clock)
  const signing = await openSigning({ store, vault, algorithm: config.tokenAlgorithm, issuer: publicUrl, now })
  const staleAfterMs = parts.shared ? STALE_AFTER_MS : undefined
  const revocation = revocationMemory({ store, clock, tokenTtlMs: LONGEST_TOKEN_MS, staleAfterMs })
  await revocation.refresh()
  const access = accessControl({ signing, revocation, now })
  const audit = auditTrail({ store, newId })
  const meter = metering({ store, now })
  const stopRuns = runStop({ store, wake })
  const people = users({
    ...{ store, newId, revocation, stopRuns },
    externalIssuer: config.oidcIssuer ?? '',
    unsandboxed: parts.unsandboxed,
  })
  const keysOptions = {
    ...{ store, newId, now, revocation },
    maxDays: config.keyMaxDays,
    keysPerUser: config.keysPerUser,
    audiences: Object.keys(config.audiences),
  }
  const maker = keyMaker(keysOptions)
  const rooms = workspaces({ store, newId, maker, revocation, stopRuns })
  const issuing = { store, signing, issuer: publicUrl, ttlSeconds: config.tokenTtlSeconds, now, randomId: randomUUID }
  return {
    access,
    audit,
    credentials: credentials({ store, signing, revocation, audit, issuer: publicUrl, now }),
    invitations: invitations({ store, newId, now, publicUrl, users: people, workspaces: rooms, maker, revocation }),
    keys: apiKeys(keysOptions),
    members: members({ store, workspaces: rooms, revocation }),
    metering: meter,
    revocation,
    signing,
    tokens: tokenExchange({
      ...issuing,
      audit,
      audiences: config.audiences,
      signIns: config.oidcIssuer === undefined ? undefined : signInsOf(config.oidcIssuer),
      onUse: keyUse({
        store,
        now,
        onFirst: parts.onFirstUse,
        async onReplaced(ended, { id, user, workspace }) {
          await revocation.refresh()
          audit.note({
            ...{ action: 'key.ended_by_rotation', outcome: 'done', workspace, user, credential: id, target: ended.id },
            ...{ address: null, requestId: null, detail: { successor: id } },
          })
        },
        onError: (error) => log.warn({ err: error }, "a key's use could not be noted"),
      }),
    }),
    usage: usageReport({ store, metering: meter }),
    users: people,
    workspaces: rooms,
  }

  function signInsOf(oidcIssuer: string) {
    return signInTokens({
      ...issuing,
      oidcIssuer,
      keys: issuerKeys({
        issuer: oidcIssuer,
        fetch: (url, init) => fetch(url, init),
        monotonic: () => clock.monotonic(),
      }),
      accepted: config.oidcAcceptedAudiences,
      createUser: config.oidcCreateUsers ? createUser : undefined,
    })
  }

  /** An email that another user has already is left out: who signs in is known by the issuer's `sub` alone. */
  async function createUser(
    person: { externalId: string; email?: string; name?: string },
    from: { address: string; requestId: string },
  ) {
    const { email: _email, ...withoutEmail } = person
    const user = await people
      .makePerson(person)
      .catch(() => people.makePerson(withoutEmail))
      .catch(async (error) => {
        // Signed in twice at once: the other request made the user.
        const made = await store.users.findByExternalId(config.oidcIssuer ?? '', person.externalId)
        if (made) return made
        throw error
      })
    audit.note({
      ...{ action: 'user.created', outcome: 'done', workspace: user.workspace, user: user.id, target: user.id },
      ...{ credential: null, detail: { by: 'sign-in' }, ...from },
    })
    return user
  }
}
