export interface CodeBlock {
  readonly language: string
  readonly text: string
  /** Of the block's first line in the file, from 1. */
  readonly line: number
  /** Whether tools/readme.mjs runs it. */
  readonly run: boolean
  /** It stays up, and this is what it prints when it is there. */
  readonly until?: string
  /** Where it runs, below the repository's root. */
  readonly folder?: string
}
export function codeBlocks(markdown: string): CodeBlock[]
