import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { markdownFiles, root } from './markdown-files.ts'

const page = markdownFiles().find(({ path }) => path === 'docs/complaints.md')?.text ?? ''
const rows = page.split('\n').filter((line) => /^\| \d+ \|/.test(line))
const shown = [...page.matchAll(/`(test\/[^:`]+)::([^`]+)`/g)].map(([, file = '', name = '']) => ({ file, name }))

/** Whether a file of tests has one of that name, or a row of that name in a table of cases. */
function has(source: string, name: string): boolean {
  return [`'${name}'`, `"${name}"`, `\`${name}\``].some((quoted) => source.includes(quoted))
}

describe('docs/complaints.md', () => {
  it('answers all 37 complaints, in order', () => {
    expect(rows.map((row) => Number(row.split('|')[1]))).toEqual(Array.from({ length: 37 }, (_, index) => index + 1))
  })

  it('says of each which test shows the answer, or that it is planned', () => {
    expect(rows.filter((row) => !/`test\/[^`]+::/.test(row) && !/planned/.test(row))).toEqual([])
  })

  it.each(shown)('names a test that is there: $file::$name', ({ file, name }) => {
    expect(existsSync(`${root}${file}`), file).toBe(true)
    expect(has(readFileSync(`${root}${file}`, 'utf8'), name), `${file} has no test "${name}"`).toBe(true)
  })
})
