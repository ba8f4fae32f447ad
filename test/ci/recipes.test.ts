import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { cliOptions } from '../../cli/commands.ts'
import packageJson from '../../package.json' with { type: 'json' }
import { PACKED_ORB } from '../../tools/orb.ts'
import { blocksOf, markdownFiles } from '../docs/markdown-files.ts'
import { readOrb } from '../support/orb-expander.ts'
import { EXAMPLES, RECIPES } from './recipes.ts'

// Those for GitHub and Jenkins are tried by tests of their own.
const files = readdirSync(EXAMPLES, { recursive: true, encoding: 'utf8' }).filter((name) =>
  /^(?!github|jenkins).*\.(yml|sh)$/.test(name),
)
const text = (name: string) => readFileSync(EXAMPLES + name, 'utf8')
const options = cliOptions()
  .filter(({ command }) => command === '' || command === 'run')
  .map(({ long }) => long)

describe('the recipes', () => {
  it('are there for each system', () => {
    expect(files).toEqual(
      expect.arrayContaining([
        'gitlab/templates/verdict.yml',
        'gitlab/.gitlab-ci.yml',
        'shell.sh',
        ...RECIPES.map(({ file }) => file),
      ]),
    )
  })

  it.each(files)('are short: %s', (name) => {
    expect(text(name).trim().split('\n').length).toBeLessThan(25)
  })

  it.each(files)('use flags that the CLI has: %s', (name) => {
    const calls = [...text(name).matchAll(/\brun\b(.*)$/gm)].flatMap(
      ([, line = '']) => line.match(/--[a-z][a-z-]+/g) ?? [],
    )
    expect(options).toEqual(expect.arrayContaining(calls))
  })

  it.each(files)('check what they have downloaded: %s', (name) => {
    if (text(name).includes('curl ')) expect(text(name)).toMatch(/\.sha256" \| \(cd .* && sha256sum -c -/)
  })

  it('are all named by the documentation', () => {
    const docs = markdownFiles()
      .filter(({ path }) => path.startsWith('docs/ci/'))
      .map((file) => file.text)
      .join('')
    expect(RECIPES.filter(({ file }) => !docs.includes(`examples/ci/${file}`))).toEqual([])
  })

  it('in the documentation are those that are tested', () => {
    const { examples } = readOrb(readFileSync(PACKED_ORB, 'utf8'))
    const known = [...Object.values(examples).map(({ usage }) => usage), parse(text('gitlab/.gitlab-ci.yml'))]
    const shown = blocksOf('yml').filter(({ place }) => place.startsWith('docs/ci/'))
    expect(shown.length).toBe(known.length)
    for (const block of shown) expect(known).toContainEqual(parse(block.text))
  })
})

describe('verdict.sh', () => {
  const script = readFileSync(`${EXAMPLES}../../shell/verdict.sh`, 'utf8')

  it('knows every option of `verdict run`, to take it or to say that it needs the CLI', () => {
    const known = new Set(script.match(/^ +(--[a-z-]+)(?=[ )])|(?<=\| )--[a-z-]+/gm)?.map((option) => option.trim()))
    expect([...known].sort()).toEqual(expect.arrayContaining([...options].sort()))
  })

  it('is of the version of package.json', () => {
    expect(script).toContain(`\nversion=${packageJson.version}\n`)
  })

  it('has no option of its own', () => {
    const shown = [...script.matchAll(/^ {2}(--[a-z-]+)(?= {2}| <)/gm)].map(([, option]) => option)
    expect(shown.length).toBeGreaterThan(10)
    expect(options).toEqual(expect.arrayContaining(shown))
  })
})
