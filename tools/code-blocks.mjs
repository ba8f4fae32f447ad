/**
 * The fenced code blocks of a Markdown text, in order. The first word after the fence is the language; `run`,
 * `until="text"` and `in="folder"` after it say how tools/readme.mjs runs the block.
 */
export function codeBlocks(markdown) {
  const fences = markdown.matchAll(/^```([a-z]+)([^\n]*)\n([\s\S]*?)^```$/gm)
  return [...fences].map(({ 1: language, 2: info, 3: text, index }) => ({
    language,
    text,
    line: markdown.slice(0, index).split('\n').length + 1,
    run: /(^|\s)run(\s|$)/.test(info),
    until: /until="([^"]+)"/.exec(info)?.[1],
    folder: /in="([^"]+)"/.exec(info)?.[1],
  }))
}
