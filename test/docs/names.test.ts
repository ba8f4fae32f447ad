import { describe, expect, it } from 'vitest'
import { ERRORS } from '../../contract/errors.ts'
import { REASONS } from '../../contract/reasons.ts'
import { SCOPES } from '../../contract/scopes.ts'
import { SETTINGS } from '../../server/settings.ts'
import { SUITE_FIELDS } from '../../tree/suite-fields.ts'
import { markdownFiles } from './markdown-files.ts'

/** Names that are no settings of the server: of clients, of a command, of a run's environment, of the tests. */
const OTHER_NAMES = [
  'VERDICT_URL',
  'VERDICT_API_KEY',
  'VERDICT_ALLOW_HTTP',
  'VERDICT_WORKER_KEY',
  'VERDICT_COPY_TO',
  'VERDICT_TEST_LEASE_SECONDS',
  'VERDICT_RUN_ID',
  'VERDICT_ATTEMPT',
  'VERDICT_SUITE',
  'VERDICT_COMMIT',
  'VERDICT_BRANCH',
  'VERDICT_PULL_REQUEST',
]

const page = (path: string) => markdownFiles().find((file) => file.path === path)?.text ?? ''

describe('names in the documentation', () => {
  it('of variables are settings of the server, or what clients and runs have', () => {
    const known = new Set<string>([...Object.values(SETTINGS).map(({ name }) => name), ...OTHER_NAMES])
    const named = markdownFiles().flatMap(({ path, text }) =>
      [...text.matchAll(/\bVERDICT_[A-Z_]*[A-Z]\b/g)].map(([name]) => [path, name] as const),
    )
    expect(named.length).toBeGreaterThan(50)
    expect(named.filter(([, name]) => !known.has(name))).toEqual([])
  })

  it('of scopes are scopes', () => {
    const named = markdownFiles().flatMap(({ text }) => [
      ...text.matchAll(/\b(?:runs|suites|keys|users|members|workers):(?:read|write)\b/g),
    ])
    expect(named.map(([name]) => name).filter((name) => !(SCOPES as readonly string[]).includes(name))).toEqual([])
  })

  it('explain every reason with which a run ends, each with its state', () => {
    const table = page('docs/troubleshooting.md')
    const explained = (code: string, state: string) =>
      table
        .split('\n')
        .some((line) => line.split('|')[1]?.includes(`\`${code}\``) && line.split('|')[2]?.trim() === state)
    expect(Object.entries(REASONS).filter(([code, { state }]) => !explained(code, state))).toEqual([])
  })

  it('explain every key of a suite', () => {
    const table = page('docs/suite-file.md')
    expect(Object.keys(SUITE_FIELDS).filter((key) => !table.includes(`| \`${key}\` |`))).toEqual([])
  })

  it('of error codes are codes, where a table explains them', () => {
    const codes = [...page('docs/troubleshooting.md').matchAll(/^\| ((?:`[a-z_]+` ?)+)\|/gm)].flatMap(([, cell = '']) =>
      [...cell.matchAll(/`([a-z_]+)`/g)].map(([, code = '']) => code),
    )
    expect(codes.length).toBeGreaterThan(20)
    expect(codes.filter((code) => !(code in ERRORS) && !(code in REASONS))).toEqual([])
  })

  it.each([
    ['paths of a machine', /(?:^|[\s"'`(])\/(?:work|root|home\/(?!verdict)|Users)\//],
    ['hosts of registries', /\bregistry\.[a-z]/],
    ['emoji', /\p{Extended_Pictographic}/u],
  ])('hold no %s', (_, pattern) => {
    expect(
      markdownFiles()
        .filter(({ text }) => pattern.test(text))
        .map(({ path }) => path),
    ).toEqual([])
  })
})
