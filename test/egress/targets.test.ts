import { describe, expect, it } from 'vitest'
import { parseAllowedCidrs } from '../../egress/addresses.ts'
import { GIT, targetProblem } from '../../egress/targets.ts'

const LOOPBACK = parseAllowedCidrs('127.0.0.0/8')

describe('an address that a user chose', () => {
  it.each([
    'https://example.com/hook',
    'https://example.com:443/hook?x=1',
    'https://8.8.8.8/',
    'https://[2606:4700::1111]/',
    'https://xn--bcher-kva.example/',
    'https://bücher.example/',
  ])('is taken: %s', (url) => {
    expect(targetProblem(url, [])).toBeUndefined()
  })

  it.each<[string, RegExp]>([
    ['', /no URL/],
    ['example.com/hook', /no URL/],
    ['ftp://example.com/', /https/],
    ['file:///etc/passwd', /https/],
    ['gopher://example.com/', /https/],
    ['javascript:alert(1)', /https/],
    ['http://example.com/', /https on port 443/],
    ['https://example.com:8443/', /port 443/],
    ['https://example.com:22/', /port 443/],
    ['https://user@example.com/', /user name/],
    ['https://user:pass@example.com/', /user name/],
    ['https://example.com/#x', /fragment/],
    ['https://example.com/#', /fragment/],
    ['https://localhost/', /this machine/],
    ['https://LOCALHOST./', /this machine/],
    ['https://x.localhost/', /this machine/],
    ['https://127.0.0.1/', /private/],
    ['https://127.1/', /private/],
    ['https://2130706433/', /private/],
    ['https://0x7f000001/', /private/],
    ['https://0177.0.0.1/', /private/],
    ['https://0/', /private/],
    ['https://127.0.0.1./', /private/],
    ['https://①②⑦.⓪.⓪.①/', /private/],
    ['https://127。0。0。1/', /private/],
    ['https:\\\\127.0.0.1\\', /private/],
    ['https://10.0.0.1/', /private/],
    ['https://169.254.169.254/latest/meta-data', /private/],
    ['https://100.100.100.200/', /private/],
    ['https://168.63.129.16/', /private/],
    ['https://[::1]/', /private/],
    ['https://[::]/', /private/],
    ['https://[::ffff:127.0.0.1]/', /private/],
    ['https://[::ffff:7f00:1]/', /private/],
    ['https://[::127.0.0.1]/', /private/],
    ['https://[64:ff9b::7f00:1]/', /private/],
    ['https://[64:ff9b:1::1]/', /private/],
    ['https://[2002:7f00:1::]/', /private/],
    ['https://[fd00:ec2::254]/', /private/],
    ['https://[fe80::1]/', /private/],
    ['https://[fe80::1%25eth0]/', /no URL/],
    ['https://[5f00::1]/', /private/],
    ['https://[100::1]/', /private/],
  ])('is refused: %s', (url, says) => {
    expect(targetProblem(url, [])).toMatch(says)
  })

  it.each([
    'http://127.0.0.1:8080/',
    'http://127.0.0.1/',
    'https://127.0.0.1:8443/',
    'http://localhost:8080/',
    'http://hook.internal:8080/',
    'http://[::ffff:127.0.0.1]:80/',
  ])('may be http and on any port where the operator allows it: %s', (url) => {
    expect(targetProblem(url, LOOPBACK)).toBeUndefined()
  })

  it.each<[string, RegExp]>([
    ['http://8.8.8.8/', /https on port 443/],
    ['https://10.0.0.1/', /private/],
    ['http://[::1]/', /private/],
  ])('is refused all the same where that is not allowed: %s', (url, says) => {
    expect(targetProblem(url, LOOPBACK)).toMatch(says)
  })

  it('is allowed on the one port that the operator names', () => {
    const allowed = parseAllowedCidrs('127.0.0.1:8080')
    expect(targetProblem('http://127.0.0.1:8080/', allowed)).toBeUndefined()
    expect(targetProblem('http://localhost:8080/', allowed)).toBeUndefined()
    expect(targetProblem('http://127.0.0.1:8081/', allowed)).toMatch(/private/)
  })
})

describe('the address of a repository', () => {
  it.each(['https://git.example', 'ssh://git.example', 'ssh://git.example:22', 'ssh://8.8.8.8'])(
    'is taken: %s',
    (url) => {
      expect(targetProblem(url, [], GIT)).toBeUndefined()
    },
  )

  it.each<[string, RegExp]>([
    ['ssh://git.example:2222', /must be on port 22/],
    ['ssh://git.example:443', /must be on port 22/],
    ['https://git.example:22', /https on port 443/],
    ['ssh://localhost', /this machine/],
    ['ssh://127.0.0.1', /private/],
    ['ssh://10.0.0.1:22', /private/],
    ['ssh://[::1]', /private/],
    ['ftp://git.example', /https/],
  ])('is refused: %s', (url, problem) => {
    expect(targetProblem(url, [], GIT)).toMatch(problem)
  })

  it('may be private, on any port, where the operator says so', () => {
    for (const url of ['ssh://127.0.0.1:2222', 'ssh://localhost:2222', 'ssh://git.example:2222'])
      expect(targetProblem(url, LOOPBACK, GIT), url).toBeUndefined()
    expect(targetProblem('ssh://8.8.8.8:2222', LOOPBACK, GIT)).toMatch(/port 22/)
  })

  it('is none for a callback when it is of ssh', () => {
    expect(targetProblem('ssh://git.example/hook', LOOPBACK)).toMatch(/must begin with https/)
  })
})
