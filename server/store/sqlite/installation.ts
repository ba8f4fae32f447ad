import type { Installation } from '../ports/installation.ts'
import type { Database } from './database.ts'

export const INSTALLATION_SQL = {
  get: 'SELECT value FROM installation WHERE name = :name',
  keep: 'INSERT INTO installation (name, value) VALUES (:name, :value) ON CONFLICT DO NOTHING',
}

export function sqliteInstallation(db: Database): Installation {
  const get = (name: string) => db.get(INSTALLATION_SQL.get, { name })?.value as string | undefined
  return {
    get: async (name) => get(name),
    keep: (name, value) =>
      db.write(() => {
        db.run(INSTALLATION_SQL.keep, { name, value })
        return get(name)!
      }),
  }
}
