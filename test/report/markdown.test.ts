import { describe, expect, it } from 'vitest'
import { codeBlock, codeSpan, htmlText, link, plainText, tableRow } from '../../report/markdown.ts'

describe('plainText', () => {
  it.each([
    ['*bold* _it_ `c`', '\\*bold\\* \\_it\\_ \\`c\\`'],
    ['<img src=x onerror=y>', '\\<img src=x onerror=y\\>'],
    ['[a](http://b) ![c](d)', '\\[a\\]\\(http://b\\) \\!\\[c\\]\\(d\\)'],
    ['a | b', 'a \\| b'],
    ['thanks @octocat, see #12', 'thanks @\u200boctocat, see \\#\u200b12'],
    ['two\nlines', 'two lines'],
    ['&amp; \\', '\\&amp; \\\\'],
  ])('takes all meaning from %j', (text, expected) => {
    expect(plainText(text)).toBe(expected)
  })
})

describe('codeSpan', () => {
  it.each([
    ['plain', '` plain `'],
    ['a `b` c', '`` a `b` c ``'],
    ['```', '```` ``` ````'],
    ['two\nlines', '` two lines `'],
    ['', ''],
  ])('fences %j', (text, expected) => {
    expect(codeSpan(text)).toBe(expected)
  })
})

describe('codeBlock', () => {
  it('has a fence that no text can close', () => {
    expect(codeBlock('a\n````\n<b>')).toBe('`````text\na\n````\n<b>\n`````\n')
    expect(codeBlock('\u001b[31mred')).toBe('```text\nred\n```\n')
  })
})

describe('the rest', () => {
  it('escapes HTML', () => {
    expect(htmlText('<a href="x">&\n</a>')).toBe('&lt;a href=&quot;x&quot;&gt;&amp; &lt;/a&gt;')
  })

  it('links to http(s) only, and nowhere that Markdown would misread', () => {
    expect(link('run', 'https://v.example/r/1?a=b')).toBe('[run](https://v.example/r/1?a=b)')
    for (const url of ['javascript:alert(1)', 'https://v.example/)[x](y', 'https://a b'])
      expect(link('run', url)).toBe('run')
  })

  it('keeps cells apart', () => {
    expect(tableRow(['`a|b`', 'c\\|d'])).toBe('| `a\\|b` | c\\|d |\n')
  })
})
