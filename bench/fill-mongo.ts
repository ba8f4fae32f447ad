import { createHash, randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Db, type Document, Long, MongoClient } from 'mongodb'
import { makeApiKey } from '../contract/api-key.ts'
import { bucketOf } from '../server/store/mongo/slots.ts'
import { repeated } from './load.ts'
import { type Amounts, copyId, type Shown, shownOf, type Template, timesOf } from './template.ts'

/** Documents that are copied, and what differs of the copy with the number `i`; `doc` is what the server wrote. */
interface Copies {
  readonly amount: keyof Amounts
  readonly collection: string
  readonly where: Document
  readonly changed: (i: number, doc: Document) => Document
}

const BATCH = 1000
const AT_ONCE = 4
/**
 * As many runs are of the workspace whose runs are listed; the others are each of a user's own. The stand-in of tests sorts
 * all that a list could show, where a MongoDB walks its index.
 */
const LISTED = 200

const usr = (i: number) => copyId('usr_', i)
const wsp = (i: number) => copyId('wsp_', i)
const run_ = (i: number) => copyId('run_', i)
/** Looks like chance, and is the same wherever it is asked for. */
const commitOf = (i: number) => ((i * 2654435761) % 4294967296).toString(16).padStart(40, '0')

function copiesOf(template: Template, amounts: Amounts, secrets: ReadonlyMap<number, string>): Copies[] {
  const { user, workspace, key, run, commit } = template
  const now = Date.now()
  const { first, step } = timesOf(amounts, now)
  const at = (i: number) => Long.fromNumber(first + i * step)
  const listed = new Set(listedOf(amounts.runs))
  const digest = (i: number) => createHash('sha256').update(secrets.get(i) ?? randomBytes(32))
  const part = (i: number, { _id }: Document) => ({ _id: String(_id).replace(run, run_(i)), run: run_(i) })
  return [
    {
      ...{ amount: 'keys', collection: 'workspaces', where: { _id: workspace } },
      changed: (i, { members }) => ({
        ...{ _id: wsp(i), createdAt: at(i) },
        members: members.map((member: Document) => ({ ...member, user: usr(i), createdAt: at(i), changedAt: at(i) })),
      }),
    },
    {
      ...{ amount: 'keys', collection: 'users', where: { _id: user } },
      changed: (i) => ({ _id: usr(i), workspace: wsp(i), createdAt: at(i), changedAt: at(i) }),
    },
    {
      ...{ amount: 'keys', collection: 'keys', where: { _id: key } },
      changed: (i) => ({
        ...{ _id: copyId('key_', i), user: usr(i), workspace: wsp(i), createdAt: at(i), changedAt: at(i) },
        ...{ digest: digest(i).digest('hex'), lastUsedAt: Long.fromNumber(now) },
      }),
    },
    {
      ...{ amount: 'runs', collection: 'runs', where: { _id: run } },
      changed: (i, { request, facts }) => ({
        ...(listed.has(i) ? {} : { workspace: wsp(i), bucket: bucketOf(wsp(i)) }),
        ...{ _id: run_(i), createdAt: at(i), startedAt: at(i), finishedAt: at(i), watchedAt: at(i) },
        request: request.replaceAll(commit, commitOf(i)),
        facts: facts.map((fact: string) => fact.replace(commit, commitOf(i))),
      }),
    },
    { amount: 'runs', collection: 'cases', where: { run }, changed: part },
    { amount: 'runs', collection: 'run_log', where: { run }, changed: part },
  ]
}

/** Fills the database of a server with copies of the template's documents, as it would have made them days ago. */
export async function fillMongo(url: string, template: Template, amounts: Amounts): Promise<Shown> {
  const client = new MongoClient(url)
  const db = client.db()
  const secrets = new Map(shownOf(amounts.keys).map((i) => [i, makeApiKey(randomBytes)]))
  try {
    await told(db, template.run)
    for (const copies of copiesOf(template, amounts, secrets)) await copy(db, copies, amounts[copies.amount])
    return { keys: [...secrets.values()], runs: listedOf(amounts.runs).map(run_) }
  } finally {
    await client.close()
  }
}

const listedOf = (runs: number) => shownOf(runs).filter((_, n, { length }) => n % Math.ceil(length / LISTED) === 0)

/** Resolves when what the run told of is on its way to callbacks, and out of its document. */
async function told(db: Db, run: string): Promise<void> {
  while (await db.collection<{ _id: string }>('runs').findOne({ _id: run, newsAt: { $gte: 0 } })) await sleep(100)
}

async function copy(db: Db, { collection: name, where, changed }: Copies, count: number): Promise<void> {
  const collection = db.collection<Document & { _id: string }>(name)
  const docs = await collection.find(where).toArray()
  await repeated(Math.ceil(count / BATCH), AT_ONCE, (batch) => {
    const numbers = Array.from({ length: Math.min(BATCH, count - batch * BATCH) }, (_, n) => batch * BATCH + n)
    const copies = numbers.flatMap((i) => docs.map((doc) => ({ ...doc, ...changed(i, doc) }) as typeof doc))
    return collection.insertMany(copies, { ordered: false })
  })
}
