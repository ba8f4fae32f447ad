import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { describe, expect, it } from 'vitest'
import { configPath, findSettings, readConfigFile, writeConfigFile } from '../../cli/config.ts'
import { machine } from './machine.ts'

const FILE = { url: 'https://kept.example', apiKey: 'kept-key' }

async function fileWith(text: string, mode = 0o600) {
  const path = configPath({}, machine().home)
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, text)
  await chmod(path, mode)
  return path
}

describe('the configuration file', () => {
  it('lies below XDG_CONFIG_HOME when that is absolute, else below ~/.config', () => {
    expect(configPath({ XDG_CONFIG_HOME: '/xdg' }, '/home/ann')).toBe('/xdg/verdict/config.json')
    expect(configPath({ XDG_CONFIG_HOME: 'relative' }, '/home/ann')).toBe('/home/ann/.config/verdict/config.json')
    expect(configPath({}, '/home/ann')).toBe('/home/ann/.config/verdict/config.json')
  })

  it('is written for its owner alone and read back, over an older and looser one too', async () => {
    const path = await fileWith('{}', 0o644)
    await writeConfigFile(path, FILE)
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect(await readConfigFile(path)).toEqual(FILE)
  })

  it('says nothing when it is not there', async () => {
    expect(await readConfigFile(configPath({}, machine().home))).toEqual({})
  })

  it.each([0o640, 0o604, 0o644, 0o660])('is refused with mode %o, with the command that mends it', async (mode) => {
    const path = await fileWith(JSON.stringify(FILE), mode)
    await expect(readConfigFile(path)).rejects.toThrow(`chmod 600 ${path}`)
  })

  it.each([
    ['no JSON', '{"apiKey": "vdt_secret', /not valid JSON/],
    ['a list', '[]', /not a JSON object/],
    ['null', 'null', /not a JSON object/],
    ['an unknown field', '{"key": "x"}', /unknown field "key"; it knows "url" and "apiKey"/],
    ['a number for a key', '{"apiKey": 7}', /"apiKey" is not a text/],
    ['something else altogether', 'x'.repeat(70_000), /no configuration of verdict/],
  ])('is refused when it holds %s, without repeating what it holds', async (_, text, message) => {
    const failure = await readConfigFile(await fileWith(text)).catch((error: Error) => error)
    expect(failure).toMatchObject({ name: 'WrongUseError', message: expect.stringMatching(message) })
    expect(String(failure)).not.toContain('vdt_secret')
  })

  it('leaves nothing behind when it cannot be written', async () => {
    const path = `${await fileWith('{}')}/verdict/config.json`
    await expect(writeConfigFile(path, FILE)).rejects.toThrow('cannot be written')
    expect(await readFile(dirname(dirname(path)), 'utf8')).toBe('{}')
  })
})

describe('the settings', () => {
  const ENV = { VERDICT_URL: 'https://env.example', VERDICT_API_KEY: 'env-key' }

  it.each([
    ['flags before the environment', 'https://flag.example', ENV, FILE, 'https://flag.example', 'env-key'],
    ['the environment before the file', undefined, ENV, FILE, 'https://env.example', 'env-key'],
    ['the file when nothing else is there', undefined, {}, FILE, 'https://kept.example', 'kept-key'],
    ['the file for empty variables', undefined, { VERDICT_URL: '', VERDICT_API_KEY: ' ' }, FILE, FILE.url, 'kept-key'],
    ['a key without the line end of its file', undefined, { ...ENV, VERDICT_API_KEY: 'k\n' }, {}, ENV.VERDICT_URL, 'k'],
    [
      'the kept key for the same server, written otherwise',
      'https://KEPT.example/',
      {},
      FILE,
      'https://KEPT.example/',
      'kept-key',
    ],
  ])('take %s', (_, flag, env, file, url, apiKey) => {
    expect(findSettings(flag, env, file, 'config.json')).toMatchObject({ url, apiKey })
  })

  it.each([
    ['no server', undefined, {}, {}, 'WrongUseError', /set VERDICT_URL .* or give --url, or run `verdict login`/],
    ['no key', 'https://a.example', {}, {}, 'KeyError', /no key for https:\/\/a.example: set VERDICT_API_KEY/],
    ['an empty key', 'https://a.example', { VERDICT_API_KEY: '' }, {}, 'KeyError', /empty.*pull request from a fork/],
    [
      'a kept key of another server',
      'https://a.example',
      {},
      FILE,
      'KeyError',
      /is for https:\/\/kept.example and is not sent to https:\/\/a.example/,
    ],
    ['a kept key of no server', 'https://a.example', {}, { apiKey: 'k' }, 'KeyError', /is for no server/],
  ])('are refused with %s', (_, flag, env, file, name, message) => {
    expect(() => findSettings(flag, env, file, 'config.json')).toThrow(
      expect.objectContaining({ name, message: expect.stringMatching(message) }),
    )
  })
})
