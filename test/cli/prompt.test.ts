import { describe, expect, it } from 'vitest'
import { ask, readSecret } from '../../cli/prompt.ts'
import { machine } from './machine.ts'

describe('a secret that is typed', () => {
  it.each([
    ['hunter2\r', 'hunter2'],
    ['hunter3\u007f2\n', 'hunter2'],
    ['wrong\u0015hunter2\n', 'hunter2'],
    ['hun\u001bter2\u0004', 'hunter2'],
    ['pass wörd\r', 'pass wörd'],
  ])('is read from the keys %j and not shown', async (keys, value) => {
    const on = machine({ terminal: true })
    const secret = readSecret(on.host.stdin, on.host.stderr, 'API key')
    on.type(keys)
    expect(await secret).toBe(value)
    expect(on.stderr()).toBe('API key (not shown): \n')
  })

  it('ends with Ctrl-C as an interrupt', async () => {
    const on = machine({ terminal: true })
    const secret = readSecret(on.host.stdin, on.host.stderr, 'API key')
    on.type('hunt\u0003')
    await expect(secret).rejects.toMatchObject({ name: 'InterruptedError' })
  })
})

describe('a secret that is piped', () => {
  it.each([
    ['hunter2\n', 'hunter2'],
    ['two\nlines\r\n', 'two\nlines'],
    ['bare', 'bare'],
  ])('is all of %j less its last line end', async (stdin, value) => {
    const { host } = machine({ stdin })
    expect(await readSecret(host.stdin, host.stderr, 'value')).toBe(value)
  })

  it.each([
    ['', 'no value was given'],
    ['\n', 'no value was given'],
    ['x'.repeat(70_000), 'at most 64 KiB'],
  ])('is refused when it cannot be one', async (stdin, message) => {
    const { host } = machine({ stdin })
    await expect(readSecret(host.stdin, host.stderr, 'value')).rejects.toThrow(message)
  })
})

describe('a question', () => {
  it('resolves with the answer', async () => {
    const on = machine({ terminal: true })
    const answer = ask(on.host.stdin, on.host.stderr, 'Sure? ')
    on.type(' yes \n')
    expect(await answer).toBe('yes')
  })

  it('is not answered by Ctrl-C, nor by the end of input', async () => {
    const on = machine({ terminal: true })
    const answer = ask(on.host.stdin, on.host.stderr, 'Sure? ')
    on.type('\u0003')
    await expect(answer).rejects.toMatchObject({ name: 'InterruptedError' })
    const off = machine({ terminal: true })
    const nothing = ask(off.host.stdin, off.host.stderr, 'Sure? ')
    off.type('\u0004')
    await expect(nothing).rejects.toMatchObject({ name: 'WrongUseError' })
  })
})
