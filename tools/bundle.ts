// Builds what users install: dist/cli (one file and its package.json) and dist/action (one file). Reproducible byte for
// byte in any folder: ncc is the project's own and is called from the root.
import { execFileSync } from 'node:child_process'
import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { writeJenkinsResources } from './jenkins-resources.ts'
import { PACKED_ORB, packOrb } from './orb.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const run = (program: string, args: string[]) =>
  execFileSync(`node_modules/.bin/${program}`, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] })

const { version, license } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as {
  version: string
  license: string
}

function bundle(entry: string, out: string, name: string): void {
  const args = [
    'build',
    `build/${entry}/main.js`,
    '-o',
    `build/${out}`,
    '--license',
    'licenses.txt',
    '--target',
    'es2022',
    '--minify',
    '--no-cache',
  ]
  run('ncc', args)
  const text = readFileSync(`${root}build/${out}/index.js`, 'utf8')
  rmSync(`${root}dist/${entry}`, { recursive: true, force: true })
  execFileSync('mkdir', ['-p', `${root}dist/${entry}`])
  writeFileSync(
    `${root}dist/${entry}/${name}`,
    entry === 'cli' && !text.startsWith('#!') ? `#!/usr/bin/env node\n${text}` : text,
  )
  writeFileSync(`${root}dist/${entry}/licenses.txt`, readFileSync(`${root}build/${out}/licenses.txt`))
}

rmSync(`${root}build`, { recursive: true, force: true })
run('tsc', ['-p', 'tsconfig.build.json'])
writeFileSync(`${root}build/package.json`, '{"type":"module"}\n')
bundle('cli', 'bundle-cli', 'verdict.mjs')
bundle('action', 'bundle-action', 'index.js')
chmodSync(`${root}dist/cli/verdict.mjs`, 0o755)

const cliPackage = {
  name: 'verdict-cli',
  version,
  description: 'Run a suite on a Verdict server and exit with its verdict.',
  license,
  type: 'module',
  bin: { verdict: 'verdict.mjs' },
  files: ['verdict.mjs', 'licenses.txt'],
  engines: { node: '>=20' },
}
writeFileSync(`${root}dist/cli/package.json`, `${JSON.stringify(cliPackage, null, 2)}\n`)
writeFileSync(`${root}dist/action/package.json`, '{"type":"module"}\n')
// The Jenkins library carries the client with it.
writeJenkinsResources()
writeFileSync(PACKED_ORB, packOrb())
