import { statSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it, onTestFinished } from 'vitest'
import { StoreError } from '../../../server/store/ports/store.ts'
import { GroupCommit } from '../../../server/store/sqlite/group-commit.ts'
import { databaseIn, temporaryFolder } from './store-folder.ts'

const HOUR_MS = 3600_000

function open() {
  const file = databaseIn(temporaryFolder())
  const connection = new DatabaseSync(file)
  connection.exec('PRAGMA journal_mode = WAL; CREATE TABLE t (x UNIQUE); PRAGMA wal_checkpoint(TRUNCATE)')
  onTestFinished(() => {
    if (connection.isOpen) connection.close()
  })
  const commits = new GroupCommit(connection, HOUR_MS)
  const insert = (x: number) => () => {
    connection.exec(`INSERT INTO t VALUES (${x})`)
    return x
  }
  const rows = () =>
    connection
      .prepare('SELECT x FROM t ORDER BY x')
      .all()
      .map(({ x }) => x)
  return { file, connection, commits, insert, rows }
}

describe('group commit', () => {
  it('puts all writes of one turn into one transaction, in order, and answers each', async () => {
    const { file, commits, insert, rows } = open()
    const numbers = Array.from({ length: 100 }, (_, i) => i)
    expect(await Promise.all(numbers.map((x) => commits.write(insert(x))))).toEqual(numbers)
    expect(rows()).toEqual(numbers)
    // Every commit adds at least one page of 4,096 bytes to the log: a hundred of them would be 400 kB.
    expect(statSync(`${file}-wal`).size).toBeLessThan(20 * 4096)
  })

  it('answers nobody before the commit', async () => {
    const { file, commits, insert } = open()
    const other = new DatabaseSync(file, { readOnly: true })
    const seen = commits.write(insert(1)).then(() => other.prepare('SELECT count(*) AS n FROM t').get()?.n)
    expect(other.prepare('SELECT count(*) AS n FROM t').get()?.n).toBe(0)
    expect(await seen).toBe(1)
    other.close()
  })

  it('undoes a write that fails, whole, and keeps its neighbours', async () => {
    const { commits, insert, rows } = open()
    const [first, broken, last] = await Promise.allSettled([
      commits.write(insert(1)),
      commits.write(() => {
        insert(2)()
        insert(1)()
      }),
      commits.write(insert(3)),
    ])
    expect(first).toEqual({ status: 'fulfilled', value: 1 })
    expect(last).toEqual({ status: 'fulfilled', value: 3 })
    expect(broken).toMatchObject({ status: 'rejected', reason: { message: 'UNIQUE constraint failed: t.x' } })
    expect(rows()).toEqual([1, 3])
  })

  it('lets a mistake of ours be seen as what it is', async () => {
    const { commits, connection } = open()
    const mistake = commits.write(() => connection.exec('SELEKT'))
    await expect(mistake).rejects.toThrow('syntax error')
    await expect(mistake).rejects.not.toBeInstanceOf(StoreError)
  })

  it('undoes the whole group on an outage, tells each of it, and goes on afterwards', async () => {
    const { commits, insert, rows } = open()
    const outage = () => {
      throw new StoreError('full', 'no room')
    }
    const answers = await Promise.allSettled([
      commits.write(insert(1)),
      commits.write(outage),
      commits.write(insert(2)),
    ])
    expect(answers.slice(0, 2)).toMatchObject([
      { status: 'rejected', reason: { code: 'full' } },
      { status: 'rejected', reason: { code: 'full' } },
    ])
    expect(answers[2]).toEqual({ status: 'fulfilled', value: 2 })
    expect(rows()).toEqual([2])
  })

  it('takes patient writes along, in the order in which they were asked for', async () => {
    const { commits, insert, rows } = open()
    await commits.write(insert(0))
    const order: number[] = []
    const note = (x: number) => () => {
      order.push(x)
      return insert(x)()
    }
    const patient = commits.write(note(1), 'patient')
    await Promise.all([patient, commits.write(note(2))])
    expect(order).toEqual([1, 2])
    expect(rows()).toEqual([0, 1, 2])
  })

  it('commits a patient write at once when the last commit is long ago', async () => {
    const { commits, insert } = open()
    expect(await commits.write(insert(1), 'patient')).toBe(1)
  })

  it('commits what is still to be written when it is closed, and takes no more', async () => {
    const { commits, insert, rows } = open()
    await commits.write(insert(0))
    const patient = commits.write(insert(1), 'patient')
    const soon = commits.write(insert(2))
    commits.close()
    expect(rows()).toEqual([0, 1, 2])
    expect(await Promise.all([patient, soon])).toEqual([1, 2])
    await expect(commits.write(insert(3))).rejects.toMatchObject({ code: 'unavailable' })
  })

  it('tells an outage when another program holds the database', async () => {
    const { file, commits, insert, rows } = open()
    const other = new DatabaseSync(file)
    other.exec('BEGIN IMMEDIATE')
    await expect(commits.write(insert(1))).rejects.toMatchObject({ name: 'StoreError', code: 'unavailable' })
    other.close()
    await commits.write(insert(2))
    expect(rows()).toEqual([2])
  })
})
