import { describe, expect, it } from 'vitest'
import { firstLine } from '../../gate/planned-suite.ts'
import { planSuites } from '../../gate/suites.ts'
import { clientFor, problem, scriptedServer } from '../client/scripted-server.ts'
import { folderWith } from './gate-world.ts'

const SHOP = {
  '.git/HEAD': '',
  'verdict.yaml': 'project: shop\nsuites: { smoke: { run: "true" }, slow: { run: "true", files: [src] } }',
  'src/a.txt': 'a',
  'src/deep/b.txt': 'b',
  '.env': 'S=1',
}
const stored = (name: string, more: object = {}) => ({
  name,
  revision: 7,
  definition: { timeoutSeconds: 5 },
  updatedAt: '2026-11-20T10:00:00.000Z',
  ...more,
})
const STORE = {
  'GET /v1/suites/shop%2Fsmoke': { json: stored('shop/smoke') },
  'GET /v1/suites/lint': { json: stored('lint') },
  'GET /v1/suites/ghost': { json: stored('ghost', { revision: null, definition: null }) },
  'GET /v1/suites': {
    json: {
      items: [stored('shop/smoke'), stored('shop/slow'), stored('lint'), stored('ghost', { definition: null })],
      next: null,
    },
  },
  '*': problem(404, 'unknown_suite'),
}
const NO_SOURCE = { commit: null, dirty: null }

async function planned(names: string[], { stored = false, below = '' } = {}) {
  await using server = await scriptedServer(STORE)
  await using folder = await folderWith(SHOP)
  const plan = await planSuites({ names, stored, directory: folder.path + below }, clientFor(server.url))
  return plan.suites.map((suite) => firstLine(suite, NO_SOURCE))
}

describe('which suites run, and from where', () => {
  it.each([
    [
      'all of the file when none is named',
      [],
      {},
      ['shop/smoke from this tree (3 files)', 'shop/slow from this tree (2 files)'],
    ],
    ['a name without its project', ['slow'], {}, ['shop/slow from this tree (2 files)']],
    ['a glob', ['sm*'], {}, ['shop/smoke from this tree (3 files)']],
    ['a folder below that of the file', ['smoke'], { below: '/src/deep' }, ['shop/smoke from this tree (3 files)']],
    ['a suite that the file does not have', ['lint'], {}, ['lint, revision 7 of 2026-11-20']],
    ['some of both', ['lint', 'slow'], {}, ['shop/slow from this tree (2 files)', 'lint, revision 7 of 2026-11-20']],
    ['--stored', ['smoke'], { stored: true }, ['shop/smoke, revision 7 of 2026-11-20']],
    [
      '--stored with a glob',
      ['s*'],
      { stored: true },
      ['shop/smoke, revision 7 of 2026-11-20', 'shop/slow, revision 7 of 2026-11-20'],
    ],
    [
      'a suite named twice',
      ['smoke', 'shop/smoke', 's*'],
      {},
      ['shop/smoke from this tree (3 files)', 'shop/slow from this tree (2 files)'],
    ],
  ] as const)('%s', async (_, names, options, lines) => {
    expect(await planned([...names], options)).toEqual(lines)
  })

  it('runs a suite with a source from this tree without it', async () => {
    await using server = await scriptedServer(STORE)
    await using folder = await folderWith({
      '.git/HEAD': '',
      'verdict.yaml': 'suites: { far: { run: x, source: { git: "https://git.example/a" } } }\n',
    })
    const { suites } = await planSuites({ names: [], stored: false, directory: folder.path }, clientFor(server.url))
    expect(suites[0]).toMatchObject({ from: 'tree', definition: { archive: expect.any(String) } })
    expect((suites[0] as { definition: object }).definition).not.toHaveProperty('source')
  })

  it('says what was left out of the archive', async () => {
    await using server = await scriptedServer(STORE)
    await using folder = await folderWith(SHOP)
    const { leftOut, root } = await planSuites(
      { names: [], stored: false, directory: `${folder.path}/src` },
      clientFor(server.url),
    )
    expect(leftOut).toEqual([expect.stringMatching(/^\.env was not packed: it may hold secrets/)])
    expect(root).toBe(folder.path)
  })

  it.each([
    ['an unknown name, with near ones', ['smok'], {}, 'There is no suite "smok"', 'shop/smoke'],
    ['an unknown stored name', ['lnt'], { stored: true }, 'There is no suite "lnt"', 'lint'],
    ['a glob like nothing', ['zz*'], { stored: true }, 'There is no suite "zz*"', 'pushed are'],
    ['a suite that was never pushed', ['ghost'], {}, 'was never pushed', 'verdict suites push'],
  ] as const)('refuses %s', async (_, names, options, message, hint) => {
    const error = await planned([...names], options).catch((thrown) => thrown)
    expect(error.name).toBe('WrongUseError')
    expect(error.message).toContain(message)
    expect(error.message).toContain(hint)
  })

  it.each([
    [false, 'There is no verdict.yaml in'],
    [true, 'Which suites?'],
  ])('refuses nothing at all (--stored %s)', async (stored, message) => {
    await using folder = await folderWith({ '.git/HEAD': '' })
    const plan = planSuites({ names: [], stored, directory: folder.path }, clientFor('http://127.0.0.1:1'))
    await expect(plan).rejects.toThrow(message)
  })

  it('runs a stored suite although the key may not read suites', async () => {
    await using server = await scriptedServer({ '*': problem(403, 'insufficient_scope') })
    await using folder = await folderWith({})
    const plan = await planSuites({ names: ['lint'], stored: false, directory: folder.path }, clientFor(server.url))
    expect(plan.suites).toEqual([{ from: 'stored', name: 'lint', stored: undefined }])
  })

  it('passes a broken suite file on, with its line', async () => {
    await using folder = await folderWith({ 'verdict.yaml': 'suites:\n  smoke: { rum: x }\n' })
    const plan = planSuites({ names: [], stored: false, directory: folder.path }, clientFor('http://127.0.0.1:1'))
    await expect(plan).rejects.toThrow(/verdict\.yaml:2:/)
  })
})
