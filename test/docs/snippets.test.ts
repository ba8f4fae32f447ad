import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { GLOBAL_OPTIONS } from '../../cli/command.ts'
import { COMMANDS, cliOptions } from '../../cli/commands.ts'
import packageJson from '../../package.json' with { type: 'json' }
import { readAction } from '../../tools/docs-tables.ts'
import { readSuiteFile } from '../../tree/suite-file.ts'
import { blocksOf, markdownFiles, proseOf } from './markdown-files.ts'

const isWorkflow = (text: string) => /^jobs:/m.test(text)
const yaml = blocksOf('yaml').map(({ place, text }) => [place, text] as const)

interface Workflow {
  jobs: Record<string, { steps: { uses?: string; id?: string; with?: Record<string, string> }[] }>
}

/** Every call of the command in shell blocks and in prose, as its words. */
function calls(): (readonly [place: string, words: readonly string[]])[] {
  const shell = blocksOf('sh').flatMap(({ place, text }) =>
    [...text.matchAll(/(?:^|[|;&]\s*|node (?:dist\/cli\/)?|[A-Z_]+=\S+ )verdict(?:\.mjs)? ([^\n|<>#]*)/gm)].map(
      ([, line = '']) => [place, line] as const,
    ),
  )
  const prose = markdownFiles().flatMap((file) =>
    [...proseOf(file).matchAll(/`verdict ([a-z][^`]*)`/g)].map(([, line = '']) => [file.path, line] as const),
  )
  return [...shell, ...prose].map(([place, line]) => [place, line.trim().split(/\s+/)] as const)
}

describe('snippets of the documentation', () => {
  it('are there: suite files, workflows and commands', () => {
    expect(yaml.filter(([, text]) => isWorkflow(text)).length).toBeGreaterThan(2)
    expect(yaml.filter(([, text]) => /^suites:/m.test(text)).length).toBeGreaterThan(2)
    expect(calls().length).toBeGreaterThan(20)
  })

  it.each(yaml.filter(([, text]) => !isWorkflow(text)))('are good suite files: %s', (_, text) => {
    expect(readSuiteFile('verdict.yaml', text).suites.size).toBeGreaterThan(0)
  })

  it.each(yaml.filter(([, text]) => isWorkflow(text)))(
    'use the Action with inputs and outputs that it has: %s',
    (_, text) => {
      const steps = Object.values((parse(text) as Workflow).jobs).flatMap((job) => job.steps)
      const [step] = steps.filter(({ uses }) => uses?.startsWith('your-org/verdict@'))
      const { inputs, outputs } = readAction()
      expect(Object.keys(inputs)).toEqual(expect.arrayContaining(Object.keys(step?.with ?? { none: '' })))
      const read = [...text.matchAll(/steps\.(\w+)\.outputs\.([a-z-]+)/g)]
      expect(read.filter(([, id]) => id !== step?.id)).toEqual([])
      expect(Object.keys(outputs)).toEqual(expect.arrayContaining(read.map(([, , name]) => name)))
    },
  )

  it.each(calls())('call commands with flags that they have: %s: %j', (_, words) => {
    const line = words.join(' ')
    if (/^(--version|help\b)/.test(line)) return
    const command = COMMANDS.find(({ name }) => line === name || line.startsWith(`${name} `))
    const isGroup = COMMANDS.some(({ name }) => name.startsWith(`${line} `))
    if (isGroup) return
    expect(command, `verdict ${line}`).toBeDefined()
    const known = cliOptions()
      .filter(({ command: of }) => of === '' || of === command?.name)
      .flatMap(({ long, short }) => [long, short])
    const flags = words.map((word) => word.split('=')[0]).filter((word) => word?.startsWith('-'))
    expect(known).toEqual(expect.arrayContaining(flags))
  })

  it('name flags that some command has, wherever they stand', () => {
    const known = new Set([...cliOptions().map(({ long }) => long), ...GLOBAL_OPTIONS.map(({ flags }) => flags)])
    const others = new Set(['--exit', '--help', '--version'])
    const named = markdownFiles()
      // These two speak of other tools as well.
      .filter(({ path }) => !path.startsWith('docs/decisions/') && path !== 'docs/complaints.md')
      .flatMap((file) =>
        [...proseOf(file).matchAll(/`(--[a-z][a-z-]*)[ `]/g)].map(([, flag = '']) => `${file.path}: ${flag}`),
      )
    expect(
      named.filter((one) => !known.has(one.split(': ')[1] ?? '') && !others.has(one.split(': ')[1] ?? '')),
    ).toEqual([])
  })

  it('call scripts that package.json has', () => {
    const called = markdownFiles().flatMap(({ path, text }) =>
      [...text.matchAll(/npm (?:run ([a-z]+)|(start|test)\b)/g)].map(([, script, short]) => [path, script ?? short]),
    )
    const scripts = Object.keys(packageJson.scripts)
    expect(called.length).toBeGreaterThan(5)
    // Of the suite of a user, whose package.json is another.
    expect(called.filter(([path, script]) => !scripts.includes(script ?? '') && path !== 'docs/suite-file.md')).toEqual(
      [],
    )
  })
})
