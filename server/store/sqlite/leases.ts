import type { Leases } from '../ports/leases.ts'
import type { Database } from './database.ts'

/** They lie beside the facts of the installation, by a name that no fact has. */
export const LEASES_SQL = {
  acquire: `INSERT INTO installation (name, value) VALUES ('lease:' || :name, json_object('owner', :owner, 'endsAt', :now + :ms))
    ON CONFLICT DO UPDATE SET value = excluded.value
    WHERE json_extract(installation.value, '$.owner') = :owner OR json_extract(installation.value, '$.endsAt') <= :now`,
  owner: `SELECT json_extract(value, '$.owner') AS owner FROM installation WHERE name = 'lease:' || :name`,
  release: `DELETE FROM installation WHERE name = 'lease:' || :name AND json_extract(value, '$.owner') = :owner`,
}

export function sqliteLeases(db: Database): Leases {
  return {
    acquire: (name, owner, ms) =>
      db.write(() => {
        db.run(LEASES_SQL.acquire, { name, owner, ms, now: db.now() })
        return db.get(LEASES_SQL.owner, { name })?.owner === owner
      }),
    async release(name, owner) {
      await db.write(() => db.run(LEASES_SQL.release, { name, owner }))
    },
  }
}
