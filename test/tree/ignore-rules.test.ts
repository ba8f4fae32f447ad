import { execFile } from 'node:child_process'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { chooseFiles } from '../../tree/choose.ts'
import { newFolder, newTree, type Written, writeTree } from './folders.ts'

const run = promisify(execFile)
/** Nothing of this machine's Git settings. */
const ENV = {
  PATH: process.env.PATH ?? '',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
  HOME: '/nonexistent',
}

async function newRepository(tree: Readonly<Record<string, Written>>): Promise<string> {
  const root = await newTree(tree)
  await run('git', ['init', '-q', root], { env: ENV })
  return root
}

async function listedByGit(folder: string): Promise<string[]> {
  const { stdout } = await run('git', ['ls-files', '-co', '--exclude-standard', '-z'], { cwd: folder, env: ENV })
  return stdout.split('\0').filter(Boolean).sort()
}

async function chosen(folder: string): Promise<string[]> {
  return (await chooseFiles(folder, [])).files.map(({ path }) => path)
}

/** Every file that the cases below speak of. */
const FILES = Object.fromEntries(
  [
    ...['a.log', 'keep.log', 'foo', 'Foo', 'foo bar', 'foo ', '#foo', '!foo', 'a[1].txt', 'x\\y', 'é.txt'],
    ...['build/out.js', 'build/keep/x.js', 'build/keep/deep/y.js', 'src/build/out.js', 'src/a.log', 'src/keep.log'],
    ...[
      'src/sub/a.log',
      'src/sub/keep.log',
      'src/sub/b.txt',
      'docs/a.txt',
      'docs/sub/a.txt',
      'a b/c.log',
      '[x]/a.log',
      '[x]/b/c',
    ],
  ].map((path) => [path, 'x']),
)

