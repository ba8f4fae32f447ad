import { describe, expect, it } from 'vitest'
import { AddressError, serverAddress } from '../../client/address.ts'

describe("the server's address", () => {
  it.each([
    ['https://verdict.example', 'https://verdict.example'],
    ['https://verdict.example/', 'https://verdict.example'],
    [' https://verdict.example:8443/ci/ \n', 'https://verdict.example:8443/ci'],
    ['http://127.0.0.1:4000', 'http://127.0.0.1:4000'],
    ['http://localhost:4000/', 'http://localhost:4000'],
    ['http://[::1]:4000', 'http://[::1]:4000'],
    ['HTTPS://Verdict.Example', 'https://verdict.example'],
  ])('takes %j as %s', (text, address) => {
    expect(serverAddress(text)).toBe(address)
  })

  it.each([
    ['', 'No server: set VERDICT_URL'],
    ['verdict.example', 'must begin with https://'],
    ['localhost:4000', 'must begin with https://'],
    ['ftp://verdict.example', 'must begin with https://'],
    ['http://verdict.example', 'set VERDICT_ALLOW_HTTP=1'],
    ['http://127.0.0.1.evil.example', 'set VERDICT_ALLOW_HTTP=1'],
    ['https://me:pw@verdict.example', 'user name or password'],
    ['https://verdict.example/?x=1', 'must end before ? and #'],
  ])('refuses %j and says %s', (text, message) => {
    expect(() => serverAddress(text)).toThrow(AddressError)
    expect(() => serverAddress(text)).toThrow(message)
  })

  it('takes plain http to anywhere when it is allowed', () => {
    expect(serverAddress('http://verdict.internal:4000', true)).toBe('http://verdict.internal:4000')
  })

  it.each(['vdt_0123456789', 'https://me:hunter2@verdict.example'])(
    'never repeats a secret that was put into %s',
    (text) => {
      const secret = text.includes('hunter2') ? 'hunter2' : text
      try {
        serverAddress(text)
      } catch (error) {
        expect(String(error)).not.toContain(secret)
      }
    },
  )
})
