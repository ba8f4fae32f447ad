import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose'

export interface OidcIssuer {
  readonly url: string
  /** The private half of its signing key `kid` `a`, RS256. */
  readonly privateKey: CryptoKey
  readonly publicJwk: JWK
  /** What it publishes; a test changes it. */
  keys: unknown[]
  /** Answers instead of it, for a path; undefined: as usual. */
  instead: ((request: IncomingMessage, response: ServerResponse) => boolean) | undefined
  /** How often its keys were asked for. */
  readonly asked: () => number
  /** A token as it would give one; `claims` are laid over usual ones, undefined takes one out. */
  token(claims?: JWTPayload, header?: Record<string, unknown>): Promise<string>
  close(): Promise<void>
}

/** An OpenID Connect issuer that a test holds in its hand: real keys, real HTTP, whatever claims are wanted. */
export async function startOidcIssuer(options: { audience: string; now: () => number }): Promise<OidcIssuer> {
  const pair = await generateKeyPair('RS256', { extractable: true })
  const publicJwk = { ...(await exportJWK(pair.publicKey)), kid: 'a', alg: 'RS256', use: 'sig' }
  let asked = 0
  const server = createServer((request, response) => {
    if (issuer.instead?.(request, response)) return
    response.setHeader('content-type', 'application/json')
    if (request.url === '/.well-known/openid-configuration') {
      response.end(JSON.stringify({ issuer: issuer.url, jwks_uri: `${issuer.url}/jwks` }))
    } else if (request.url === '/jwks') {
      asked++
      response.end(JSON.stringify({ keys: issuer.keys }))
    } else response.writeHead(404).end('{}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const issuer: OidcIssuer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    privateKey: pair.privateKey,
    publicJwk,
    keys: [publicJwk],
    instead: undefined,
    asked: () => asked,
    token(claims = {}, header = {}) {
      const iat = Math.floor(options.now() / 1000)
      const usual = { iss: issuer.url, sub: 'alice', aud: options.audience, iat, exp: iat + 300, ...claims }
      return new SignJWT(usual)
        .setProtectedHeader({ alg: 'RS256', kid: 'a', typ: 'JWT', ...header })
        .sign(pair.privateKey)
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return issuer
}
