import type { SuiteSecretRecord, SuiteSecrets } from '../ports/suite-secrets.ts'
import { type Database, decoder, joined, set } from './database.ts'
import { isDuplicate } from './errors.ts'

const record = decoder<SuiteSecretRecord>(['name', 'sealedValue', 'createdAt', 'updatedAt'])

export function mongoSuiteSecrets(db: Database): SuiteSecrets {
  const secrets = db.collection('suite_secrets')
  async function put(workspace: string, suite: string, name: string, sealedValue: string): Promise<SuiteSecretRecord> {
    const stamps = { updatedAt: db.now(), createdAt: { $ifNull: ['$createdAt', db.now()] } }
    const made = await secrets.findOneAndUpdate(
      { _id: joined(workspace, suite, name) },
      [set({ workspace, suite, name, sealedValue }, stamps)],
      { upsert: true, returnDocument: 'after' },
    )
    return record(made!)
  }
  return {
    async put(...secret) {
      try {
        return await put(...secret)
      } catch (error) {
        // Two made it at once: now it is there.
        if (isDuplicate(error)) return put(...secret)
        throw error
      }
    },
    list: async (workspace, suite) =>
      (await secrets.find({ workspace, suite }).sort({ name: 1 }).toArray()).map(record),
    async delete(workspace, suite, name) {
      return (await secrets.deleteOne({ _id: joined(workspace, suite, name) })).deletedCount > 0
    },
  }
}
