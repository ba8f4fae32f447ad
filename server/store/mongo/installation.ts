import type { Installation } from '../ports/installation.ts'
import type { Database } from './database.ts'
import { isDuplicate } from './errors.ts'

export function mongoInstallation(db: Database): Installation {
  const facts = db.collection('installation')
  const get = async (name: string) => (await facts.findOne({ _id: name }))?.value as string | undefined
  return {
    get,
    async keep(name, value) {
      try {
        await facts.insertOne({ _id: name, value })
        return value
      } catch (error) {
        if (!isDuplicate(error)) throw error
        return (await get(name))!
      }
    },
  }
}
