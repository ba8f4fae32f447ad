import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'

export const EXAMPLES = fileURLToPath(new URL('../../examples/ci/', import.meta.url))

export interface Recipe {
  /** As test/gate/ci-environments.ts names it. */
  readonly system: string
  readonly file: string
  /** Of check-jsonschema, with further arguments. */
  readonly schema: readonly string[]
  /** The lines that an agent's bash is given. */
  readonly script: () => string
  /** What the system sets besides, where the script relies on it. */
  readonly env?: Readonly<Record<string, string>>
  /** Where the results are found, from the checkout; none where the system reads none. */
  readonly junitFile?: string
}

// biome-ignore lint/suspicious/noExplicitAny: each system has a form of its own
const yaml = (file: string): any => parse(readFileSync(EXAMPLES + file, 'utf8'))
const lines = (script: readonly string[]) => ['set -eo pipefail', ...script].join('\n')

export const RECIPES: readonly Recipe[] = [
  {
    system: 'Travis CI',
    file: 'travis.yml',
    schema: ['vendor.travis'],
    script: () => lines(yaml('travis.yml').script),
  },
  {
    system: 'Azure Pipelines',
    file: 'azure-pipelines.yml',
    schema: ['vendor.azure-pipelines', '--regex-variant', 'nonunicode'],
    script: () => yaml('azure-pipelines.yml').steps.find((step: { bash?: string }) => step.bash).bash,
    env: { AGENT_TEMPDIRECTORY: 'temp' },
    junitFile: 'temp/verdict.xml',
  },
  {
    system: 'Bitbucket Pipelines',
    file: 'bitbucket-pipelines.yml',
    schema: ['vendor.bitbucket-pipelines'],
    script: () => lines(yaml('bitbucket-pipelines.yml').pipelines.default[0].step.script),
    junitFile: 'test-results/verdict.xml',
  },
  {
    system: 'Buildkite',
    file: 'buildkite.yml',
    schema: ['vendor.buildkite'],
    // What the agent makes of the file when it uploads it.
    script: () => yaml('buildkite.yml').steps[0].command.replaceAll('$$', '$'),
    junitFile: 'verdict.xml',
  },
]
