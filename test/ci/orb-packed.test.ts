import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import packageJson from '../../package.json' with { type: 'json' }
import { ORB_PARTS, PACKED_ORB, packOrb } from '../../tools/orb.ts'
import { type Config, expandedJobs, type Orb, readConfig, readOrb } from '../support/orb-expander.ts'
import type { Parameters } from '../support/orb-parameters.ts'

const packed = readFileSync(PACKED_ORB, 'utf8')
const orb = readOrb(packed)

/** Every mapping of the tree that has this key. */
function having(tree: unknown, key: string): Record<string, unknown>[] {
  if (typeof tree !== 'object' || tree === null) return []
  const inside = Object.values(tree).flatMap((one) => having(one, key))
  return Object.hasOwn(tree, key) ? [tree as Record<string, unknown>, ...inside] : inside
}
const runs = (of: Orb) => [of.commands, of.jobs].flatMap((part) => having(part, 'run')).map(({ run }) => run)
/** The orb with one thing changed, to see that a rule sees it. */
const changed = (change: (orb: Record<string, never>) => void): Orb => {
  const copy = structuredClone(orb) as unknown as Record<string, never>
  change(copy)
  return copy as unknown as Orb
}
const parts = (of: Orb) =>
  ORB_PARTS.flatMap((part) => Object.entries(of[part]).map(([name, one]) => ({ part, name, one })))
const parametersOf = (one: object) => Object.entries((one as { parameters?: Parameters }).parameters ?? {})

/** The rules of orb-tools' review (research: its review.bats), each with an orb that breaks it. */
const RULES: Readonly<Record<string, { readonly problems: (orb: Orb) => unknown[]; readonly broken: Orb }>> = {
  'RC001: it has a source_url': {
    problems: ({ display }) => (/^https:/.test(display?.source_url ?? '') ? [] : ['display.source_url']),
    broken: changed((one) => Reflect.deleteProperty(one, 'display')),
  },
  'RC002: every job, command, executor and example has a description': {
    problems: (of) => parts(of).filter(({ one }) => !one.description),
    broken: changed(({ commands }: Record<string, Record<string, object>>) =>
      Reflect.deleteProperty(commands?.test ?? {}, 'description'),
    ),
  },
  'RC003: there is an example': {
    problems: ({ examples }) => (Object.keys(examples).length > 0 ? [] : ['examples']),
    broken: changed((one) => Object.assign(one, { examples: {} })),
  },
  'RC004: no example is called example': {
    problems: ({ examples }) => Object.keys(examples).filter((name) => name.includes('example')),
    broken: changed((one) => Object.assign(one.examples ?? {}, { my_example: {} })),
  },
  'RC005: its description has at least 64 characters': {
    problems: ({ description }) => (description.length >= 64 ? [] : [description]),
    broken: changed((one) => Object.assign(one, { description: 'Short' })),
  },
  'RC008: every run step is an object with a name': {
    problems: (of) => runs(of).filter((run) => typeof run !== 'object' || !(run as { name?: string }).name),
    broken: changed((one) => Object.assign(one.commands ?? {}, { bad: { steps: [{ run: 'make' }] } })),
  },
  'RC009: a run command of more than 64 characters is included from a script': {
    problems: (of) =>
      runs(of).filter((run) => {
        const { command = '' } = run as { command?: string }
        return command.length > 64 && !command.startsWith('#!/bin/sh\n')
      }),
    broken: changed((one) =>
      Object.assign(one.commands ?? {}, { bad: { steps: [{ run: { command: 'x'.repeat(65) } }] } }),
    ),
  },
  'RC010: components and parameters are in snake_case': {
    problems: (of) =>
      parts(of)
        .flatMap(({ name, one }) => [name, ...parametersOf(one).map(([parameter]) => parameter)])
        .filter((name) => !/^[a-z][a-z0-9_]*$/.test(name)),
    broken: changed((one) => Object.assign(one.commands ?? {}, { 'run-tests': { description: 'x' } })),
  },
  'RC011: examples use the current version': {
    problems: ({ examples }) => {
      const [major, minor] = packageJson.version.split('.')
      const version = major === '0' ? `${major}.${minor}` : major
      return having(examples, 'orbs')
        .map(({ orbs }) => orbs)
        .filter((orbs) => !Object.values(orbs as object).every((one) => one === `your-org/verdict@${version}`))
    },
    broken: changed((one) =>
      Object.assign(one.examples ?? {}, { old: { usage: { orbs: { verdict: 'your-org/verdict@99' } } } }),
    ),
  },
  'RC012: no parameter that a cache key uses has an environment variable as its default': {
    problems: (of) =>
      parts(of).filter(({ one }) => {
        const keys = JSON.stringify([...having(one, 'key'), ...having(one, 'keys')])
        return parametersOf(one).some(
          ([name, { default: value }]) => String(value).includes('$') && keys.includes(`parameters.${name}`),
        )
      }),
    broken: changed((one) =>
      Object.assign(one.commands ?? {}, {
        bad: {
          description: 'x',
          parameters: { k: { type: 'string', default: '$K' } },
          steps: [{ save_cache: { key: '<< parameters.k >>', paths: [] } }],
        },
      }),
    ),
  },
}

