import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import { StoreError } from '../../../server/store/ports/store.ts'
import { openConnection } from '../../../server/store/sqlite/connection.ts'
import { openSqliteStore } from '../../../server/store/sqlite/open.ts'
import { createRun } from '../../contract/store/subject.ts'
import { MovableClock } from '../../support/clock.ts'
import { databaseIn, openIn, storeProcess, temporaryFolder } from './store-folder.ts'

const refusal = async (folder: string): Promise<StoreError> => {
  try {
    await openSqliteStore({ file: databaseIn(folder), clock: new MovableClock() })
  } catch (error) {
    if (error instanceof StoreError) return error
    throw error
  }
  throw new Error('it was opened')
}

describe('opening the SQLite store', () => {
  it('makes its folder for its user alone, and finds again what was written', async () => {
    const folder = join(temporaryFolder(), 'deep', 'data')
    const { store } = await openIn(folder)
    const run = await createRun(store)
    expect(statSync(folder).mode & 0o777).toBe(0o700)
    await store.close()
    expect(await (await openIn(folder)).store.runs.get(run.id)).toEqual(run)
  })

  it('is durable: a write-ahead log that is synced at every commit', () => {
    const connection = openConnection(databaseIn(temporaryFolder()))
    const setting = (name: string) => Object.values(connection.prepare(`PRAGMA ${name}`).get() ?? {})[0]
    expect(['journal_mode', 'synchronous', 'foreign_keys', 'busy_timeout'].map(setting)).toEqual(['wal', 2, 1, 1000])
    connection.close()
  })

  it('is refused while another server has the folder, which is named with its pid', async () => {
    const folder = temporaryFolder()
    const other = storeProcess(folder, `say('open'); setInterval(() => {}, 1000)`)
    expect((await other.lines.next()).value).toBe('open')
    const error = await refusal(folder)
    expect(error.message).toContain(`Data folder ${folder} is in use by another Verdict server (pid ${other.pid}).`)
    expect(error.code).toBe('unavailable')

    await other.kill()
    const { store } = await openIn(folder)
    await store.ping()
  })

  it('is refused to a second store of the same process, too', async () => {
    const folder = temporaryFolder()
    const { store } = await openIn(folder)
    expect((await refusal(folder)).message).toContain(`pid ${process.pid}`)
    await store.close()
    expect(existsSync(join(folder, 'pid'))).toBe(false)
    await openIn(folder)
  })

  it('is refused on a folder that cannot be made', async () => {
    const file = join(temporaryFolder(), 'file')
    writeFileSync(file, '')
    expect((await refusal(join(file, 'data'))).message).toMatch(
      /^Data folder .*file\/data cannot be written to \(ENOTDIR/,
    )
  })

  it.each([
    ['text', Buffer.from('this is not a database, it is a text of some length'.repeat(50))],
    ['a database that was cut off', Buffer.concat([Buffer.from('SQLite format 3\0'), Buffer.alloc(30, 7)])],
  ])('is refused on a file that is %s, which stays as it is', async (_name, content) => {
    const folder = temporaryFolder()
    writeFileSync(databaseIn(folder), content)
    const error = await refusal(folder)
    expect(error.message).toMatch(/^.*verdict\.db cannot be opened as Verdict's database \(file is not a database\)/)
    expect(readFileSync(databaseIn(folder)).equals(content)).toBe(true)
    expect((await refusal(folder)).message).toBe(error.message)
  })

  it('is refused on a database of another program, which stays as it is', async () => {
    const folder = temporaryFolder()
    const other = new DatabaseSync(databaseIn(folder))
    other.exec('CREATE TABLE users (id); PRAGMA user_version = 1')
    other.close()
    const before = readFileSync(databaseIn(folder))
    expect((await refusal(folder)).message).toContain('verdict.db is a database of another program.')
    expect(readFileSync(databaseIn(folder)).equals(before)).toBe(true)
  })

  it('answers every verb with an outage once it is closed', async () => {
    const { store } = await openIn(temporaryFolder())
    await store.close()
    await store.close()
    const closed = { name: 'StoreError', code: 'unavailable', message: 'The store is closed.' }
    await expect(store.ping()).rejects.toMatchObject(closed)
    await expect(store.runs.get('run_1')).rejects.toMatchObject(closed)
    await expect(createRun(store)).rejects.toMatchObject(closed)
  })
})
