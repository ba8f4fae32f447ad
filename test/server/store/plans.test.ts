import { readdirSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { beforeAll, describe, expect, it } from 'vitest'
import type { AuditFilter } from '../../../server/store/ports/audit.ts'
import type { RunFilter } from '../../../server/store/ports/runs.ts'
import { auditListSql } from '../../../server/store/sqlite/audit.ts'
import { migrate } from '../../../server/store/sqlite/migrations.ts'
import { runListSql } from '../../../server/store/sqlite/run-list.ts'

const FOLDER = new URL('../../../server/store/sqlite/', import.meta.url)

/** Statements that may read a whole table or index, and why that is short. */
const MAY_SCAN: Readonly<Record<string, string>> = {
  'SIGNING_KEYS_SQL.list': 'a handful of keys',
  'SIGNING_KEYS_SQL.retireOthers': 'a handful of keys',
  'USERS_SQL.count': 'asked at the start and when a user is made',
  'REMOVAL_SQL.replaced': 'takes the first few of those that are to be removed',
  'CLAIM_SQL.workspaces': 'an index of only the workspaces that have queued or running runs',
  'QUEUE_SQL.depth': 'an index of only the workspaces that have queued or running runs',
  'QUEUE_SQL.waiting': 'walks the index of queued runs in order, and stops at the limit',
}

/** Every statement of the adapter, by the name of its table: `SOMETHING_SQL.verb`. */
async function allStatements(): Promise<[string, string][]> {
  const statements: [string, string][] = []
  for (const file of readdirSync(FOLDER).filter((name) => name.endsWith('.ts'))) {
    const exported: Record<string, unknown> = await import(new URL(file, FOLDER).href)
    for (const [name, table] of Object.entries(exported).filter(([name]) => name.endsWith('_SQL'))) {
      for (const [verb, sql] of Object.entries(table as Record<string, string>)) {
        statements.push([`${name}.${verb}`, sql])
      }
    }
  }
  return statements
}

/** The first whose filters a list all has says how it is walked. */
const LEADS: [string[], string][] = [
  ...['commit', 'label', 'branch', 'repository'].map((fact): [string[], string] => [
    [fact],
    'f USING PRIMARY KEY (workspace=? AND kind=? AND value=? AND createdAt>? AND (createdAt,run)<(?,?))',
  ]),
  [
    ['suite', 'state'],
    'runs_suite_state (workspace=? AND suite=? AND state=? AND createdAt>? AND (createdAt,id)<(?,?))',
  ],
  [['suite'], 'runs_suite (workspace=? AND suite=? AND createdAt>? AND (createdAt,id)<(?,?))'],
  [['state'], 'runs_state (workspace=? AND state=? AND createdAt>? AND (createdAt,id)<(?,?))'],
  [[], 'runs_created (workspace=? AND createdAt>? AND (createdAt,id)<(?,?))'],
]
const FILTERS: (keyof RunFilter)[] = ['suite', 'state', 'label', 'commit', 'branch', 'repository']
const listStatements = Array.from({ length: 2 ** FILTERS.length }, (_, bits): [string, string] => {
  const filters = FILTERS.filter((_filter, i) => bits & (1 << i))
  return [`list of runs by ${filters.join(', ') || 'nothing'}`, runListSql(new Set(filters))]
})

const AUDIT_FILTERS: (keyof AuditFilter)[] = ['workspace', 'user', 'credential', 'action']
const auditStatements = Array.from({ length: 2 ** AUDIT_FILTERS.length }, (_, bits): [string, string] => {
  const filters = AUDIT_FILTERS.filter((_filter, i) => bits & (1 << i))
  return [`list of the audit log by ${filters.join(', ') || 'nothing'}`, auditListSql(new Set(filters))]
})

describe('the query plan', async () => {
  const statements = [...(await allStatements()), ...listStatements, ...auditStatements]
  let connection: DatabaseSync
  beforeAll(() => {
    connection = new DatabaseSync(':memory:')
    migrate(connection, ':memory:')
  })
  const planOf = (sql: string) =>
    connection
      .prepare(`EXPLAIN QUERY PLAN ${sql}`)
      .all()
      .map(({ detail }) => detail as string)

  it('is known for every statement of the adapter', () => {
    expect(statements.length).toBeGreaterThan(150)
    expect(Object.keys(MAY_SCAN).filter((name) => !statements.some(([known]) => known === name))).toEqual([])
  })

  it.each(statements.filter(([name]) => !(name in MAY_SCAN)))(
    'of %s searches an index and scans nothing',
    (_name, sql) => {
      const plan = planOf(sql)
      expect(plan.filter((step) => step.startsWith('SCAN') && step !== 'SCAN CONSTANT ROW')).toEqual([])
      expect(plan.filter((step) => step.includes('TEMP B-TREE') || step.includes('AUTOMATIC'))).toEqual([])
    },
  )

  it.each(Object.entries(MAY_SCAN))('of %s reads no table by whole: %s', (name) => {
    const plan = planOf(statements.find(([known]) => known === name)![1])
    if (name.startsWith('SIGNING_KEYS_SQL.')) return
    expect(
      plan.filter((step) => step.startsWith('SCAN') && !/ USING .*INDEX /.test(step)),
      plan.join('; '),
    ).toEqual(name === 'REMOVAL_SQL.replaced' ? ['SCAN replaced_blobs'] : [])
    expect(plan.filter((step) => step.includes('TEMP B-TREE'))).toEqual([])
  })

  it.each(listStatements)('of %s walks one index in order, by all that leads it', (name, sql) => {
    const [, led] = LEADS.find(([filters]) => filters.every((filter) => name.includes(filter)))!
    expect(planOf(sql)[0]).toContain(led)
  })
})
