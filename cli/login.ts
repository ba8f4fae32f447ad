import { WrongUseError } from '../gate/wrong-use.ts'
import type { Call, CommandSpec } from './command.ts'
import { allowsHttp, configPath, findUrl, readConfigFile, writeConfigFile } from './config.ts'
import { ask, readSecret } from './prompt.ts'
import { withClient } from './session.ts'
import { describeMe } from './whoami.ts'

export const login: CommandSpec = {
  name: 'login',
  summary: 'keep a key for this machine, once it has been tried at the server',
  details:
    'The key is typed at a prompt without echo, or read from standard input; it is never a flag. It is kept in ' +
    '$XDG_CONFIG_HOME/verdict/config.json (by default ~/.config/verdict/config.json), readable by you alone. ' +
    'In CI set VERDICT_URL and VERDICT_API_KEY instead: they go before the file.',
  examples: [
    'verdict login --url https://verdict.example.com',
    'pass show verdict | verdict login --url https://verdict.example.com',
  ],
  async act(call) {
    const { host, output } = call
    const path = configPath(host.env, host.home)
    const found = await addressFor(call, path)
    const apiKey = (await readSecret(host.stdin, host.stderr, 'API key')).trim()
    const settings = { ...found, apiKey, keyFrom: 'what was given', allowHttp: allowsHttp(host.env) }
    return withClient(host, settings, async (client) => {
      const me = await client.me()
      await writeConfigFile(path, { url: client.url, apiKey })
      output.result({ url: client.url, file: path, ...me }, `${describeMe(me, client.url)}\nkept in     ${path}`)
      for (const name of ['VERDICT_URL', 'VERDICT_API_KEY']) {
        if (host.env[name]) output.warn(`${name} is set and goes before what was kept: unset it to use the file`)
      }
      return 0
    })
  },
}

async function addressFor({ options, host }: Call<object>, path: string): Promise<{ url: string; urlFrom: string }> {
  // A file that is broken or too open is to be written anew, so it must not stand in the way.
  const file = await readConfigFile(path).catch(() => ({}))
  const found = findUrl(options.url, host.env, file, path)
  if (found) return found
  if (host.stdin.isTTY)
    return { url: await ask(host.stdin, host.stderr, 'Verdict server (https://…): '), urlFrom: 'the address' }
  throw new WrongUseError('which server? Give --url https://verdict.example.com, or set VERDICT_URL')
}
