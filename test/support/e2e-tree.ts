import { execFile, spawnSync } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { stringify } from 'yaml'
import { BASICS } from './e2e-process.ts'

const exec = promisify(execFile)

/** Without git there are no commits, and all else works. */
export const hasGit = spawnSync('git', ['--version']).status === 0

/** What a suite of Node's own test runner is run by, as the documentation has it. */
export const NODE_TESTS = {
  run: 'node --test --test-reporter=junit --test-reporter-destination=report.xml',
  report: 'report.xml',
}

/** Shell that says when it begins and takes no notice of being asked to end; two minutes, should nobody stop it. */
export const STUBBORN = "trap '' TERM INT; echo begun; n=0; while [ $n -lt 120 ]; do n=$((n + 1)); sleep 1; done"

/** The text of a verdict.yaml. */
export function suiteFile(suites: Readonly<Record<string, object>>, project?: string): string {
  return stringify({ ...(project === undefined ? {} : { project }), suites })
}

/** Files by path, with `/`. */
export type Files = Readonly<Record<string, string>>

export async function writeFiles(folder: string, files: Files): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    const file = join(folder, path)
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, text)
  }
}

export async function git(folder: string, ...args: string[]): Promise<string> {
  const env = { ...BASICS, HOME: folder, GIT_CONFIG_NOSYSTEM: '1' }
  const author = ['-c', 'user.name=Test', '-c', 'user.email=test@example.com']
  return (await exec('git', [...author, ...args], { cwd: folder, env })).stdout.trim()
}

/** Commits all that there is, in a repository that is made if need be. Resolves with the commit. */
export async function commitAll(folder: string, message: string): Promise<string> {
  await git(folder, 'init', '--quiet', '--initial-branch', 'main')
  await git(folder, 'add', '--all')
  await git(folder, 'commit', '--quiet', '--message', message)
  return git(folder, 'rev-parse', 'HEAD')
}

/** A small shop: code, tests of it, and a suite. `price` is what the code makes of the price. */
export function shop(price = 'net * 1.2'): Files {
  return {
    'package.json': '{ "name": "shop", "type": "module", "private": true }\n',
    'src/price.js': `export const gross = (net) => ${price}\n`,
    'test/price.test.js': [
      "import assert from 'node:assert/strict'",
      "import { test } from 'node:test'",
      "import { gross } from '../src/price.js'",
      "test('adds the tax', () => assert.equal(gross(100), 120))",
      "test('keeps nothing at nothing', () => assert.equal(gross(0), 0))",
      '',
    ].join('\n'),
    'verdict.yaml': suiteFile({ price: NODE_TESTS }),
  }
}
