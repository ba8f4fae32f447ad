// Writes the tables of the code into the documentation: `node tools/docs.ts`. A test compares them.
import { readFileSync, writeFileSync } from 'node:fs'
import { docsTables, withTables } from './docs-tables.ts'

const root = new URL('../', import.meta.url)

for (const [file, parts] of Object.entries(docsTables())) {
  const before = readFileSync(new URL(file, root), 'utf8')
  const after = withTables(before, parts)
  if (after === before) continue
  writeFileSync(new URL(file, root), after)
  console.log(`${file} written`)
}
