import { MongoClient } from 'mongodb'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openGridfsBlobs } from '../../server/blobs/gridfs/gridfs.ts'
import { startMongo, type TestMongo, whyNoMongo } from '../support/mongo.ts'
import { blobsContract } from './blobs.contract.ts'

const why = whyNoMongo()

describe.skipIf(why)(why ?? 'with a server', () => {
  let mongo: TestMongo
  beforeAll(async () => {
    mongo = await startMongo()
  })
  afterAll(() => mongo.stop())

  async function openDatabase() {
    const client = new MongoClient(mongo.database(), { writeConcern: { w: 'majority' } })
    const db = client.db()
    return {
      db,
      close: async () => {
        await db.dropDatabase()
        await client.close()
      },
    }
  }

  blobsContract('GridFS', async () => {
    const { db, close } = await openDatabase()
    return {
      blobs: await openGridfsBlobs(db),
      close: async () => {
        // Nothing that failed may have left anything half written.
        const ids = (await db.collection('blobs.files').find().toArray()).map(({ _id }) => _id)
        expect(await db.collection('blobs.uploads').countDocuments()).toBe(0)
        expect(await db.collection('blobs.chunks').countDocuments({ files_id: { $nin: ids } })).toBe(0)
        await close()
      },
    }
  })

  async function* text(content: string) {
    yield Buffer.from(content)
  }

  it('GridFS forgets at its start what an earlier process left half written a day ago, and keeps the rest', async () => {
    const { db, close } = await openDatabase()
    const { sha256 } = await (await openGridfsBlobs(db)).put(text('whole'), { maxBytes: 10 })
    const kept = (await db.collection('blobs.files').findOne({ filename: sha256 }))!
    const half = 'half of an upload' as never
    await db.collection('blobs.chunks').insertOne({ files_id: half, n: 0, data: Buffer.from('half') })
    const before = new Date(Date.now() - 25 * 3600_000)
    await db.collection('blobs.uploads').insertMany([
      { _id: half, at: before },
      // Cut off after the file had its name.
      { _id: kept._id, at: before },
    ])
    const blobs = await openGridfsBlobs(db)
    expect(await db.collection('blobs.chunks').countDocuments({ files_id: half })).toBe(0)
    expect(await db.collection('blobs.uploads').countDocuments()).toBe(0)
    expect(await blobs.has(sha256)).toBe(true)
    await close()
  })

  it('GridFS keeps content once when it comes again, and knows when that was', async () => {
    const { db, close } = await openDatabase()
    const blobs = await openGridfsBlobs(db)
    const { sha256 } = await blobs.put(text('same'), { maxBytes: 10 })
    await db.collection('blobs.files').updateOne({ filename: sha256 }, { $set: { putAt: 0 } })
    await blobs.put(text('same'), { maxBytes: 10 })
    expect(await db.collection('blobs.files').countDocuments()).toBe(1)
    await blobs.delete(sha256, { unlessPutWithinMs: 60_000 })
    expect(await blobs.has(sha256)).toBe(true)
    await close()
  })
})
