import type { Key } from '../../contract/keys.ts'
import type { KeyRecord } from '../store/ports/keys.ts'

/** A key as it may be shown: never the key itself, nor its digest. */
export function keyView(key: KeyRecord): Key {
  const iso = (time: number | null) => (time === null ? null : new Date(time).toISOString())
  return {
    id: key.id,
    name: key.name,
    description: key.description,
    user: key.user,
    workspace: key.workspace,
    scopes: key.scopes,
    suites: key.suites,
    allowedIps: key.allowedIps,
    audiences: key.audiences,
    limits: key.limits,
    replaces: key.replaces,
    replacedBy: key.replacedBy,
    start: key.start,
    end: key.end,
    createdAt: new Date(key.createdAt).toISOString(),
    expiresAt: iso(key.expiresAt),
    revokedAt: iso(key.revokedAt),
    lastUsedAt: iso(key.lastUsedAt),
    lastUsedFrom: key.lastUsedFrom,
  }
}
