import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { wantsColor } from '../../cli/output.ts'

describe('colour', () => {
  it.each([
    ['on a terminal', true, {}, true],
    ['not in a pipe', false, {}, false],
    ['not on a dumb terminal', true, { TERM: 'dumb' }, false],
    ['not with NO_COLOR', true, { NO_COLOR: '1' }, false],
    ['with an empty NO_COLOR, which says nothing', true, { NO_COLOR: '' }, true],
    ['in a pipe with FORCE_COLOR', false, { FORCE_COLOR: '1' }, true],
    ['not with FORCE_COLOR=0', true, { FORCE_COLOR: '0' }, false],
    ['not with NO_COLOR even when forced', true, { NO_COLOR: '1', FORCE_COLOR: '1' }, false],
  ])('is there %s', (_, isTTY, env, expected) => {
    expect(wantsColor(Object.assign(new PassThrough(), { isTTY }), env)).toBe(expected)
  })
})
