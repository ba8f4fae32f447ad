import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Value } from 'typebox/value'
import { describe, expect, it } from 'vitest'
import { DefinitionInput } from '../../contract/suites.ts'
import { loadSuiteFile, readSuiteFile } from '../../tree/suite-file.ts'
import { SuiteFileError } from '../../tree/suite-file-error.ts'
import { newFolder } from './folders.ts'

const WHOLE = `
project: shop
suites:
  checkout:
    kind: command
    files: [src, ./tests/, package.json]
    setup: npm ci
    run: node --test
    report: report.xml
    artifacts: [screenshots/**]
    timeout: 1h30m
    attempts: 1
    concurrency: 2
    network: internet
    limits: { memory: 1 GiB, processes: 64, disk: 512 MiB }
    runsOn: linux
    variables: { TARGET: "https://staging.example", PORT: 0080, RATIO: 1.50, DEBUG: true, EMPTY: "" }
    secrets: [SHOP_TOKEN]
    locked: false
  smoke:
    run: true
`

function problemsOf(text: string): string[] {
  try {
    readSuiteFile('verdict.yaml', text)
  } catch (error) {
    if (error instanceof SuiteFileError) return error.message.split('\n')
    throw error
  }
  return []
}

/** One suite with these lines, each indented as it has to be; the first of them is line 3. */
const suite = (...lines: string[]) => ['suites:', '  a:', ...lines.map((line) => `    ${line}`), ''].join('\n')

