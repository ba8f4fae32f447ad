/** A suite of a first verdict.yaml, in the keys of that file. */
export interface FirstSuite {
  readonly setup?: string
  readonly run: string
  readonly report?: string | readonly string[]
  readonly network?: 'internet'
}

/** The text of a file at the repository's root, or undefined when there is none. */
export type ReadFile = (name: string) => Promise<string | undefined>

interface TestTool {
  /** The suite's name. */
  readonly name: string
  /** The file that tells of it, and what stands in it then. */
  readonly file: string
  readonly says: RegExp
  readonly suite: (read: ReadFile) => Promise<FirstSuite> | FirstSuite
}

/** How packages are installed, by the lock file that is there. The server's machines have npm, and fetch the others. */
const NODE_SETUPS = [
  ['package-lock.json', 'npm ci'],
  ['npm-shrinkwrap.json', 'npm ci'],
  ['pnpm-lock.yaml', 'npx --yes pnpm install --frozen-lockfile'],
  ['yarn.lock', 'npx --yes yarn install --frozen-lockfile'],
] as const

const HAS_PACKAGES = /"(?:devD|d|peerD|optionalD)ependencies"\s*:\s*\{\s*"/

function node(run: string, report?: string, also = ''): TestTool['suite'] {
  return async (read) => {
    const result = report === undefined ? {} : { report }
    // What needs no package needs no network.
    if (!HAS_PACKAGES.test((await read('package.json')) ?? '')) return { run, ...result }
    let setup = 'npm install'
    for (const [lock, command] of [...NODE_SETUPS].reverse()) if ((await read(lock)) !== undefined) setup = command
    return { setup: `${setup}${also}`, run, ...result, network: 'internet' }
  }
}

const NODE_TEST = 'node --test --test-reporter=junit --test-reporter-destination=report.xml'
const python = (install: string): FirstSuite => ({
  setup: `python3 -m venv .venv && .venv/bin/pip install --quiet pytest ${install}`,
  run: '.venv/bin/pytest --junitxml=report.xml',
  report: 'report.xml',
  network: 'internet',
})

/** What is looked for, in this order; of the tools of one file the first counts. */
const TEST_TOOLS: readonly TestTool[] = [
  {
    name: 'vitest',
    file: 'package.json',
    says: /"vitest"/,
    suite: node('npx vitest run --reporter=default --reporter=junit --outputFile.junit=report.xml', 'report.xml'),
  },
  {
    name: 'jest',
    file: 'package.json',
    says: /"jest"|react-scripts test/,
    suite: node(
      'npx jest --ci --reporters=default --reporters=jest-junit',
      'junit.xml',
      ' && npm install --no-save jest-junit',
    ),
  },
  {
    name: 'mocha',
    file: 'package.json',
    says: /"mocha"/,
    suite: node('npx mocha --reporter xunit --reporter-option output=report.xml', 'report.xml'),
  },
  { name: 'unit', file: 'package.json', says: /node --test/, suite: node(NODE_TEST, 'report.xml') },
  { name: 'unit', file: 'package.json', says: /"test"\s*:/, suite: node('npm test') },
  { name: 'pytest', file: 'requirements.txt', says: /./, suite: () => python('-r requirements.txt') },
  { name: 'pytest', file: 'pyproject.toml', says: /pytest/, suite: () => python('-e .') },
  { name: 'pytest', file: 'setup.py', says: /./, suite: () => python('-e .') },
  {
    name: 'go',
    file: 'go.mod',
    says: /^module /m,
    suite: () => ({
      run: 'go run gotest.tools/gotestsum@v1.12.0 --junitfile report.xml ./...',
      report: 'report.xml',
      network: 'internet',
    }),
  },
  {
    name: 'maven',
    file: 'pom.xml',
    says: /<project/,
    suite: () => ({ run: 'mvn -B test', report: '**/target/surefire-reports/*.xml', network: 'internet' }),
  },
  ...['build.gradle', 'build.gradle.kts'].map(
    (file): TestTool => ({
      name: 'gradle',
      file,
      says: /./,
      suite: () => ({ run: './gradlew test', report: '**/build/test-results/**/*.xml', network: 'internet' }),
    }),
  ),
  { name: 'cargo', file: 'Cargo.toml', says: /\[/, suite: () => ({ run: 'cargo test', network: 'internet' }) },
  {
    name: 'rspec',
    file: 'Gemfile',
    says: /rspec/,
    suite: () => ({
      setup: 'bundle config set --local path .bundle && bundle install',
      run: 'bundle exec rspec',
      network: 'internet',
    }),
  },
  {
    name: 'phpunit',
    file: 'composer.json',
    says: /phpunit/,
    suite: () => ({
      setup: 'composer install --no-interaction',
      run: 'vendor/bin/phpunit --log-junit report.xml',
      report: 'report.xml',
      network: 'internet',
    }),
  },
  { name: 'make', file: 'Makefile', says: /^test:/m, suite: () => ({ run: 'make test' }) },
]

/** What a repository whose tests are not recognised begins with. */
export const UNKNOWN_SUITE: FirstSuite = { run: './test.sh' }

/** The suites of a repository by the test tools that its files tell of; empty when none is recognised. */
export async function findSuites(read: ReadFile): Promise<Map<string, FirstSuite>> {
  const suites = new Map<string, FirstSuite>()
  const seen = new Set<string>()
  for (const { name, file, says, suite } of TEST_TOOLS) {
    if (seen.has(file) || suites.has(name) || !says.test((await read(file)) ?? '')) continue
    seen.add(file)
    suites.set(name, await suite(read))
  }
  return suites
}
