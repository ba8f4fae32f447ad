import { createHash } from 'node:crypto'
import { type Db, GridFSBucket, MongoServerError, ObjectId } from 'mongodb'
import { BlobError, type Blobs } from '../blobs.ts'

const SHA256 = /^[0-9a-f]{64}$/
const BUCKET = 'blobs'
/** The store's time, ms since 1970. */
const NOW = { $toLong: '$$NOW' }
/** An upload that began so long ago has ended, however it did. */
const UPLOAD_MS = 24 * 3600_000
/** OutOfDiskSpace, QuotaExceeded, and the quota of a hosted cluster. */
const FULL = new Set<unknown>([14031, 12501, 8000])

interface FileDoc {
  _id: ObjectId
  filename: string
  length: number
  /** When it was put last, also again. */
  putAt?: number
}

/**
 * Blobs in GridFS: a file is found by its digest, which is its name. While it is written it has none; what an earlier process
 * left half written is removed. The same content may be there twice for a moment, when two put it at once.
 */
export async function openGridfsBlobs(db: Db): Promise<Blobs> {
  const bucket = new GridFSBucket(db, { bucketName: BUCKET })
  const files = db.collection<FileDoc>(`${BUCKET}.files`)
  const chunks = db.collection(`${BUCKET}.chunks`)
  /** What is being uploaded: with this, chunks without a file are found without looking at all chunks. */
  const uploads = db.collection<{ _id: ObjectId; at: Date }>(`${BUCKET}.uploads`)
  await files.createIndex({ filename: 1, uploadDate: 1 })
  await chunks.createIndex({ files_id: 1, n: 1 }, { unique: true })

  async function forget(id: ObjectId): Promise<void> {
    await files.deleteOne({ _id: id })
    await chunks.deleteMany({ files_id: id })
    await uploads.deleteOne({ _id: id })
  }

  async function upload(
    id: ObjectId,
    content: AsyncIterable<Uint8Array>,
    options: { expected?: string; maxBytes: number },
  ) {
    const hash = createHash('sha256')
    let bytes = 0
    const stream = bucket.openUploadStreamWithId(id, `upload ${id}`)
    const failed = new Promise<never>((_, reject) => stream.once('error', reject))
    failed.catch(() => undefined)
    try {
      for await (const chunk of content) {
        bytes += chunk.length
        if (bytes > options.maxBytes)
          throw new BlobError('too_large', `The content is larger than ${options.maxBytes} bytes.`)
        hash.update(chunk)
        if (!stream.write(chunk)) await Promise.race([new Promise((resolve) => stream.once('drain', resolve)), failed])
      }
      const sha256 = hash.digest('hex')
      if (options.expected !== undefined && options.expected !== sha256) {
        throw new BlobError(
          'digest_mismatch',
          `The content has the SHA-256 ${sha256}, not the announced ${options.expected}.`,
        )
      }
      await Promise.race([new Promise<void>((resolve) => stream.end(() => resolve())), failed])
      return { sha256, bytes }
    } catch (error) {
      stream.destroy()
      throw error
    }
  }

  /** Notes that it was put again. Whether it is there. */
  async function touch(sha256: string): Promise<boolean> {
    return (await files.updateOne({ filename: sha256 }, [{ $set: { putAt: NOW } }])).matchedCount > 0
  }

  await removeLeftOvers()
  async function removeLeftOvers() {
    const old = { at: { $lt: new Date((await serverTime(db)) - UPLOAD_MS) } }
    for (const { _id } of await uploads.find(old).toArray()) {
      const file = await files.findOne({ _id })
      if (file?.filename.startsWith('upload ') ?? true) await forget(_id)
      else await uploads.deleteOne({ _id })
    }
  }

  return {
    async put(content, options) {
      const id = new ObjectId()
      try {
        await uploads.updateOne({ _id: id }, { $currentDate: { at: true } }, { upsert: true })
        const put = await upload(id, content, options)
        if (await touch(put.sha256)) await forget(id)
        else {
          await files.updateOne({ _id: id }, [{ $set: { filename: put.sha256, putAt: NOW } }])
          await uploads.deleteOne({ _id: id })
        }
        return put
      } catch (error) {
        await forget(id).catch(() => undefined)
        throw asBlobError(error)
      }
    },
    async get(sha256) {
      const file = SHA256.test(sha256) ? await files.findOne({ filename: sha256 }) : null
      return file ? { bytes: file.length, content: read(bucket, file._id) } : undefined
    },
    async has(sha256) {
      return SHA256.test(sha256) && (await files.findOne({ filename: sha256 }, { projection: { _id: 1 } })) !== null
    },
    async delete(sha256, options) {
      if (!SHA256.test(sha256)) return
      const border = { $subtract: [NOW, options?.unlessPutWithinMs ?? 0] }
      const where = options ? { filename: sha256, $expr: { $lte: ['$putAt', border] } } : { filename: sha256 }
      for (;;) {
        const file = await files.findOneAndDelete(where, { projection: { _id: 1 } })
        if (!file) return
        await chunks.deleteMany({ files_id: file._id })
      }
    },
    async freeBytes() {
      const { fsTotalSize, fsUsedSize } = await db.stats()
      // Not every server tells.
      return fsTotalSize > 0 ? fsTotalSize - fsUsedSize : Number.POSITIVE_INFINITY
    },
  }
}

/** The digests of all blobs of the database. */
export async function* blobNames(db: Db): AsyncGenerator<string> {
  const files = db.collection<FileDoc>(`${BUCKET}.files`).find({}, { projection: { filename: 1 } })
  for await (const { filename } of files) if (SHA256.test(filename)) yield filename
}

/** Asks for the file when the first byte is asked for: an answer that nobody reads holds nothing open. */
async function* read(bucket: GridFSBucket, id: ObjectId): AsyncGenerator<Uint8Array> {
  yield* bucket.openDownloadStream(id)
}

async function serverTime(db: Db): Promise<number> {
  const hello = await db.admin().command({ hello: 1 })
  return (hello.localTime as Date).getTime()
}

function asBlobError(error: unknown): unknown {
  return error instanceof MongoServerError && FULL.has(error.code)
    ? new BlobError('no_room', 'There is no room left in MongoDB.', { cause: error })
    : error
}
