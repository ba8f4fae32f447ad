import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { LeakSearch, MEANT } from '../support/e2e-leaks.ts'
import { temporaryFolder } from '../support/folder.ts'

// All end-to-end tests rely on it, so it must find what there is to be found.

const KEY = `vdt_${'a1B2c3D4e5'.repeat(3)}000000`
const TOKEN = `eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ1c3JfMSJ9.c2lnbmF0dXJl`

it.each([
  { what: 'an API key', text: `Authorization: ${KEY}` },
  { what: 'an access token', text: `{"token":"${TOKEN}"}` },
  { what: 'a secret of 12 characters', text: 'the value is "not-for-you!"' },
])('finds $what in an output and in a file, and does not show it', ({ what, text }) => {
  const folder = temporaryFolder('verdict-leaks-')
  writeFileSync(join(folder, 'page.bin'), Buffer.concat([Buffer.from([0, 255, 254]), Buffer.from(text)]))
  const search = new LeakSearch()
  search.secret('not-for-you!')
  search.output('a log', () => text)
  search.folder(folder)
  expect(search.found()).toEqual([`${what} in a log`, `${what} in ${join(folder, 'page.bin')}`])
})

it('takes a first key for meant once, and a mask where GitHub reads it', () => {
  const search = new LeakSearch()
  search.output('a first start', () => `The first API key:\n\n  ${KEY}\n\n`, MEANT.firstKey)
  search.output('an Action', () => `::add-mask::${KEY}\n::add-mask::${TOKEN}\nnothing else\n`, MEANT.masks)
  expect(search.found()).toEqual([])
  search.output('another start', () => `  ${KEY}\n  ${KEY}\n`, MEANT.firstKey)
  expect(search.found()).toEqual(['an API key in another start'])
})