describe('ignore files', () => {
  it.each<[string, Record<string, string>]>([
    ['a name anywhere', { '.gitignore': '*.log\n' }],
    ['an anchored name', { '.gitignore': '/foo\n/src/a.log\n' }],
    ['a folder anywhere', { '.gitignore': 'build/\n' }],
    ['a folder in the middle', { '.gitignore': 'src/**/a.log\n**/sub\n' }],
    ['what is in a folder, but for some', { '.gitignore': 'build/*\n!build/keep/\n' }],
    ['a file that cannot come back', { '.gitignore': 'build/\n!build/keep/x.js\n' }],
    ['a negation', { '.gitignore': '*.log\n!keep.log\n' }],
    ['everything but some', { '.gitignore': '/*\n!/src/\n/src/*\n!/src/sub/\n' }],
    ['a nested negation', { '.gitignore': '*.log\n', 'src/.gitignore': '!keep.log\n' }],
    ['a nested file that takes back a folder', { '.gitignore': 'build/\n', 'src/.gitignore': '!build/\n' }],
    [
      'three levels that disagree',
      { '.gitignore': '*.log\n', 'src/.gitignore': '!*.log\n', 'src/sub/.gitignore': 'a.log\n' },
    ],
    ['nested anchors', { 'src/.gitignore': '/a.log\nsub/b.txt\n', 'docs/.gitignore': '/*\n!/sub/\n' }],
    ['a nested star', { 'src/.gitignore': '*\n!sub/\n!.gitignore\n' }],
    ['a nested double star', { 'src/.gitignore': '**/keep.log\n', 'build/.gitignore': 'keep/**\n' }],
    ['folders whose names are patterns', { '[x]/.gitignore': '*.log\nb/\n', 'a b/.gitignore': 'c.log\n' }],
    ['comments, spaces and escapes', { '.gitignore': '# foo\n\\#foo\n\\!foo\nfoo\\ bar  \n  \n' }],
    ['escapes in a nested file', { 'src/.gitignore': '# a.log\n\\!foo\na.log   \n\\#foo\nkeep.log\\ \n/\n!\n' }],
    ['a name with a space at its end', { '.gitignore': 'foo\\ \n' }],
    ['brackets', { '.gitignore': 'a\\[1].txt\n[Ff]oo\n' }],
    [
      'Windows line ends and a byte order mark',
      { '.gitignore': '\uFEFF*.log\r\nbuild/\r\n', 'docs/.gitignore': '\uFEFFa.txt\r\n' },
    ],
    ['a question mark and a range', { '.gitignore': 'a.lo?\n[!a-z]oo\n' }],
  ])('leave out what Git leaves out: %s', async (_, ignoreFiles) => {
    const { 'x\\y': _never, ...files } = FILES
    const root = await newRepository({ ...files, ...ignoreFiles })
    expect(await chosen(root)).toEqual(await listedByGit(root))
    expect(await chosen(join(root, 'src'))).toEqual(await listedByGit(join(root, 'src')))
  })

  it('leave out what Git leaves out, whatever they say', async () => {
    const root = await newRepository({})
    const name = fc.constantFrom('a', 'b', 'c.x', 'd.x')
    const folder = fc.constantFrom('', 'a/', 'b/', 'a/b/', 'b/a/')
    const part = fc.constantFrom('a', 'b', '*', '**', '*.x', 'c.*', '?', '[ab]', 'd.x')
    const line = fc
      .tuple(
        fc.constantFrom('', '', '!'),
        fc.constantFrom('', '', '/'),
        fc.array(part, { minLength: 1, maxLength: 3 }),
        fc.constantFrom('', '', '/'),
      )
      .map(([negation, anchor, parts, end]) => negation + anchor + parts.join('/') + end)
    const ignoreFile = fc.array(line, { minLength: 1, maxLength: 4 }).map((lines) => `${lines.join('\n')}\n`)
    const tree = fc.record({
      files: fc.uniqueArray(fc.tuple(folder, name), { minLength: 3, maxLength: 12, selector: String }),
      rules: fc.dictionary(folder, ignoreFile, { maxKeys: 3 }),
    })
    await fc.assert(
      fc.asyncProperty(tree, async ({ files, rules }) => {
        for (const top of ['a', 'b', 'c.x', 'd.x', '.gitignore'])
          await rm(join(root, top), { recursive: true, force: true })
        for (const [where] of [...files, ...Object.keys(rules).map((where) => [where])]) {
          await mkdir(join(root, where ?? ''), { recursive: true })
        }
        // A name may be wanted both as a file and as a folder: the folder is there first.
        for (const [where, file] of files) await writeFile(join(root, where, file), '').catch(() => undefined)
        await writeTree(
          root,
          Object.fromEntries(Object.entries(rules).map(([where, text]) => [`${where}.gitignore`, text])),
        )
        expect(await chosen(root)).toEqual(await listedByGit(root))
      }),
      { numRuns: 150 },
    )
  })

  it('of the folders above count up to the repository, and no further', async () => {
    const outer = await newTree({
      '.gitignore': '*.ts\n',
      'repo/.gitignore': '*.log\n/shop/out/\n',
      'repo/shop/a.log': '',
      'repo/shop/b.ts': '',
    })
    await writeTree(outer, { 'repo/shop/out/x': '', 'repo/shop/src/out/x': '' })
    await run('git', ['init', '-q', join(outer, 'repo')], { env: ENV })
    expect(await chosen(join(outer, 'repo/shop'))).toEqual(['b.ts', 'src/out/x'])
  })

  it('do not hide the folder that the suite file is in', async () => {
    const root = await newRepository({
      '.gitignore': 'generated/\n*.log\n',
      'generated/shop/x.ts': '',
      'generated/shop/x.log': '',
    })
    expect(await chosen(join(root, 'generated/shop'))).toEqual(['x.ts'])
  })

  it('of Verdict leave out more, and take nothing back that Git leaves out', async () => {
    const root = await newRepository({
      '.gitignore': '*.log\n',
      '.verdictignore': '!a.log\nvideos/\n',
      'videos/x.mp4': '',
      'a.log': '',
      b: '',
    })
    await writeTree(root, {
      'sub/.gitignore': '!keep.log\n',
      'sub/keep.log': '',
      'sub/.verdictignore': 'c\n',
      'sub/c': '',
    })
    expect(await chosen(root)).toEqual([
      '.gitignore',
      '.verdictignore',
      'b',
      'sub/.gitignore',
      'sub/.verdictignore',
      'sub/keep.log',
    ])
  })

  it('that are links or folders are not read', async () => {
    const root = await newTree({
      rules: '*.log\n',
      '.gitignore': { link: 'rules' },
      '.verdictignore/x': '',
      'a.log': '',
    })
    expect(await chosen(root)).toEqual(['.gitignore', '.verdictignore/x', 'a.log', 'rules'])
  })

  it('are read outside of a repository too', async () => {
    const root = await newFolder()
    await writeTree(root, { '.gitignore': 'node_modules/\n', 'node_modules/x/index.js': '', 'index.js': '' })
    expect(await chosen(root)).toEqual(['.gitignore', 'index.js'])
  })
})
