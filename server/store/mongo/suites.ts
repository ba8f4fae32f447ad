import type { RevisionRecord, SuitePush, SuiteRecord, Suites } from '../ports/suites.ts'
import { pinArchive, unpinArchives } from './archives.ts'
import { afterPage, type Database, type Doc, decoder, NEWEST_FIRST, set } from './database.ts'
import { isDuplicate } from './errors.ts'

const NAMES_MAX = 1000
/** Each means that another push came first. */
const TRIES = 100

const record = decoder<SuiteRecord>(
  [
    ...(['id', 'workspace', 'name', 'revision', 'digest', 'definition', 'repository', 'locked'] as const),
    ...(['createdAt', 'updatedAt'] as const),
  ],
  ['definition'],
)
const revisionRecord = decoder<RevisionRecord>(
  ['id', 'workspace', 'suite', 'revision', 'digest', 'definition', 'source', 'createdAt', 'createdBy'],
  ['definition', 'source'],
)

/** The document of the newest revision, of which its suite holds everything. */
function latestOf({ latest, workspace, name, revision, digest, definition }: Doc): Doc {
  return { ...latest, workspace, suite: name, revision, digest, definition }
}

/**
 * A push is one write to the suite, which holds its newest revision whole (`latest`); that revision's own document follows,
 * and whoever misses it writes it.
 */
export function mongoSuites(db: Database): Suites {
  const suites = db.collection('suites')
  const revisions = db.collection('revisions')
  const find = (workspace: string, name: string) => suites.findOne({ workspace, name })

  /** Writes the newest revision's document, unless it is there. */
  async function settle(suite: Doc | null): Promise<boolean> {
    if (!suite?.latest) return false
    const { _id, ...latest } = latestOf(suite)
    const { archive } = JSON.parse(latest.definition)
    if (archive) await pinArchive(db, latest.workspace, archive)
    const { upsertedCount } = await revisions
      .updateOne({ _id }, { $setOnInsert: { ...latest, archive: archive ?? null } }, { upsert: true })
      .catch((error) => {
        if (isDuplicate(error)) return { upsertedCount: 0 }
        throw error
      })
    return upsertedCount > 0
  }

  /** The changed suite, or undefined when another push came first. */
  async function write(
    old: Doc | null,
    workspace: string,
    name: string,
    push: SuitePush,
    made: boolean,
  ): Promise<Doc | undefined> {
    const { definition, digest, source, createdBy } = push
    const latest = { _id: push.revisionId, source: JSON.stringify(source), createdBy }
    const fields = {
      revision: made ? (old?.revision ?? 0) + 1 : old!.revision,
      repository: source.repository ?? old?.repository ?? null,
      ...{ digest, definition: JSON.stringify(definition), locked: definition.locked },
    }
    const stamps = {
      updatedAt: db.now(),
      ...(made ? { latest: { $mergeObjects: [{ $literal: latest }, { createdAt: db.now() }] } } : {}),
    }
    if (old) {
      const where = {
        _id: old._id,
        revision: old.revision,
        repository: old.repository,
        digest: old.digest,
        locked: old.locked,
      }
      return (await suites.findOneAndUpdate(where, [set(fields, stamps)], { returnDocument: 'after' })) ?? undefined
    }
    const doc = { _id: push.suiteId, workspace, name, ...fields }
    return db.insert('suites', doc, { createdAt: db.now(), ...stamps }).catch((error) => {
      if (isDuplicate(error)) return undefined
      throw error
    })
  }

  async function revisionOf(workspace: string, name: string, revision: number): Promise<RevisionRecord | undefined> {
    const get = () => revisions.findOne({ workspace, suite: name, revision })
    let found = await get()
    if (!found) {
      const suite = await find(workspace, name)
      if (suite?.revision === revision && (await settle(suite))) found = await get()
    }
    return found ? revisionRecord(found) : undefined
  }

  return {
    async push(workspace, name, push) {
      const { definition, digest, source } = push
      for (let tries = 0; tries < TRIES; tries++) {
        const old = await find(workspace, name)
        if (old?.repository != null && source.repository !== null && old.repository !== source.repository) {
          if (!push.takeOver) return { conflict: 'other_repository', repository: old.repository }
        }
        if (old?.locked && !definition.locked && !push.owner) return { conflict: 'owner_needed' }
        const made = old?.digest !== digest
        if (old && !made && (source.repository ?? old.repository) === old.repository)
          return { suite: record(old), made }
        // The one before is written over now: its document has to be there.
        if (made) await settle(old)
        if (made && definition.archive) await pinArchive(db, workspace, definition.archive)
        const suite = await write(old, workspace, name, push, made)
        if (!suite) continue
        if (made) await settle(suite)
        return { suite: record(suite), made }
      }
      throw new Error(`suite ${name} of ${workspace} could not be pushed: others push it all the time`)
    },
    async record(workspace, name, id, repository) {
      if (await suites.findOne({ workspace, name }, { projection: { _id: 1 } })) return
      const nothing = { revision: null, digest: null, definition: null, locked: false }
      const stamps = { createdAt: db.now(), updatedAt: db.now() }
      await db.insert('suites', { _id: id, workspace, name, repository, ...nothing }, stamps).catch((error) => {
        if (!isDuplicate(error)) throw error
      })
    },
    async get(workspace, name) {
      const found = await find(workspace, name)
      return found ? record(found) : undefined
    },
    async current(workspace, name) {
      const found = await find(workspace, name)
      if (!found) return undefined
      const suite = record(found)
      if (found.latest) return { suite, revision: revisionRecord(latestOf(found)) }
      // A suite that was copied from another store has its revisions beside it.
      const { revision } = suite
      return { suite, revision: revision === null ? null : ((await revisionOf(workspace, name, revision)) ?? null) }
    },
    async list(workspace, page) {
      const where = { $and: [{ workspace }, ...afterPage(page)] }
      return (await suites.find(where).sort(NEWEST_FIRST).limit(page.limit).toArray()).map(record)
    },
    async names(workspace) {
      const found = await suites
        .find({ workspace }, { projection: { name: 1 } })
        .sort({ name: 1 })
        .limit(NAMES_MAX)
        .toArray()
      return found.map(({ name }) => name)
    },
    revision: revisionOf,
    async revisions(workspace, name, page) {
      const where = { $and: [{ workspace, suite: name }, ...afterPage(page)] }
      const get = () => revisions.find(where).sort(NEWEST_FIRST).limit(page.limit).toArray()
      let found = await get()
      if (!page.after) {
        const suite = await find(workspace, name)
        if (suite && suite.revision !== (found[0]?.revision ?? null) && (await settle(suite))) found = await get()
      }
      return found.map(revisionRecord)
    },
    /** The suite itself goes last: what a crash cuts off is done when it is asked for again. */
    async delete(workspace, name) {
      const named = await revisions.find({ workspace, suite: name }, { projection: { archive: 1 } }).toArray()
      await db.collection('suite_secrets').deleteMany({ workspace, suite: name })
      await revisions.deleteMany({ workspace, suite: name })
      const { deletedCount } = await suites.deleteOne({ workspace, name })
      await unpinArchives(
        db,
        workspace,
        named.flatMap(({ archive }) => (archive ? [archive] : [])),
      )
      return deletedCount > 0
    },
  }
}
