import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type CodeBlock, codeBlocks } from '../../tools/code-blocks.mjs'

export const root = fileURLToPath(new URL('../../', import.meta.url))

export interface MarkdownFile {
  /** From the repository's root, with `/`. */
  readonly path: string
  readonly text: string
  readonly blocks: readonly CodeBlock[]
}

/** Every Markdown file that people read. */
export function markdownFiles(): MarkdownFile[] {
  const below = (folder: string) =>
    readdirSync(`${root}${folder}`, { recursive: true, encoding: 'utf8' }).map((name) => `${folder}/${name}`)
  const paths = [...readdirSync(root), ...below('docs'), ...below('examples')]
  return paths
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => path.endsWith('.md'))
    .map((path) => {
      const text = readFileSync(`${root}${path}`, 'utf8')
      return { path, text, blocks: codeBlocks(text) }
    })
}

/** All blocks of a language, with where they stand. */
export function blocksOf(language: string): { readonly place: string; readonly text: string }[] {
  return markdownFiles().flatMap(({ path, blocks }) =>
    blocks.filter((block) => block.language === language).map(({ line, text }) => ({ place: `${path}:${line}`, text })),
  )
}

/** The text less its code blocks. */
export function proseOf({ text }: MarkdownFile): string {
  return text.replace(/^```[\s\S]*?^```$/gm, '')
}
