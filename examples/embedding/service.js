// A small product whose users get API keys from Verdict. See README.md.
import { createServer } from 'node:http'
import { createRemoteJWKSet, jwtVerify } from 'jose'

const { VERDICT_URL: verdict, VERDICT_API_KEY: ownKey, AUDIENCE: audience, PORT: port } = process.env
const keys = createRemoteJWKSet(new URL(`${verdict}/.well-known/jwks.json`))
const TYPES = {
  key: 'urn:verdict:params:oauth:token-type:api-key',
  idToken: 'urn:ietf:params:oauth:token-type:id_token',
}

/** A short token for what is shown (RFC 8693). */
async function exchange(subject_token, subject_token_type) {
  const body = new URLSearchParams({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token,
    subject_token_type,
  })
  const response = await fetch(`${verdict}/oauth/token`, { method: 'POST', body })
  const answer = await response.json()
  if (!response.ok) throw Object.assign(new Error(answer.error_description), { status: 401 })
  return answer.access_token
}

/** One call of Verdict's API; the answer's JSON. */
async function call(token, method, path, json) {
  const response = await fetch(verdict + path, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(json),
  })
  const answer = await response.json()
  if (!response.ok) throw Object.assign(new Error(answer.detail), { status: response.status })
  return answer
}

const asService = () => exchange(ownKey, TYPES.key)
const userPath = (id) => `/v1/users/by-external-id/${encodeURIComponent(id)}`

const ROUTES = {
  'POST /hooks/sign-up': async ({ id, name, plan }) => {
    const user = await call(await asService(), 'PUT', userPath(id), {
      name,
      metadata: { plan },
      limits: { maxKeys: 10 },
    })
    return { user: user.id }
  },
  'POST /hooks/closed': async ({ id }) => {
    const user = await call(await asService(), 'PUT', userPath(id), { disabled: true })
    return { user: user.id }
  },
  // The API's audience is given by who may give it: the service itself. The user's own token proves who asks.
  'POST /keys': async ({ name }, bearer) => {
    const mine = await exchange(bearer, TYPES.idToken)
    return call(mine, 'POST', '/v1/keys', { name, scopes: ['runs:read'], audiences: [audience] })
  },
  'GET /orders': async (_body, bearer) => {
    const options = { issuer: verdict, audience, typ: 'at+jwt', algorithms: ['ES256'] }
    const { payload } = await jwtVerify(bearer, keys, options).catch(() => {
      throw Object.assign(new Error('no good token'), { status: 401 })
    })
    return { ordersOf: payload.external_id, plan: payload.metadata.plan, may: payload.scope }
  },
}

const server = createServer(async (request, response) => {
  const send = (status, body) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  try {
    const route = ROUTES[`${request.method} ${request.url}`]
    if (!route) return send(404, { error: 'not found' })
    let text = ''
    for await (const chunk of request) text += chunk
    const bearer = request.headers.authorization?.replace(/^Bearer /, '') ?? ''
    send(200, await route(text === '' ? {} : JSON.parse(text), bearer))
  } catch (error) {
    send(error.status ?? 500, { error: error.message })
  }
})
server.listen(Number(port), '127.0.0.1', () =>
  console.log(`the service is at http://127.0.0.1:${server.address().port}`),
)
