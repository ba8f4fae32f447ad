import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { readSuiteFile } from '../../tree/suite-file.ts'
import { checkout } from './checkout.ts'
import { machine, verdict } from './machine.ts'

const REMOTE = 'git@github.com:acme/Web_Shop.git'
const VITEST = '{ "devDependencies": { "vitest": "5.1.1" } }\n'
const JENKINSFILE = [
  'pipeline {',
  '    agent any',
  '    stages {',
  "        stage('Build') {",
  '            steps {',
  "                sh 'make'",
  '            }',
  '        }',
  '    }',
  '    post { always { echo "over" } }',
  '}',
  '',
].join('\n')
const CIRCLE =
  '# ours\nversion: 2.1\njobs:\n  build: { docker: [{ image: x }], steps: [checkout] }\nworkflows:\n  main:\n    jobs:\n      - build\n'

const init = (cwd: string, ...flags: string[]) => verdict(['init', ...flags], { cwd })
const text = (folder: string, path: string) => readFileSync(join(folder, path), 'utf8')

describe('init', () => {
  it('writes a suite file and a workflow for a repository of GitHub, and shows both', async () => {
    const folder = checkout({ 'package.json': VITEST, 'package-lock.json': '{}' }, REMOTE)
    const { code, stdout } = await init(folder)
    expect(code).toBe(0)
    expect(stdout).toContain('verdict.yaml (new)\n')
    expect(stdout).toContain('  +project: web_shop\n')
    expect(stdout).toContain('.github/workflows/verdict.yml (new)')
    expect(stdout).toContain('verdict run')
    const { project, suites } = readSuiteFile('verdict.yaml', text(folder, 'verdict.yaml'))
    expect(project).toBe('web_shop')
    expect(suites.get('web_shop/vitest')).toMatchObject({
      setup: 'npm ci',
      report: ['report.xml'],
      network: 'internet',
    })
    const workflow = parse(text(folder, '.github/workflows/verdict.yml'))
    expect(workflow.jobs.verdict.steps.at(-1)).toEqual({
      uses: 'your-org/verdict@main',
      with: { url: '${{ vars.VERDICT_URL }}', 'api-key': '${{ secrets.VERDICT_API_KEY }}' },
    })
  })

  it('finds the root of the repository from a folder in it', async () => {
    const folder = checkout({ 'package.json': VITEST, 'src/a.js': '' }, REMOTE)
    await init(join(folder, 'src'))
    expect(existsSync(join(folder, 'verdict.yaml'))).toBe(true)
  })

  it.each([
    [
      'jest',
      { 'package.json': '{ "devDependencies": { "jest": "1" } }', 'yarn.lock': '' },
      { setup: 'npx --yes yarn install --frozen-lockfile && npm install --no-save jest-junit' },
    ],
    [
      'mocha',
      { 'package.json': '{ "devDependencies": { "mocha": "1" } }', 'pnpm-lock.yaml': '' },
      { setup: 'npx --yes pnpm install --frozen-lockfile' },
    ],
    [
      'unit',
      { 'package.json': '{ "scripts": { "test": "node --test" } }' },
      { run: expect.stringContaining('--test-reporter=junit') },
    ],
    ['unit', { 'package.json': '{ "scripts": { "test": "./all.sh" } }' }, { run: 'npm test' }],
    ['pytest', { 'requirements.txt': 'requests\n' }, { setup: expect.stringContaining('-r requirements.txt') }],
    ['pytest', { 'pyproject.toml': '[tool.pytest.ini_options]\n' }, { run: '.venv/bin/pytest --junitxml=report.xml' }],
    ['go', { 'go.mod': 'module shop\n' }, { report: ['report.xml'] }],
    ['maven', { 'pom.xml': '<project/>' }, { run: 'mvn -B test' }],
    ['gradle', { 'build.gradle.kts': 'plugins {}' }, { run: './gradlew test' }],
    ['cargo', { 'Cargo.toml': '[package]\n' }, { run: 'cargo test' }],
    ['rspec', { Gemfile: 'gem "rspec"' }, { run: 'bundle exec rspec' }],
    [
      'phpunit',
      { 'composer.json': '{"require-dev":{"phpunit/phpunit":"11"}}' },
      { run: expect.stringContaining('--log-junit') },
    ],
    ['make', { Makefile: 'test:\n\ttrue\n' }, { run: 'make test' }],
    ['unit', { 'notes.txt': '' }, { run: './test.sh' }],
  ])('recognises %s by %j', async (name, files, suite) => {
    const folder = checkout(files as Record<string, string>)
    const { stdout } = await init(folder)
    const { suites } = readSuiteFile('verdict.yaml', text(folder, 'verdict.yaml'))
    expect([...suites.keys()].map((one) => one.split('/')[1])).toEqual([name])
    expect([...suites.values()][0]).toMatchObject(suite)
    if ('notes.txt' in files) expect(stdout).toContain('no test tool was recognised')
  })

  it('makes a suite of each of several tools', async () => {
    const folder = checkout({ 'package.json': VITEST, 'go.mod': 'module shop\n' })
    await init(folder)
    expect(
      [...readSuiteFile('verdict.yaml', text(folder, 'verdict.yaml')).suites.keys()].map((one) => one.split('/')[1]),
    ).toEqual(['vitest', 'go'])
  })

  it('puts the orb and its job into a configuration of CircleCI, and keeps what is there', async () => {
    const folder = checkout({ 'package.json': VITEST, '.circleci/config.yml': CIRCLE })
    const { stdout } = await init(folder, '--yes', '--source', 'acme/verdict')
    const after = text(folder, '.circleci/config.yml')
    expect(after).toMatch(/^# ours\n/)
    expect(parse(after)).toMatchObject({
      orbs: { verdict: 'acme/verdict@0.1' },
      jobs: { build: { steps: ['checkout'] } },
      workflows: { main: { jobs: ['build', 'verdict/test'] } },
    })
    expect(stdout).toContain('  +      - verdict/test\n')
    expect((await init(folder, '--yes')).stdout).toContain('.circleci/config.yml is there already')
  })

  it('puts a stage at the end of the stages of a Jenkinsfile', async () => {
    const folder = checkout({ Jenkinsfile: JENKINSFILE })
    await init(folder, '--yes')
    const after = text(folder, 'Jenkinsfile')
    expect(after).toContain("@Library('verdict') _\n\npipeline {")
    expect(after).toContain(
      "        }\n        stage('Verdict') {\n            steps {\n                verdict(credentialsId: 'verdict-key')\n            }\n        }\n    }\n    post",
    )
  })

  it.each([
    ['a scripted Jenkinsfile', 'Jenkinsfile', "node { sh 'make' }\n", 'verdict(credentialsId:'],
    [
      'a Jenkinsfile with odd braces',
      'Jenkinsfile',
      'pipeline { stages { stage("a") { } } }\n',
      'verdict(credentialsId:',
    ],
    ['a configuration that is no YAML', '.circleci/config.yml', 'a: [\n', 'verdict/test'],
    ['a configuration that is a list', '.circleci/config.yml', '- a\n', 'verdict/test'],
  ])('leaves %s alone, and says what to add', async (_, path, before, says) => {
    const folder = checkout({ [path]: before })
    const { code, stdout } = await init(folder, '--yes')
    expect(code).toBe(0)
    expect(text(folder, path)).toBe(before)
    expect(stdout).toContain(`${path} is left alone, add to it by hand`)
    expect(stdout).toContain(says)
  })

  it('points at the page of a CI system that needs lines by hand', async () => {
    const { stdout } = await init(checkout({ '.gitlab-ci.yml': '' }))
    expect(stdout).toContain('GitLab CI is used here: docs/ci/gitlab.md')
  })

  it('writes over nothing where nobody can be asked', async () => {
    const folder = checkout({ Jenkinsfile: JENKINSFILE, 'verdict.yaml': 'suites: { a: { run: b } }\n' })
    const { code, stderr } = await init(folder)
    expect(code).toBe(0)
    expect(stderr).toContain('Jenkinsfile is there already and is left as it is: --yes')
    expect(text(folder, 'Jenkinsfile')).toBe(JENKINSFILE)
    expect(text(folder, 'verdict.yaml')).toBe('suites: { a: { run: b } }\n')
  })

  it.each([
    ['y', true],
    ['', false],
    ['no', false],
  ])('asks at a terminal before it changes a file: "%s"', async (answer, changed) => {
    const folder = checkout({ Jenkinsfile: JENKINSFILE })
    const on = machine({ terminal: true, cwd: folder })
    const done = on.run('init')
    await expect.poll(on.stderr).toContain('Change Jenkinsfile? [y/N]')
    on.type(`${answer}\n`)
    expect(await done).toBe(0)
    expect(text(folder, 'Jenkinsfile') !== JENKINSFILE).toBe(changed)
  })

  it('only shows with --dry-run', async () => {
    const folder = checkout({ 'package.json': VITEST })
    const { stdout } = await init(folder, '--dry-run', '--ci', 'jenkins')
    expect(stdout).toContain("+      stage('Verdict') {".replace('      ', '    '))
    expect(existsSync(join(folder, 'verdict.yaml'))).toBe(false)
    const { files } = JSON.parse((await init(folder, '--dry-run', '--json', '--ci', 'github')).stdout)
    expect(files).toEqual([
      { path: 'verdict.yaml', action: 'left' },
      { path: '.github/workflows/verdict.yml', action: 'left' },
    ])
  })

  it('lets no file name or text forge a line of the terminal', async () => {
    const folder = checkout({ '.circleci/config.yml': 'a: "\u001b[2J"\n::error::x: 1\n' })
    expect((await init(folder)).stdout).not.toMatch(/\u001b\[2J|^::error/m)
  })

  it.each([
    ['an unknown system', ['--ci', 'githb'], /nothing is written for "githb" \(did you mean "github"\?\)/],
    ['a source that is none', ['--source', 'a b'], /--source takes owner\/name/],
    ['a source with a line in it', ['--source', 'a/b\nx'], /--source takes owner\/name/],
  ])('refuses %s, and writes nothing', async (_, flags, says) => {
    const folder = checkout({ 'package.json': VITEST })
    const { code, stderr } = await init(folder, ...flags)
    expect(code).toBe(2)
    expect(stderr).toMatch(says)
    expect(existsSync(join(folder, 'verdict.yaml'))).toBe(false)
  })

  it('says which file cannot be written', async () => {
    const folder = checkout({ '.github': 'no folder' })
    expect(await init(folder)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('.github/workflows/verdict.yml cannot be'),
    })
  })
})
