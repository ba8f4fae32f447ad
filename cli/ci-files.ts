import { parseDocument, YAMLMap } from 'yaml'

/** A CI system that `verdict init` writes for. */
export interface CiSystem {
  readonly title: string
  /** Files or folders that tell that it is used here. */
  readonly marks: readonly string[]
  /** The file that gets the step. */
  readonly path: string
  /**
   * The file with the step in it: made of what is there, anew without. Undefined when what is there is of a form that a
   * program had better leave alone. `source` is the repository that holds Verdict.
   */
  write(before: string | undefined, source: string): string | undefined
  /** What a person adds when the file is left alone. */
  readonly snippet: string
  /** Where server and key go. */
  readonly settings: string
}

export const CI_SYSTEMS = {
  github: {
    title: 'GitHub Actions',
    marks: ['.github'],
    path: '.github/workflows/verdict.yml',
    write: (_, source) => githubWorkflow(source),
    snippet: '',
    settings:
      'Settings → Secrets and variables → Actions: the variable VERDICT_URL and the secret VERDICT_API_KEY (`verdict keys create ci`)',
  },
  circleci: {
    title: 'CircleCI',
    marks: ['.circleci'],
    path: '.circleci/config.yml',
    write: (before, source) => circleConfig(before, source),
    snippet: 'orbs: { verdict: your-org/verdict@0.1 }, and the job verdict/test in a workflow',
    settings:
      'Project Settings → Environment Variables: VERDICT_URL and VERDICT_API_KEY (`verdict keys create ci`); the orb must be published in your organisation',
  },
  jenkins: {
    title: 'Jenkins',
    marks: ['Jenkinsfile'],
    path: 'Jenkinsfile',
    write: (before) => jenkinsfile(before),
    snippet: "@Library('verdict') _ at the top, and verdict(credentialsId: 'verdict-key') in a stage",
    settings:
      "Jenkins: the library `verdict` (library path jenkins-plugin-shim), VERDICT_URL as an environment variable, and a 'Secret text' credential verdict-key (`verdict keys create ci`)",
  },
} as const satisfies Record<string, CiSystem>
export type CiName = keyof typeof CI_SYSTEMS

/** Systems that are recognised and need a few lines by hand, with the page of the documentation that has them. */
export const OTHER_SYSTEMS: readonly { readonly title: string; readonly mark: string; readonly page: string }[] = [
  { title: 'GitLab CI', mark: '.gitlab-ci.yml', page: 'docs/ci/gitlab.md' },
  { title: 'Travis CI', mark: '.travis.yml', page: 'docs/ci/recipes.md' },
  { title: 'Azure Pipelines', mark: 'azure-pipelines.yml', page: 'docs/ci/recipes.md' },
  { title: 'Bitbucket Pipelines', mark: 'bitbucket-pipelines.yml', page: 'docs/ci/recipes.md' },
  { title: 'Buildkite', mark: '.buildkite', page: 'docs/ci/recipes.md' },
]

function githubWorkflow(source: string): string {
  return `name: verdict
on:
  push:
  pull_request:
  merge_group:
permissions:
  contents: read
jobs:
  verdict:
    runs-on: ubuntu-latest
    # Pull requests from forks get no secrets; merge_group tests them before they are merged.
    if: github.event_name != 'pull_request' || github.event.pull_request.head.repo.full_name == github.repository
    steps:
      - uses: actions/checkout@v5
        with:
          persist-credentials: false
      - uses: ${source}@main
        with:
          url: \${{ vars.VERDICT_URL }}
          api-key: \${{ secrets.VERDICT_API_KEY }}
`
}

function circleConfig(before: string | undefined, source: string): string | undefined {
  const orb = `${source}@0.1`
  if (before === undefined)
    return `version: 2.1\norbs:\n  verdict: ${orb}\nworkflows:\n  verdict:\n    jobs:\n      - verdict/test\n`
  if (before.includes('verdict/test')) return before
  const document = parseDocument(before)
  if (document.errors.length > 0 || !(document.contents instanceof YAMLMap)) return undefined
  document.setIn(['orbs', 'verdict'], orb)
  const workflows = document.get('workflows')
  const [workflow] =
    workflows instanceof YAMLMap
      ? workflows.items.flatMap(({ key, value }) => (value instanceof YAMLMap ? [String(key)] : []))
      : []
  if (workflow !== undefined && document.hasIn(['workflows', workflow, 'jobs']))
    document.addIn(['workflows', workflow, 'jobs'], 'verdict/test')
  else document.setIn(['workflows', 'verdict', 'jobs'], ['verdict/test'])
  return document.toString({ lineWidth: 0 })
}

const LIBRARY = "@Library('verdict') _\n"
const stage = (indent: string, step = '  ') =>
  ["stage('Verdict') {", `${step}steps {`, `${step}${step}verdict(credentialsId: 'verdict-key')`, `${step}}`, '}']
    .map((line) => `${indent}${line}\n`)
    .join('')

/** The stage is put at the end of the stages of a declarative pipeline whose braces are where everybody has them. */
function jenkinsfile(before: string | undefined): string | undefined {
  if (before === undefined) return `${LIBRARY}\npipeline {\n  agent any\n  stages {\n${stage('    ')}  }\n}\n`
  if (/\bverdict\s*\(/.test(before)) return before
  const [opening, indent = ''] = /^([ \t]*)stages[ \t]*\{[ \t]*\r?$/m.exec(before) ?? []
  if (opening === undefined) return undefined
  const from = before.indexOf(opening)
  const closing = new RegExp(`^${indent}\\}`, 'm').exec(before.slice(from + opening.length))
  if (!closing) return undefined
  const inner = /\n([ \t]+)\S/.exec(before.slice(from + opening.length))?.[1] ?? `${indent}  `
  const end = from + opening.length + closing.index
  const body = `${before.slice(0, end)}${stage(inner, inner.slice(indent.length) || '  ')}${before.slice(end)}`
  return /@Library\([^)]*verdict/.test(body) ? body : `${LIBRARY}${body.startsWith('@Library') ? '' : '\n'}${body}`
}
