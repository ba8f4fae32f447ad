import { execFileSync } from 'node:child_process'
import { chmod, mkdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { chooseFiles } from '../../tree/choose.ts'
import { TreeError, TreeTooLargeError } from '../../tree/tree-error.ts'
import { newTree, type Written } from './folders.ts'

async function choose(tree: Readonly<Record<string, Written>>, patterns: string[] = []) {
  const { files, leftOut } = await chooseFiles(await newTree(tree), patterns)
  return {
    paths: files.map(({ path }) => path),
    files,
    leftOut: leftOut.map(({ path, reason }) => `${path} ${reason}`),
  }
}

const TREE = {
  'src/a.ts': 'a',
  'src/sub/b.ts': 'b',
  'src/sub/c.js': 'c',
  'tests/t.ts': 't',
  'package.json': '{}',
  '.eslintrc': '',
}

describe('files are chosen', () => {
  it.each([
    [[], ['.eslintrc', 'package.json', 'src/a.ts', 'src/sub/b.ts', 'src/sub/c.js', 'tests/t.ts']],
    [['.'], ['.eslintrc', 'package.json', 'src/a.ts', 'src/sub/b.ts', 'src/sub/c.js', 'tests/t.ts']],
    [['src'], ['src/a.ts', 'src/sub/b.ts', 'src/sub/c.js']],
    [
      ['./src/sub/', 'package.json'],
      ['package.json', 'src/sub/b.ts', 'src/sub/c.js'],
    ],
    [
      ['src', 'src/a.ts', 'src/*'],
      ['src/a.ts', 'src/sub/b.ts', 'src/sub/c.js'],
    ],
    [['src/*.ts'], ['src/a.ts']],
    [['**/*.ts'], ['src/a.ts', 'src/sub/b.ts', 'tests/t.ts']],
    [['src/**/*.{js,jsx}'], ['src/sub/c.js']],
    [['s*'], ['src/a.ts', 'src/sub/b.ts', 'src/sub/c.js']],
    [['*'], ['.eslintrc', 'package.json', 'src/a.ts', 'src/sub/b.ts', 'src/sub/c.js', 'tests/t.ts']],
    [['*/sub'], ['src/sub/b.ts', 'src/sub/c.js']],
  ])('by %j: %j', async (patterns, paths) => {
    expect((await choose(TREE, patterns)).paths).toEqual(paths)
  })

  it('with what they are: modes 0644 and 0755 only, sizes, and links as links', async () => {
    const root = await newTree({ 'bin/run': { executable: '#!' }, 'a.txt': 'four', current: { link: 'bin' } })
    await chmod(join(root, 'a.txt'), 0o4640)
    expect((await chooseFiles(root, [])).files).toEqual([
      { path: 'a.txt', kind: 'file', mode: 0o644, size: 4 },
      { path: 'bin/run', kind: 'file', mode: 0o755, size: 2 },
      { path: 'current', kind: 'link', mode: 0o777, size: 3, target: 'bin' },
    ])
  })

  it('by the very name, even if it reads like a glob', async () => {
    const tree = { 'app/[id]/page.ts': '', 'app/i/page.ts': '', 'a{1,2}': '', a1: '' }
    expect((await choose(tree, ['app/[id]', 'a{1,2}'])).paths).toEqual(['app/[id]/page.ts', 'a{1,2}'])
  })

  it('although ignored, when their very path is named', async () => {
    const tree = {
      '.gitignore': 'dist/\n*.log\n',
      'dist/app.js': '',
      'dist/app.log': '',
      'dist/sub/x.js': '',
      'a.log': '',
      b: '',
    }
    expect((await choose(tree, ['dist'])).paths).toEqual(['dist/app.js', 'dist/sub/x.js'])
    expect((await choose(tree, ['dist/app.log', 'a.log'])).paths).toEqual(['a.log', 'dist/app.log'])
    expect((await choose(tree, ['dist/sub', '.'])).paths).toEqual(['.gitignore', 'b', 'dist/sub/x.js'])
  })

  it('less what is ignored, when a glob or a folder around them is named', async () => {
    const tree = { '.gitignore': 'dist/\n*.log\n', 'app/dist/app.js': '', 'app/a.log': '', 'app/b': '' }
    expect((await choose(tree, ['app'])).paths).toEqual(['app/b'])
    expect((await choose(tree, ['app/*'])).paths).toEqual(['app/b'])
  })
})

describe('never packed', () => {
  it.each(['.git/config', '.git/hooks/x', 'sub/.git/config', 'sub/.git', '.GIT/config'])(
    'is %s, whatever takes it in',
    async (path) => {
      const tree = { [path]: '', 'sub/a': '', b: '' }
      for (const patterns of [[], ['.'], ['**'], ['sub', 'b', '*'], ['**/*', '*/**']]) {
        expect((await choose(tree, patterns)).paths).toEqual(['b', 'sub/a'])
      }
    },
  )

  it.each(['.git', '.git/config', 'sub/.git', './.git/', '.git/*', '.Git'])(
    'is %s, even when it is named',
    async (pattern) => {
      const tree = { '.git/config': '', 'sub/.git/config': '', a: '' }
      await expect(choose(tree, [pattern])).rejects.toMatchObject({ code: 'never_packed' })
    },
  )
})

describe('packed only when named', () => {
  it.each([
    ...['.env', '.env.local', '.env.production', '.envrc', '.ENV', '.npmrc', '.netrc', '_netrc', '.pypirc', '.pgpass'],
    ...['.git-credentials', '.dockercfg', 'credentials', 'credentials.json', '.credentials'],
    ...[
      'server.pem',
      'server.PEM',
      'server.key',
      'key.p8',
      'store.p12',
      'store.pfx',
      'app.jks',
      'app.keystore',
      'me.ppk',
      'pass.kdbx',
    ],
    ...['id_rsa', 'id_ed25519', 'id_work', 'id_rsa.old'],
  ])('is %s, at the top and below', async (name) => {
    const tree = { [name]: 'x', [`sub/${name}`]: 'x', a: '' }
    const reason = 'may hold secrets: name it in "files" if the tests need it'
    for (const patterns of [[], ['**'], ['*', 'sub'], ['**/*', '**/*.*', '*.*', 'a'], ['.', 'sub/**']]) {
      const { paths, leftOut } = await choose(tree, patterns).catch(() => choose(tree, ['.']))
      expect(paths).toEqual(['a'])
      expect(leftOut).toEqual([`${name} ${reason}`, `sub/${name} ${reason}`].sort())
    }
    expect((await choose(tree, [name, '.'])).paths).toEqual([name, 'a'].sort())
    expect((await choose(tree, [`sub/${name}`])).paths).toEqual([`sub/${name}`])
  })

  it.each([
    ['certs/*.pem', ['certs/a.pem']],
    ['**/*.pem', ['certs/a.pem']],
    ['.env*', ['.env', '.env.test']],
    ['.env.*', ['.env.test']],
    ['**/id_*', ['certs/id_rsa']],
  ])('is what the last part of the glob %s stands for', async (glob, paths) => {
    const tree = { '.env': '', '.env.test': '', 'certs/a.pem': '', 'certs/id_rsa': '', 'a.ts': '' }
    expect((await choose(tree, [glob])).paths).toEqual(paths)
  })

  it.each(['*', '.*', '*.*', '**', 'certs/*', 'certs', '.e*'])(
    'is nothing that %s takes in by the way',
    async (pattern) => {
      const tree = { '.env': '', 'certs/a.pem': '', 'certs/README.md': '', '.editorconfig': '', 'a.ts': '' }
      const { paths } = await choose(tree, [pattern])
      expect(paths).not.toContain('.env')
      expect(paths).not.toContain('certs/a.pem')
    },
  )

  it.each([
    'id_generator.ts',
    'environment.ts',
    'keys.ts',
    'credentials.ts',
    'credentials/index.ts',
    'monkey',
    'npmrc.md',
  ])('is not %s, which only sounds like it', async (path) =>
    expect((await choose({ [path]: '' })).paths).toEqual([path]),
  )
})

describe('links', () => {
  it('that stay within the tree are packed as links, also dangling ones', async () => {
    const tree = { 'a/x': '', 'b/link': { link: '../a' }, 'b/gone': { link: 'nothing' }, top: { link: 'b/link/x' } }
    expect((await choose(tree)).paths).toEqual(['a/x', 'b/gone', 'b/link', 'top'])
  })

  it('out of the tree, and those that lead there, are left out and said', async () => {
    const tree = {
      a: '',
      abs: { link: '/etc/passwd' },
      'sub/up': { link: '../../x' },
      via: { link: 'sub/up' },
      loop: { link: 'loop' },
    }
    const { paths, leftOut } = await choose(tree)
    expect(paths).toEqual(['a'])
    expect(leftOut).toEqual([
      'abs is a link out of the tree (to "/etc/passwd")',
      'loop is a link out of the tree (to "loop")',
      'sub/up is a link out of the tree (to "../../x")',
      'via is a link out of the tree (to "sub/up")',
    ])
  })

  it('out of the tree are an error when they are named', async () => {
    const choice = choose({ data: { link: '../data' } }, ['data'])
    await expect(choice).rejects.toThrow(
      'data in "files" is a link out of the tree (to "../data"): name the file that it points to, or copy it',
    )
    await expect(choice).rejects.toMatchObject({ code: 'link_outside' })
  })

  it('are never gone through', async () => {
    const outside = await newTree({ 'secret.ts': '' })
    const tree = { data: { link: outside }, here: { link: 'src' }, 'src/a.ts': '' }
    expect((await choose(tree, ['**/*.ts'])).paths).toEqual(['src/a.ts'])
    for (const pattern of ['data/secret.ts', 'data/*.ts', 'here/a.ts', 'data/**']) {
      await expect(choose(tree, [pattern])).rejects.toMatchObject({ code: 'behind_link' })
    }
  })
})

describe('what cannot be packed', () => {
  it('is left out and said when it is a FIFO, and an error when that is named', async () => {
    const root = await newTree({ a: '' })
    execFileSync('mkfifo', [join(root, 'pipe')])
    expect((await chooseFiles(root, [])).leftOut).toEqual([{ path: 'pipe', reason: 'is no regular file' }])
    await expect(chooseFiles(root, ['pipe'])).rejects.toMatchObject({ code: 'not_a_file' })
  })

  it('is left out and said when its name could not be unpacked', async () => {
    const { paths, leftOut } = await choose({ 'a\\b': '', c: '' })
    expect(paths).toEqual(['c'])
    expect(leftOut).toEqual(['a\\b holds a backslash'])
  })

  it.each([
    ['nowhere', 'missing', '"nowhere" in "files" is missing: there is no nowhere'],
    ['srx', 'missing', '"srx" in "files" is missing: there is no srx (did you mean "src"?)'],
    ['src/a.tx', 'missing', '"src/a.tx" in "files" is missing: there is no src/a.tx (did you mean "src/a.ts"?)'],
    ['src/a.ts/b', 'missing', '"src/a.ts/b" in "files" is missing: there is no src/a.ts/b'],
    ['lib/*.ts', 'missing', '"lib/*.ts" in "files" is missing: there is no lib'],
    ['src/*.py', 'nothing_chosen', '"src/*.py" in "files" names nothing: there is no such file'],
    ['empty', 'nothing_chosen', '"empty" in "files" names nothing: there is no such file'],
    [
      '*.log',
      'nothing_chosen',
      '"*.log" in "files" names nothing: ignore files leave out all of it: name the files themselves',
    ],
    [
      'logs',
      'nothing_chosen',
      '"logs" in "files" names nothing: ignore files leave out all of it: name the files themselves',
    ],
    [
      '/etc/passwd',
      'bad_pattern',
      `"/etc/passwd" in "files" is an absolute path: write it relative to the suite file's folder`,
    ],
    ['../x', 'bad_pattern', `"../x" in "files" leads out of the suite file's folder by ".."`],
    ['src/../../x', 'bad_pattern', `"src/../../x" in "files" leads out of the suite file's folder by ".."`],
    ['src\\a.ts', 'bad_pattern', '"src\\\\a.ts" in "files" holds a backslash: write / between folders'],
    ['src//a.ts', 'bad_pattern', '"src//a.ts" in "files" has an empty part or a "."'],
  ])('is refused: %s', async (pattern, code, message) => {
    const root = await newTree({ 'src/a.ts': '', '.gitignore': '*.log\n', 'a.log': '', 'logs/b.log': '' })
    await mkdir(join(root, 'empty'))
    const choice = chooseFiles(root, ['src', pattern])
    await expect(choice).rejects.toBeInstanceOf(TreeError)
    await expect(choice).rejects.toMatchObject({ code, message })
  })

  it('is refused when it lies too deep', async () => {
    await expect(choose({ [`${'d/'.repeat(65)}x`]: '' })).rejects.toMatchObject({ code: 'too_deep' })
    await expect(choose({ [`${'d/'.repeat(65)}x`]: '' }, [`${'d/'.repeat(65)}x`])).rejects.toMatchObject({
      code: 'too_deep',
    })
    expect((await choose({ [`${'d/'.repeat(64)}x`]: '' })).paths).toHaveLength(1)
  })

  it('is nothing at all: an empty tree is a tree', async () => {
    expect(await choose({ '.git/HEAD': '' })).toEqual({ paths: [], files: [], leftOut: [] })
  })

  it('is named with the reason when the file system refuses', async () => {
    const root = await newTree({ a: '' })
    await rename(root, `${root}-moved`)
    await expect(chooseFiles(root, [])).rejects.toMatchObject({ code: 'unreadable' })
    await rename(`${root}-moved`, root)
  })
})

describe('a tree that is too large', () => {
  it('is said with its largest parts, each by the folder that matters', () => {
    const file = (path: string, size: number) => ({ path, kind: 'file' as const, mode: 0o644 as const, size })
    const error = new TreeTooLargeError('pack to more than 10 MB', [
      file('web/public/videos/a.mp4', 90_000_000),
      file('web/public/videos/b.mp4', 80_000_000),
      file('src/a.ts', 2_000_000),
      file('package.json', 900),
    ])
    expect(error.message).toBe(
      'The files of the suite pack to more than 10 MB. The largest: web/public/videos/ 170 MB in 2 files, src/a.ts 2 MB, ' +
        'package.json 900 B. Leave out what the tests do not need: write it into .verdictignore, or name what is needed in "files".',
    )
    expect(error.code).toBe('too_large')
  })
})