describe('the packed orb', () => {
  it('is that of orb/src (else: npm run bundle)', () => {
    expect(packed).toBe(packOrb())
  })

  // RC006 and RC007 ask the addresses of display themselves, which are public, and are left out.
  it.each(Object.entries(RULES))('keeps %s', (_, { problems, broken }) => {
    expect(problems(orb)).toEqual([])
    expect(problems(broken), 'the rule sees nothing').not.toEqual([])
  })

  it('has a job that takes all that its command takes, with the same defaults, and passes it on', () => {
    const { test } = orb.commands
    const { install: _, ...own } = test?.parameters ?? {}
    const { executor: __, checkout: ___, ...ofJob } = orb.jobs.test?.parameters ?? {}
    expect(ofJob).toEqual(own)
    const [, step] = (orb.jobs.test?.steps ?? []) as { test?: object }[]
    expect(step?.test).toEqual(Object.fromEntries(Object.keys(own).map((name) => [name, `<<parameters.${name}>>`])))
  })

  it('gives what its commands say of the client the same name, default and meaning in all of them', () => {
    for (const [name, parameter] of parametersOf(orb.commands.install ?? {}))
      expect(orb.commands.test?.parameters?.[name]).toEqual(parameter)
  })

  it('installs the CLI of this version from npm', () => {
    expect(orb.commands.install?.parameters?.npm_package?.default).toBe(`verdict-cli@${packageJson.version}`)
  })

  it('takes the key by the name of its variable only', () => {
    expect(orb.commands.test?.parameters?.api_key).toMatchObject({ type: 'env_var_name', default: 'VERDICT_API_KEY' })
  })

  it('has scripts without eval and tracing, which no parameter is spliced into', () => {
    const commands = runs(orb).map((run) => (run as { command: string }).command)
    expect(commands).toHaveLength(3)
    for (const command of commands) {
      expect(command).not.toMatch(/\beval\b|set -[a-z]*x|parameters\./)
      expect(command).toMatch(/^set \+x$/m)
    }
  })

  it('waits 30 minutes for a line of output', () => {
    expect(orb.commands.test?.parameters?.no_output_timeout?.default).toBe('30m')
  })

  it.each(Object.keys(orb.examples))('has an example that expands: %s', (name) => {
    const jobs = expandedJobs(orb.examples[name]?.usage as Config, orb)
    for (const { steps, docker } of Object.values(jobs)) {
      expect(docker).toEqual([{ image: 'cimg/node:lts' }])
      expect(steps.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['checkout', 'run', 'store_test_results']))
    }
  })
})

describe('our model of CircleCI', () => {
  const config = (job: object) =>
    readConfig(
      stringify({ version: 2.1, orbs: { verdict: 'x/y@1' }, workflows: { w: { jobs: [{ 'verdict/test': job }] } } }),
    )
  const inJob = (...steps: unknown[]) =>
    readConfig(
      stringify({
        version: 2.1,
        orbs: { verdict: 'x/y@1' },
        jobs: { a: { docker: [], steps } },
        workflows: { w: { jobs: ['a'] } },
      }),
    )

  it.each([
    ['an unknown parameter', config({ suite: 'smoke' }), /unknown parameter suite/],
    ['a value of another type', config({ wait: 'no' }), /wait is no boolean/],
    ['a value outside an enum', config({ install_from: 'ftp' }), /install_from is no enum/],
    ['a name of no variable', config({ api_key: '$(id)' }), /api_key is no env_var_name/],
    ['an unknown executor', config({ executor: 'nowhere' }), /no executor nowhere/],
    ['an unknown command', inJob({ 'verdict/run': {} }), /no step or command verdict\/run/],
    ["an orb's command without the orb's name", inJob({ test: {} }), /no step or command test/],
    ['an undefined name', inJob({ run: 'echo << parameters.x >>' }), /no parameter x/],
    ['an expression of another kind', inJob({ run: 'echo << pipeline.number >>' }), /pipeline\.number/],
  ])('refuses %s', (_, wrong, message) => {
    expect(() => expandedJobs(wrong, orb)).toThrow(message)
  })

  it('keeps what a value brings as it is', () => {
    const [job] = Object.values(expandedJobs(config({ suites: '<< parameters.url >> $(id)' }), orb))
    const verdict = job?.steps.find(({ given }) => given.name === 'Verdict')
    expect(verdict?.given.environment).toMatchObject({ VERDICT_ORB_SUITES: '<< parameters.url >> $(id)' })
  })

  it('leaves out steps whose condition does not hold', () => {
    const kinds = (given: object) => Object.values(expandedJobs(config(given), orb))[0]?.steps.map(({ kind }) => kind)
    expect(kinds({ cache: false, wait: false, checkout: false })).toEqual(['run', 'run', 'run'])
    expect(kinds({})).toEqual([
      'checkout',
      'run',
      'restore_cache',
      'run',
      'save_cache',
      'run',
      'store_test_results',
      'store_artifacts',
    ])
  })
})
