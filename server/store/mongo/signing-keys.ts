import type { SigningKeyRecord, SigningKeys } from '../ports/signing-keys.ts'
import { type Database, decoder, NEWEST_FIRST } from './database.ts'

const record = decoder<SigningKeyRecord>([
  ...(['id', 'algorithm', 'publicKey', 'sealedPrivateKey', 'createdAt', 'activeAt', 'retiredAt'] as const),
])

export function mongoSigningKeys(db: Database): SigningKeys {
  const keys = db.collection('signing_keys')
  return {
    list: async () => (await keys.find().sort(NEWEST_FIRST).toArray()).map(record),
    async add({ id, ...key }) {
      return record(await db.insert('signing_keys', { _id: id, ...key, retiredAt: null }, { createdAt: db.now() }))
    },
    async retireOthers(id) {
      await keys.updateMany({ _id: { $ne: id }, retiredAt: null }, [{ $set: { retiredAt: db.now() } }])
    },
    async remove(id) {
      await keys.deleteOne({ _id: id })
    },
  }
}