describe('a suite file', () => {
  it('becomes definitions in seconds and bytes', () => {
    const file = readSuiteFile('/repo/verdict.yaml', WHOLE)
    expect(file).toMatchObject({ path: '/repo/verdict.yaml', root: '/repo', project: 'shop' })
    expect([...file.suites]).toEqual([
      [
        'shop/checkout',
        {
          kind: 'command',
          files: ['src', 'tests', 'package.json'],
          setup: 'npm ci',
          run: 'node --test',
          report: ['report.xml'],
          artifacts: ['screenshots/**'],
          timeoutSeconds: 5400,
          attempts: 1,
          concurrency: 2,
          network: 'internet',
          limits: { memoryBytes: 1024 ** 3, processes: 64, diskBytes: 512 * 1024 ** 2 },
          runsOn: ['linux'],
          variables: { TARGET: 'https://staging.example', PORT: '0080', RATIO: '1.50', DEBUG: 'true', EMPTY: '' },
          secrets: ['SHOP_TOKEN'],
          locked: false,
        },
      ],
      ['shop/smoke', { run: 'true' }],
    ])
  })

  it('gives what the wire takes', () => {
    for (const definition of readSuiteFile('verdict.yaml', WHOLE).suites.values()) {
      expect(Value.Check(DefinitionInput, definition)).toBe(true)
    }
  })

  it('may have names with a slash instead of a project, aliases, and Windows line ends', () => {
    const text =
      'suites:\r\n  shop/a: &a\r\n    run: x\r\n    files: &f [src]\r\n  shop/b: *a\r\n  c: { run: y, files: *f }\r\n'
    const file = readSuiteFile('verdict.yaml', text)
    expect(Object.fromEntries(file.suites)).toEqual({
      'shop/a': { run: 'x', files: ['src'] },
      'shop/b': { run: 'x', files: ['src'] },
      c: { run: 'y', files: ['src'] },
    })
  })

  it('keeps a variable whose name is one of JavaScript', () => {
    const file = readSuiteFile('verdict.yaml', suite('run: x', 'variables: { __proto__: a, constructor: b }'))
    expect(Object.entries(file.suites.get('a')?.variables ?? {})).toEqual([
      ['__proto__', 'a'],
      ['constructor', 'b'],
    ])
  })

  it.each([
    ['', '1:1: the file is empty: it needs suites, for example suites: { smoke: { run: npm test } }'],
    ['# nothing\n', '1:1: the file is empty: it needs suites, for example suites: { smoke: { run: npm test } }'],
    ['project: shop\n', '1:1: "suites" is missing: for example suites: { smoke: { run: npm test } }'],
    ['suites:\n', '1:1: "suites" has no value: give it one, or remove the line'],
    ['suites: {}\n', '1:9: "suites" is empty: name at least one, for example suites: { smoke: { run: npm test } }'],
    ['suites: [a]\n', '1:9: "suites" must be a mapping of keys to values, not a list'],
    ['- a\n', '1:1: a suite file must be a mapping of keys to values, not a list'],
    ['just text', '1:1: a suite file must be a mapping of keys to values, not "just text"'],
    ['suits:\n  a: { run: x }\nsuites: { b: { run: x } }\n', '1:1: unknown key "suits" (did you mean "suites"?)'],
    ['suites:\n  a:\n', '2:3: the suite is empty: it needs at least "run", the command of the tests'],
    ['suites:\n  a: npm test\n', '2:6: a suite must be a mapping of keys to values, not "npm test"'],
    ['suites: { a: { setup: x } }\n', '1:11: "run" is missing: the command of the tests'],
    ['suites: { A: { run: x } }\n', /^1:11: "A" is no suite's name: a-z, 0-9/],
    ['suites: { a/b/c: { run: x } }\n', /^1:11: "a\/b\/c" is no suite's name/],
    ['project: shop\nsuites: { a/b: { run: x } }\n', /^2:11: "shop\/a\/b" is no suite's name/],
    ['project: Shop/x\nsuites: { a: { run: x } }\n', '1:10: "project" is made of a-z, 0-9, ".", "_" and "-"'],
    [`suites: { ${'a'.repeat(101)}: { run: x } }\n`, /^1:11: "a+" is no suite's name/],
    [suite('run: x', 'tiemout: 10m'), '4:5: unknown key "tiemout" (did you mean "timeout"?)'],
    [suite('run: x', 'toString: 1'), '4:5: unknown key "toString"'],
    [suite('run: x', 'run: y'), '4:5: this key is given twice: keep one of them'],
    [suite('run: ""'), '3:10: "run" is empty'],
    [suite('run:'), '3:5: "run" has no value: give it one, or remove the line'],
    [suite('run: [a, b]'), '3:10: "run" must be a text, not a list'],
    [suite('run: "a\\0b"'), '3:10: "run" holds a NUL character, which no program can be given'],
    [suite(`run: ${'x'.repeat(32_769)}`), '3:10: "run" is longer than 32768 characters'],
    [suite('run: x', 'kind: http'), '4:11: the kind "http" is not supported yet: "command" is the only one'],
    [suite('run: x', 'source: https://x/a'), '4:13: "source" must be a mapping of keys to values, not "https://x/a"'],
    [suite('run: x', 'source: {}'), '4:13: "source" needs "git", the repository\'s address'],
    [suite('run: x', 'source: { git: "https://x" }'), '4:20: the address in "git" names no repository'],
    [
      suite('run: x', 'source: { git: "ext::sh -c x" }'),
      '4:20: the address in "git" must begin with https:// or ssh://, or have the form git@host:path',
    ],
    [suite('run: x', 'source: { git: "ssh://git@x/a" }'), /^4:13: "credential" in "source" is needed with ssh/],
    [
      suite('run: x', 'source: { git: "git@x:a", credential: KEY }'),
      /^4:13: "hostKeys" in "source" is needed with ssh: .*ssh-keyscan/,
    ],
    [suite('run: x', 'source: { git: "git@x:a", credential: KEY, hostKeys: x }'), /"hostKeys" in "source" has a line/],
    [
      suite('run: x', 'source: { git: "https://x/a", hostKeys: x }'),
      /"hostKeys" in "source" is for addresses of ssh only/,
    ],
    [suite('run: x', 'source: { git: "git@x:a", credential: KEY, hostKeys: [] }'), /"hostKeys" in "source" is needed/],
    [suite('run: x', 'source: { git: "https://x/a", ref: main }'), '4:35: unknown key "ref"'],
    [
      suite('run: x', 'source: { git: "https://x/a", credential: "ghp-1" }'),
      /"credential", the name of a secret, is made of/,
    ],
    [suite('run: x', 'source: { git: "https://x/a", submodules: all }'), /"submodules" must be true or false/],
    [suite('run: x', 'schedule: daily'), '4:5: "schedule" is not supported yet: remove it'],
    [suite('run: x', 'timeout: 10'), '4:14: "timeout" must be a duration such as 45s, 10m or 1h30m, not "10"'],
    [suite('run: x', 'timeout: soon'), '4:14: "timeout" must be a duration such as 45s, 10m or 1h30m, not "soon"'],
    [suite('run: x', 'timeout: 0s'), '4:14: "timeout" must be at least 1s and at most 24h, not "0s"'],
    [suite('run: x', 'timeout: 25h'), '4:14: "timeout" must be at least 1s and at most 24h, not "25h"'],
    [suite('run: x', 'attempts: 4'), '4:15: "attempts" must be a whole number from 1 to 3, not "4"'],
    [suite('run: x', 'attempts: "2"'), '4:15: "attempts" must be a whole number from 1 to 3, not "2"'],
    [suite('run: x', 'concurrency: 0'), '4:18: "concurrency" must be a whole number from 1 to 1000, not "0"'],
    [
      suite('run: x', 'network: intrenet'),
      '4:14: "network" must be none, internet, host, not "intrenet" (did you mean "internet"?)',
    ],
    [
      suite('run: x', 'limits: { memory: 2 }'),
      '4:23: "memory" must be a size such as 512 MiB, 2 GiB or 100 MB, not "2"',
    ],
    [
      suite('run: x', 'limits: { memory: 1 MB }'),
      '4:23: "memory" must be at least 16 MiB and at most 1024 TiB, not "1 MB"',
    ],
    [suite('run: x', 'limits: { memry: 1 GiB }'), '4:15: unknown key "memry" (did you mean "memory"?)'],
    [suite('run: x', 'limits: 2 GiB'), '4:13: "limits" must be a mapping of keys to values, not "2 GiB"'],
    [suite('run: x', 'runsOn: Linux!'), /^4:13: "runsOn": "Linux!" is no label/],
    [suite('run: x', 'locked: yes'), '4:13: "locked" must be true or false, not "yes"'],
    [suite('run: x', 'files: []'), '4:12: "files" is empty: leave it out to pack the whole tree'],
    [suite('run: x', 'files: [""]'), '4:13: each of "files" is empty'],
    [suite('run: x', 'files: [a, ]', 'report: [[a]]'), '5:14: each of "report" must be a text, not a list'],
    [suite('run: x', 'files:', '  - a', '  -'), '6:8: "files" has an empty item'],
    [suite('run: x', 'files: { a: b }'), '4:12: "files" must be a list, not a mapping'],
    [
      suite('run: x', 'files: ["!src"]'),
      '4:13: each of "files": "!src" begins with "!": what is to be left out is written into .verdictignore',
    ],
    [
      suite('run: x', 'report: /tmp/report.xml'),
      `4:13: "report": "/tmp/report.xml" is an absolute path: write it relative to the suite file's folder`,
    ],
    [suite('run: x', 'report: C:/report.xml'), /4:13: .* is an absolute path/],
    [
      suite('run: x', 'report: ../report.xml'),
      `4:13: "report": "../report.xml" leads out of the suite file's folder by ".."`,
    ],
    [suite('run: x', 'artifacts: [a/../../b]'), /^4:17: .* leads out/],
    [suite('run: x', 'report: a\\b.xml'), '4:13: "report": "a\\\\b.xml" holds a backslash: write / between folders'],
    [suite('run: x', 'report: "a\\0b"'), '4:13: "report" holds a NUL character, which no program can be given'],
    [suite('run: x', 'report: "a\\nb"'), /^4:13: "report": .* holds a control character$/],
    [suite('run: x', `report: ${'r'.repeat(501)}`), '4:13: "report" is longer than 500 characters'],
    [suite('run: x', `files: [${'a, '.repeat(101)}]`), '4:12: "files" has more than 100 items'],
    [suite('run: x', 'variables: { 1A: x }'), /^4:18: "1A" is no name: it is made of/],
    [suite('run: x', 'variables: { PATH: x }'), '4:18: the variable PATH is reserved: choose another name'],
    [suite('run: x', 'variables: { ld_preload: x }'), '4:18: the variable ld_preload is reserved: choose another name'],
    [suite('run: x', 'variables: { A: }'), '4:18: the variable A has no value; an empty one is written ""'],
    [suite('run: x', 'variables: { A: null }'), '4:21: the variable A must be a text; an empty one is written ""'],
    [suite('run: x', 'variables: { A: [x] }'), '4:21: the variable A must be a text; an empty one is written ""'],
    [suite('run: x', 'variables: [A]'), '4:16: "variables" must be a mapping of keys to values, not a list'],
    [suite('run: x', 'secrets: TOKEN'), '4:14: "secrets" must be a list, not one value'],
    [suite('run: x', 'secrets: { TOKEN: hunter2 }'), '4:14: "secrets" must be a list, not a mapping'],
    [
      suite('run: x', 'secrets: [TOKEN=hunter2]'),
      /^4:15: a name in "secrets" is made of .*; a secret's value does not belong into this file$/,
    ],
    [
      suite('run: x', 'secrets: [VERDICT_API_KEY]'),
      '4:15: VERDICT_API_KEY is reserved: choose another name for the secret',
    ],
    [suite('run: x', 'secrets: [A, B, A]'), '4:14: "secrets" names A twice: keep one of them'],
    [
      suite('run: x', 'secrets: [A]', 'variables: { A: x }'),
      '2:3: A is both a variable and a secret: it can only be one of them',
    ],
    [suite('run: !exec x'), /^3:10: Unresolved tag: !exec/],
    [suite('<<: { run: x }', 'run: y'), '3:5: merge keys are not supported: write the fields out'],
    [suite('run: *nothing'), '3:10: there is no anchor &nothing before this alias'],
    ['suites:\n\ta: b\n', /^2:\d+: Tabs are not allowed as indentation/],
    ['suites: { a: { run: x }\n', /^\d:\d+: .*flow map.*/i],
    ['suites: { a: { run: x } }\n---\nsuites: {}\n', /^2:1: .*multiple documents/],
    ['? [a]\n: b\n', /^1:\d+: /],
  ])('%j is refused at its place', (text, expected) => {
    const [first = ''] = problemsOf(text)
    expect(first.startsWith('verdict.yaml:')).toBe(true)
    const rest = first.slice('verdict.yaml:'.length)
    if (typeof expected === 'string') expect(rest).toBe(expected)
    else expect(rest).toMatch(expected)
  })

  it('reports everything that is wrong at once, in the order of the lines', () => {
    const text = 'suites:\n  a:\n    tiemout: 10m\n    attempts: 9\n  B: { run: x }\n  c: { run: x, report: /r }\n'
    expect(problemsOf(text).map((line) => line.split(': ')[0])).toEqual([
      'verdict.yaml:2:3',
      'verdict.yaml:3:5',
      'verdict.yaml:4:15',
      'verdict.yaml:5:3',
      'verdict.yaml:6:24',
    ])
  })

  it('names at most twenty problems', () => {
    const text = `suites:\n${Array.from({ length: 30 }, (_, index) => `  a${index}: { run: "" }`).join('\n')}\n`
    expect(problemsOf(text)).toHaveLength(21)
    expect(problemsOf(text).at(-1)).toBe('verdict.yaml: and 10 more')
  })

  it('never shows what could be a secret', () => {
    const text = suite(
      'run: x',
      'secrets: [TOKEN=hunter2, { A: hunter2 }]',
      'variables: { A: [hunter2], B: "hunter2\\0" }',
    )
    expect(problemsOf(text)).toHaveLength(4)
    expect(problemsOf(text).join()).not.toContain('hunter2')
  })

  it('is refused when aliases multiply, and when brackets are nested without end', () => {
    const bomb = `a: &a [x]\n${Array.from({ length: 200 }, (_, index) => `b${index}: *a`).join('\n')}\n`
    expect(problemsOf(bomb)).toEqual(['verdict.yaml:102:7: more than 100 aliases: write the values out'])
    expect(problemsOf(`suites: ${'['.repeat(200_000)}`)[0]).toMatch(/^verdict\.yaml:1:\d+: /)
  })
})

describe('a suite file on disk', () => {
  async function load(bytes: Uint8Array | string) {
    const path = join(await newFolder(), 'verdict.yaml')
    await writeFile(path, bytes)
    return { path, file: loadSuiteFile(path) }
  }

  it('is read with a byte order mark too', async () => {
    const { file } = await load('\uFEFFsuites: { a: { run: x } }')
    expect([...(await file).suites.keys()]).toEqual(['a'])
  })

  it('is refused when it is not UTF-8, with the line', async () => {
    const { path, file } = await load(
      Buffer.concat([Buffer.from('suites:\n  a:\n    run: "'), Buffer.from([0xe9]), Buffer.from('"')]),
    )
    await expect(file).rejects.toThrow(`${path}:3:1: is not UTF-8: save it in that encoding`)
  })

  it('is refused above 1 MB', async () => {
    const { path, file } = await load(`# ${'x'.repeat(1_000_000)}\nsuites: { a: { run: x } }`)
    await expect(file).rejects.toThrow(`${path}:1:1: is 1000028 bytes long, and a suite file has at most 1 MB`)
  })

  it("that is not there gives the file system's error", async () => {
    await expect(loadSuiteFile(join(await newFolder(), 'verdict.yaml'))).rejects.toMatchObject({ code: 'ENOENT' })
  })
})
