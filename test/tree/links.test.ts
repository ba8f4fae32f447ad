import { describe, expect, it } from 'vitest'
import { leadsOutside } from '../../tree/links.ts'

describe('a link', () => {
  it.each([
    ['beside it', 'a/link', { 'a/link': 'file' }],
    ['above it, within the tree', 'a/b/link', { 'a/b/link': '../../file' }],
    ['at the root itself', 'a/link', { 'a/link': '..' }],
    ['nowhere', 'link', { link: 'not/there' }],
    ['through another link', 'link', { link: 'a/b', a: 'c' }],
    ['at another link', 'link', { link: 'next', next: 'c/d' }],
    ['with dots and double slashes', 'link', { link: './/a/./b/' }],
  ] as [string, string, Record<string, string>][])('that points %s stays within', (_, path, links) => {
    expect(leadsOutside(path, new Map(Object.entries(links)))).toBe(false)
  })

  it.each([
    ['above the root', 'link', { link: '..' }],
    ['above the root by a detour', 'a/link', { 'a/link': '../b/../../c' }],
    ['at an absolute path', 'link', { link: '/etc/passwd' }],
    ['at a Windows path', 'link', { link: 'C:/x' }],
    ['at a path with backslashes', 'link', { link: '..\\x' }],
    ['at a path with a NUL', 'link', { link: 'a\0b' }],
    ['at nothing', 'link', { link: '' }],
    ['at itself', 'link', { link: 'link' }],
    ['into a circle', 'a', { a: 'b', b: 'c', c: 'a' }],
    ['at a link that leads out', 'link', { link: 'next/x', next: '../y' }],
    // By its letters it stays in `a`; the file system goes to `a`, then up twice.
    ['above a link to a folder higher up', 'evil', { evil: 'a/b/up/../..', 'a/b/up': '..' }],
    [
      'through more links than anybody follows',
      'l0',
      Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`l${i}`, `l${i + 1}`])),
    ],
  ] as [string, string, Record<string, string>][])('that points %s leads out', (_, path, links) => {
    expect(leadsOutside(path, new Map(Object.entries(links)))).toBe(true)
  })
})
