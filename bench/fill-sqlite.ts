import { createHash, randomBytes } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'
import { makeApiKey } from '../contract/api-key.ts'
import { type Amounts, copyId, type Shown, shownOf, type Template, timesOf } from './template.ts'

/** Rows that are copied, and what differs of the copy with the number `i`, in SQL. */
interface Copies {
  readonly amount: keyof Amounts
  readonly table: string
  readonly where: readonly [column: string, value: string]
  readonly changed: Readonly<Record<string, string>>
}

const id = (prefix: string) => `printf('${prefix}%026d', i)`
/** Looks like chance, and is the same wherever it is asked for. */
const COMMIT = "printf('%040x', i * 2654435761 % 4294967296)"

function copiesOf(template: Template, amounts: Amounts): Copies[] {
  const { user, workspace, key, run, commit } = template
  const now = Date.now()
  const { first, step } = timesOf(amounts, now)
  const at = `${first} + i * ${step}`
  const owner = { user: id('usr_'), workspace: id('wsp_'), createdAt: at, changedAt: at }
  const times = { createdAt: at, startedAt: at, finishedAt: at, watchedAt: at, queueEndsAt: at }
  const person = { ...owner, id: id('usr_') }
  const ofKey = { ...owner, id: id('key_'), digest: 'lower(hex(randomblob(32)))', lastUsedAt: String(now) }
  const ofRun = { ...times, id: id('run_'), request: `replace(t.request, '${commit}', ${COMMIT})` }
  const fact = { createdAt: at, run: id('run_'), value: `iif(t.kind = 'commit', ${COMMIT}, t.value)` }
  const part = { run: id('run_') }
  return [
    { amount: 'keys', table: 'workspaces', where: ['id', workspace], changed: { id: id('wsp_'), createdAt: at } },
    { amount: 'keys', table: 'users', where: ['id', user], changed: person },
    { amount: 'keys', table: 'memberships', where: ['user', user], changed: owner },
    { amount: 'keys', table: 'keys', where: ['id', key], changed: ofKey },
    { amount: 'runs', table: 'runs', where: ['id', run], changed: ofRun },
    { amount: 'runs', table: 'run_facts', where: ['run', run], changed: fact },
    { amount: 'runs', table: 'cases', where: ['run', run], changed: part },
    { amount: 'runs', table: 'case_blocks', where: ['run', run], changed: part },
    { amount: 'runs', table: 'run_log', where: ['run', run], changed: part },
  ]
}

/** Fills the database of a server that is stopped with copies of the template's rows, as it would have made them days ago. */
export function fillSqlite(file: string, template: Template, amounts: Amounts): Shown {
  const db = new DatabaseSync(file)
  // Nobody else is there, and what is half filled is thrown away.
  db.exec('PRAGMA journal_mode = DELETE; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF')
  db.exec('PRAGMA cache_size = -1000000; BEGIN')
  // They count runs that are queued; these have ended, so they leave the sums as they are.
  const triggers = db.prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = 'runs'").all()
  for (const { name } of triggers) db.exec(`DROP TRIGGER ${name}`)
  for (const copies of copiesOf(template, amounts)) copy(db, copies, amounts[copies.amount])
  for (const { sql } of triggers) db.exec(sql as string)
  const setDigest = db.prepare('UPDATE keys SET digest = ? WHERE id = ?')
  const keys = shownOf(amounts.keys).map((i) => {
    const secret = makeApiKey(randomBytes)
    setDigest.run(createHash('sha256').update(secret).digest('hex'), copyId('key_', i))
    return secret
  })
  db.exec('COMMIT')
  db.close()
  return { keys, runs: shownOf(amounts.runs).map((i) => copyId('run_', i)) }
}

function copy(db: DatabaseSync, { table, where: [column, value], changed }: Copies, count: number): void {
  const columns = db.prepare('SELECT name FROM pragma_table_info(?)').all(table)
  const names = columns.map(({ name }) => `"${name}"`).join(', ')
  const values = columns.map(({ name }) => changed[name as string] ?? `t."${name}"`).join(', ')
  db.exec(`CREATE TEMP TABLE template AS SELECT * FROM ${table} WHERE ${column} = '${value}'`)
  db.exec(
    `WITH RECURSIVE numbers (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM numbers LIMIT ${count})
     INSERT INTO ${table} (${names}) SELECT ${values} FROM numbers CROSS JOIN temp.template t`,
  )
  db.exec('DROP TABLE temp.template')
}
