import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { GLOBAL_OPTIONS, type OptionSpec } from '../../cli/command.ts'
import { run } from '../../cli/run.ts'
import { readAction } from '../../tools/docs-tables.ts'
import { root } from './github-files.ts'
import { DIFFERENCES, LEFT_OUT } from './option-differences.ts'

type Where = (typeof DIFFERENCES)[number]['in'][number]
type Options = Readonly<Record<string, unknown>>

const kebab = (name: string) => name.replaceAll('_', '-').replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

function actionOptions(): Options {
  return Object.fromEntries(Object.entries(readAction().inputs).map(([name, input]) => [name, input.default ?? '']))
}

function orbOptions(): Options {
  const { parameters } = parse(readFileSync(join(root, 'orb/src/commands/test.yml'), 'utf8')) as {
    parameters: Record<string, { default?: unknown }>
  }
  return Object.fromEntries(Object.entries(parameters).map(([name, parameter]) => [kebab(name), parameter.default]))
}

/** Read from the step's own tables. */
function jenkinsOptions(): Options {
  const text = readFileSync(join(root, 'jenkins-plugin-shim/vars/verdict.groovy'), 'utf8')
  const table = (name: string) => new RegExp(`final (?:Map|List) ${name} = \\[([^\\]]*)\\]`).exec(text)?.[1] ?? ''
  const keys = ['TEXTS', 'LISTS', 'MAPS'].flatMap((name) =>
    [...table(name).matchAll(/(\w+)\s*:/g)].map(([, key = '']) => key),
  )
  const others = [...table('OTHERS').matchAll(/'(\w+)'/g)].map(([, key = '']) => key)
  const defaults = Object.fromEntries(
    [...table('DEFAULTS').matchAll(/(\w+): ('[^']*'|\w+)/g)].map(([, key, value = '']) => [
      key,
      value.replaceAll("'", ''),
    ]),
  )
  return Object.fromEntries([...keys, ...others].map((name) => [kebab(name), defaults[name] ?? '']))
}

const INTEGRATIONS: Readonly<Record<Where, Options>> = {
  action: actionOptions(),
  orb: orbOptions(),
  jenkins: jenkinsOptions(),
}

/** What `verdict run` takes: by the name that the others have for it, and what it is without being given. */
function commandOptions(): Map<string, { flag: string; byDefault: string }> {
  const named = ({ flags, parse }: OptionSpec): [string, { flag: string; byDefault: string }] => {
    const flag = /--[a-z-]+/.exec(flags)?.[0] ?? ''
    const name = flag.slice(2)
    if (name.startsWith('no-')) return [name.slice(3), { flag, byDefault: 'true' }]
    if (!flags.includes('<')) return [name, { flag, byDefault: 'false' }]
    return [parse?.length === 2 ? `${name}s` : name, { flag, byDefault: '' }]
  }
  // The argument of the command itself.
  const names: [string, { flag: string; byDefault: string }] = ['suites', { flag: run.arguments ?? '', byDefault: '' }]
  return new Map([names, ...[...(run.options ?? []), ...GLOBAL_OPTIONS].map(named)])
}

describe.each(Object.entries(INTEGRATIONS) as [Where, Options][])('options of %s', (where, options) => {
  const command = commandOptions()
  const difference = (option: string) => DIFFERENCES.find((one) => one.in.includes(where) && one.option === option)

  it('are there', () => {
    expect(Object.keys(options).length).toBeGreaterThan(10)
  })

  it.each(Object.entries(options))(
    '%s is an option of `verdict run` with the same default, or a listed difference',
    (name, byDefault) => {
      if (difference(name)) return
      expect(command.has(name), `verdict run has no ${name}`).toBe(true)
      expect(String(byDefault)).toBe(command.get(name)?.byDefault)
    },
  )

  it('leave out no option of `verdict run` without a reason', () => {
    const have = new Set(Object.keys(options).map((name) => difference(name)?.flag?.slice(2) ?? name))
    const leftOut = LEFT_OUT.filter((one) => one.in.includes(where)).map(({ option }) => option)
    expect([...command.keys()].filter((name) => !have.has(name)).sort()).toEqual(leftOut.sort())
  })

  it('differ only where they are there, and by flags that there are', () => {
    for (const { option, flag } of DIFFERENCES.filter((one) => one.in.includes(where))) {
      expect(options, option).toHaveProperty([option])
      if (flag !== undefined) expect([...command.values()].map((one) => one.flag)).toContain(flag)
    }
  })
})

it('every difference has a reason', () => {
  for (const { reason } of [...DIFFERENCES, ...LEFT_OUT]) expect(reason.length).toBeGreaterThan(10)
})

describe('help of the Jenkins step', () => {
  it('explains every argument', () => {
    const help = readFileSync(join(root, 'jenkins-plugin-shim/vars/verdict.txt'), 'utf8')
    const explained = [...help.matchAll(/^([a-z]\w+) {2,}\S/gim)].map(([, name = '']) => kebab(name))
    expect(explained.sort()).toEqual(Object.keys(INTEGRATIONS.jenkins).sort())
  })
})
