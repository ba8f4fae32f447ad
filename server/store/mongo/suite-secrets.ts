import type { SuiteSecretRecord, SuiteSecrets } from '../ports/suite-secrets.ts'
import { type Database, type Doc, decoder, joined, set } from './database.ts'
import { isDuplicate } from './errors.ts'

const record = decoder<SuiteSecretRecord>(['name', 'sealedValue', 'createdAt', 'updatedAt'])

export function mongoSuiteSecrets(db: Database): SuiteSecrets {
  const secrets = db.collection('suite_secrets')
  /** Null when another one made it at the same time. */
  async function put(workspace: string, suite: string, name: string, sealedValue: string): Promise<Doc | null> {
    const stamps = { updatedAt: db.now(), createdAt: { $ifNull: ['$createdAt', db.now()] } }
    return secrets
      .findOneAndUpdate(
        { _id: joined(workspace, suite, name) },
        [set({ workspace, suite, name, sealedValue }, stamps)],
        { upsert: true, returnDocument: 'after' },
      )
      .catch((error) => {
        if (isDuplicate(error)) return null
        throw error
      })
  }
  return {
    put: async (...secret) => record(((await put(...secret)) ?? (await put(...secret)))!),
    list: async (workspace, suite) =>
      (await secrets.find({ workspace, suite }).sort({ name: 1 }).toArray()).map(record),
    async delete(workspace, suite, name) {
      return (await secrets.deleteOne({ _id: joined(workspace, suite, name) })).deletedCount > 0
    },
  }
}
