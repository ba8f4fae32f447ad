import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type MarkdownFile, markdownFiles, proseOf, root } from './markdown-files.ts'

/** As GitHub makes them. */
function anchors(markdown: string): string[] {
  return [...markdown.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

function brokenLinks(file: MarkdownFile): string[] {
  const links = [...proseOf(file).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target)
  return links
    .filter((target) => !/^https?:/.test(target))
    .filter((target) => {
      const [path = '', anchor] = target.split('#')
      const found = path === '' ? file.path : normalize(join(dirname(file.path), path))
      if (!existsSync(`${root}${found}`)) return true
      if (anchor === undefined) return false
      return (
        statSync(`${root}${found}`).isDirectory() || !anchors(readFileSync(`${root}${found}`, 'utf8')).includes(anchor)
      )
    })
}

describe('links of the documentation', () => {
  it.each(markdownFiles().map((file) => [file.path, file] as const))('lead somewhere in %s', (_, file) => {
    expect(brokenLinks(file)).toEqual([])
  })

  it('name every page of docs/ from README or a page that it names', () => {
    const files = markdownFiles()
    const linked = files.flatMap((file) =>
      [...file.text.matchAll(/\]\(([^)#\s]+)/g)].map(([, target = '']) => normalize(join(dirname(file.path), target))),
    )
    const pages = files.map(({ path }) => path).filter((path) => path.startsWith('docs/'))
    expect(pages.filter((path) => !linked.includes(path) && path !== 'docs/decisions/README.md')).toEqual([])
  })
})
