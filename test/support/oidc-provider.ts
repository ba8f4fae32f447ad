import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Provider } from 'oidc-provider'

export interface RealIssuer {
  readonly url: string
  /** Signs that account in, as a browser would, and answers its ID token. */
  signIn(account: string): Promise<string>
  close(): Promise<void>
}

const CLIENT = { client_id: 'product', client_secret: 'a secret of the product, 32 characters' }
const BACK = 'https://product.example/back'

/** The real `oidc-provider`, with the code flow of a confidential client and its own pages for signing in. */
export async function startOidcProvider(): Promise<RealIssuer> {
  const server = createServer((request, response) => handle(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const provider = new Provider(url, {
    clients: [{ ...CLIENT, redirect_uris: [BACK], grant_types: ['authorization_code'], response_types: ['code'] }],
    pkce: { required: () => false },
    cookies: { keys: [randomBytes(16).toString('hex')] },
    findAccount: (_context: unknown, id: string) => ({ accountId: id, claims: async () => ({ sub: id }) }),
  })
  const handle = provider.callback()

  async function signIn(account: string): Promise<string> {
    const cookies = new Map<string, string>()
    const go = async (to: string, form?: Record<string, string>) => {
      const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
      const body = form && { method: 'POST', body: new URLSearchParams(form) }
      const response = await fetch(new URL(to, url), { redirect: 'manual', headers: { cookie }, ...body })
      for (const line of response.headers.getSetCookie()) {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
        cookies.set(name, value)
      }
      return response
    }
    const query = new URLSearchParams({
      client_id: CLIENT.client_id,
      redirect_uri: BACK,
      response_type: 'code',
      scope: 'openid',
      nonce: 'n',
    })
    let at = `${url}/auth?${query}`
    for (let steps = 0; !at.startsWith(BACK); steps++) {
      if (steps > 12) throw new Error(`the sign-in goes round in circles at ${at}`)
      const response = await go(at)
      const next = response.headers.get('location')
      if (next !== null) {
        at = new URL(next, url).href
        continue
      }
      // A page of its own: the form to sign in, then the one to consent.
      const page = await response.text()
      const prompt = /name="prompt" value="(\w+)"/.exec(page)?.[1] ?? 'login'
      const action = /action="([^"]+)"/.exec(page)?.[1] ?? at
      const sent = await go(action, prompt === 'login' ? { prompt, login: account, password: 'x' } : { prompt })
      at = new URL(sent.headers.get('location') ?? at, url).href
    }
    const code = new URL(at).searchParams.get('code') ?? ''
    const body = new URLSearchParams({ grant_type: 'authorization_code', code, redirect_uri: BACK })
    const basic = [CLIENT.client_id, CLIENT.client_secret].map(encodeURIComponent).join(':')
    const authorization = `Basic ${Buffer.from(basic).toString('base64')}`
    const answer = await (await fetch(`${url}/token`, { method: 'POST', body, headers: { authorization } })).json()
    if (!answer.id_token) throw new Error(`no ID token: ${JSON.stringify(answer)}`)
    return answer.id_token as string
  }

  return {
    url,
    signIn,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
