import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import { MIGRATIONS, migrate } from '../../../server/store/sqlite/migrations.ts'
import { openSqliteStore } from '../../../server/store/sqlite/open.ts'
import { MovableClock } from '../../support/clock.ts'
import { databaseIn, openIn, temporaryFolder } from './store-folder.ts'

const versionOf = (connection: DatabaseSync) => connection.prepare('PRAGMA user_version').get()?.user_version
const tablesOf = (connection: DatabaseSync) =>
  connection
    .prepare(`SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name`)
    .all()
    .map(({ name }) => name)

describe('schema versions', () => {
  it('go forward one by one, from whatever version the file has', () => {
    const connection = new DatabaseSync(':memory:')
    migrate(connection, 'file', ['CREATE TABLE a (x)'])
    expect(versionOf(connection)).toBe(1)
    connection.exec('INSERT INTO a VALUES (1)')
    const newer = ['CREATE TABLE a (x)', 'ALTER TABLE a ADD COLUMN y', 'UPDATE a SET y = x + 1; CREATE TABLE b (x)']
    migrate(connection, 'file', newer)
    migrate(connection, 'file', newer)
    expect(versionOf(connection)).toBe(3)
    expect(connection.prepare('SELECT x, y FROM a').all()).toEqual([{ x: 1, y: 2 }])
  })

  it('stay at the last good one when a step fails, with nothing of that step', () => {
    const connection = new DatabaseSync(':memory:')
    const steps = ['CREATE TABLE a (x)', 'CREATE TABLE b (x); INSERT INTO none VALUES (1)']
    expect(() => migrate(connection, 'file', steps)).toThrow('no such table: none')
    expect(versionOf(connection)).toBe(1)
    expect(tablesOf(connection)).toEqual(['a'])
    expect(connection.isTransaction).toBe(false)
  })

  it('that are newer than the program are refused, naming both, and left alone', async () => {
    const folder = temporaryFolder()
    const { store } = await openIn(folder)
    await store.close()
    const connection = new DatabaseSync(databaseIn(folder))
    connection.exec('PRAGMA user_version = 99')
    const tables = tablesOf(connection)
    const opening = openSqliteStore({ file: databaseIn(folder), clock: new MovableClock() })
    await expect(opening).rejects.toMatchObject({
      name: 'StoreError',
      message: expect.stringMatching(
        new RegExp(`verdict\\.db has schema version 99, and this Verdict knows versions up to ${MIGRATIONS.length}`),
      ),
    })
    expect(versionOf(connection)).toBe(99)
    expect(tablesOf(connection)).toEqual(tables)
    connection.close()
  })

  it('leave every table strict, so that a wrong type is an error and not a value', () => {
    const connection = new DatabaseSync(':memory:')
    migrate(connection, 'file')
    const loose = connection.prepare(`SELECT name FROM pragma_table_list WHERE type = 'table' AND strict = 0
      AND name NOT LIKE 'sqlite_%'`)
    expect(loose.all()).toEqual([])
  })

  it('keep deliveries with what was sent and their attempts, when these move', () => {
    const connection = new DatabaseSync(':memory:')
    migrate(connection, 'file', MIGRATIONS.slice(0, 4))
    connection.exec(`
      INSERT INTO deliveries (id, workspace, endpoint, callback, event, type, state, attempts, tries, nextAt, owner, createdAt, body)
        VALUES ('dlv_1', 'wsp_1', 'cbk_1', 'cbk_1', 'evt_1', 'run.finished', 'pending', 2, 2, 70, 'dead', 5, '{"a":1}'),
          ('dlv_2', 'wsp_1', 'cbk_2', 'cbk_2', 'evt_1', 'run.finished', 'pending', 0, 0, 5, NULL, 5, '{"a":1}');
      INSERT INTO attempts (delivery, number, at, durationMs, status, error, answer)
        VALUES ('dlv_1', 2, 20, 4, NULL, 'No "answer".', NULL), ('dlv_1', 1, 10, 3, 500, 'It answered 500.', 'ü')`)
    migrate(connection, 'file')
    const moved = connection.prepare(`SELECT d.id, nextAt, attempted, p.event, body FROM deliveries d
      JOIN payloads p ON p.id = payload ORDER BY d.id`)
    const attempted = [
      { number: 1, at: 10, durationMs: 3, status: 500, error: 'It answered 500.', answer: 'ü' },
      { number: 2, at: 20, durationMs: 4, status: null, error: 'No "answer".', answer: null },
    ]
    const sent = { event: 'evt_1', body: '{"a":1}' }
    expect(moved.all().map((row) => ({ ...row, attempted: JSON.parse(String(row.attempted)) }))).toEqual([
      { id: 'dlv_1', nextAt: 70, attempted, ...sent },
      { id: 'dlv_2', nextAt: 5, attempted: [], ...sent },
    ])
  })
})
