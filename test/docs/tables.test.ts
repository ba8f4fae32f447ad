import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { docsTables, withTables } from '../../tools/docs-tables.ts'
import { root } from './markdown-files.ts'

describe('tables of the documentation', () => {
  it.each(Object.entries(docsTables()))('are those of the code (else: node tools/docs.ts): %s', (file, parts) => {
    const text = readFileSync(`${root}${file}`, 'utf8')
    expect(withTables(text, parts)).toBe(text)
  })

  it('are missed where their mark is gone', () => {
    expect(() => withTables('# No table\n', { settings: '| a |' })).toThrow('table: settings')
  })
})
