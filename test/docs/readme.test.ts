import { describe, expect, it } from 'vitest'
import { codeBlocks } from '../../tools/code-blocks.mjs'
import { markdownFiles } from './markdown-files.ts'

const readme = markdownFiles().find(({ path }) => path === 'README.md')

describe('README', () => {
  it('begins with what it is, in five lines', () => {
    const [, about = ''] = readme?.text.split('\n\n') ?? []
    expect(about.split('\n')).toHaveLength(5)
  })

  it('has every shell command run by tools/readme.mjs', () => {
    const shell = readme?.blocks.filter(({ language }) => language === 'sh') ?? []
    expect(shell.map(({ text }) => text.split('\n')[0])).toEqual(expect.arrayContaining(['npm run demo', 'npm start']))
    expect(shell.filter(({ run }) => !run)).toEqual([])
  })

  it('stays short', () => {
    expect(readme?.text.split('\n').length).toBeLessThan(130)
  })
})

describe('code blocks', () => {
  it('are read with their language, place and how they run', () => {
    const markdown = 'Text\n\n```sh run until="is up" in="a/b"\nnpm start\n```\n\n```yaml\na: 1\n```\n'
    expect(codeBlocks(markdown)).toEqual([
      { language: 'sh', text: 'npm start\n', line: 4, run: true, until: 'is up', folder: 'a/b' },
      { language: 'yaml', text: 'a: 1\n', line: 8, run: false, until: undefined, folder: undefined },
    ])
  })
})
