import { describe, expect, it } from 'vitest'
import { count, duration, expiry, names, secretName, timeBack, variable } from '../../cli/flags.ts'

const NOW = Date.parse('2026-11-20T12:00:00Z')

describe("flags' values", () => {
  it.each([
    ['45s', 45],
    ['10m', 600],
    ['1h30m', 5400],
  ])('%s is %i seconds', (text, seconds) => {
    expect(duration(text)).toBe(seconds)
  })

  it.each(['', '10', '0s', '-1m', '1.5h', '10 minutes', '1m1h'])('refuses the duration %j', (text) => {
    expect(() => duration(text)).toThrow('a duration such as')
  })

  it('takes all after the first = as a variable’s value', () => {
    expect(variable('B=x=1,2', variable('A=', undefined))).toEqual({ A: '', B: 'x=1,2' })
  })

  it.each([
    ['TARGET', 'KEY=VALUE'],
    ['=x', 'no variable'],
    ['A-B=x', 'no variable'],
    ['A=again', 'A is given twice'],
  ])('refuses the variable %j', (text, message) => {
    expect(() => variable(text, { A: '1' })).toThrow(message)
  })

  it('refuses a secret’s value without repeating it', () => {
    expect(secretName('SHOP_TOKEN', ['OTHER'])).toEqual(['OTHER', 'SHOP_TOKEN'])
    expect(() => secretName('SHOP_TOKEN=hunter2', undefined)).toThrow(/^(?!.*hunter2).*never a flag/)
  })

  it('takes names by comma and by repetition', () => {
    expect(names('a, b', ['c'])).toEqual(['c', 'a', 'b'])
    expect(() => names('a,,b', undefined)).toThrow('separated by commas')
  })

  it.each(['0', '-1', '1.5', 'many', '1e3'])('refuses %j as a number of items', (text) => {
    expect(() => count(text)).toThrow('a whole number')
  })

  it.each([
    ['2h', '2026-11-20T10:00:00.000Z'],
    ['7d', '2026-11-13T12:00:00.000Z'],
    ['2026-11-01', '2026-11-01T00:00:00.000Z'],
    ['2026-11-01T09:00+01:00', '2026-11-01T08:00:00.000Z'],
  ])('%s since then is %s', (text, time) => {
    expect(timeBack(text, undefined, NOW)).toBe(time)
  })

  it.each([
    ['never', 'never'],
    ['90d', '2027-02-18T12:00:00.000Z'],
    ['2027-01-31', '2027-01-31T00:00:00.000Z'],
  ])('a key that expires %s ends at %s', (text, time) => {
    expect(expiry(text, undefined, NOW)).toBe(time)
  })

  it.each(['tomorrow', '2026-02-30', '2026-13-01', '90', '2026-11-19', '0d'])('refuses the expiry %j', (text) => {
    expect(() => expiry(text, undefined, NOW)).toThrow(/It takes|past/)
  })
})
