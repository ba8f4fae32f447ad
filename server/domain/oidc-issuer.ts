import { createLocalJWKSet, type FlattenedJWSInput, type JSONWebKeySet, type JWTHeaderParameters } from 'jose'

/** One HTTP GET: never follows a redirect, ends at `signal`. The web's own `fetch` is one. */
export type Fetch = (
  url: string,
  init: { redirect: 'error'; signal: AbortSignal; headers: Record<string, string> },
) => Promise<Response>

/** The public keys of the operator's OIDC issuer, by its own metadata (OpenID Connect Discovery 1.0). */
export interface IssuerKeys {
  /** The key of a token's header. Throws an Error that names what is wrong with the issuer or the header. */
  key(header: JWTHeaderParameters, token: FlattenedJWSInput): Promise<CryptoKey>
}

/** Asymmetric ones alone: with them the issuer's public keys are of no use to forge anything. */
export const OIDC_ALGORITHMS = ['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA', 'Ed25519']

const TIMEOUT_MS = 5000
const BODY_MAX_BYTES = 256 * 1024
const KEYS_MAX = 100
/** How long the keys are good; and after how long a key that is not among them may be asked for again. */
const KEEP_MS = 10 * 60_000
const COOLDOWN_MS = 30_000

export function issuerKeys(options: { issuer: string; fetch: Fetch; monotonic: () => number }): IssuerKeys {
  const { issuer, monotonic } = options
  let found: { keys: ReturnType<typeof createLocalJWKSet>; at: number } | undefined
  let triedAt = Number.NEGATIVE_INFINITY
  let underWay: Promise<void> | undefined

  async function getJson(url: string): Promise<Record<string, unknown>> {
    const signal = AbortSignal.timeout(TIMEOUT_MS)
    const response = await options.fetch(url, { redirect: 'error', signal, headers: { accept: 'application/json' } })
    if (response.status !== 200) throw new Error(`${url} answered ${response.status}`)
    const body = JSON.parse(await textOf(response, url)) as unknown
    if (typeof body !== 'object' || body === null || Array.isArray(body)) throw new Error(`${url} is no JSON object`)
    return body as Record<string, unknown>
  }

  async function load(): Promise<void> {
    triedAt = monotonic()
    const metadata = await getJson(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`)
    // Discovery 4.3: the issuer must be the very one that was asked.
    if (metadata.issuer !== issuer) throw new Error("the issuer's metadata names another issuer")
    const address = typeof metadata.jwks_uri === 'string' ? URL.parse(metadata.jwks_uri) : null
    const plain = new URL(issuer).protocol === 'http:'
    if (!address || (address.protocol !== 'https:' && !(plain && address.protocol === 'http:')))
      throw new Error("the issuer's jwks_uri is no https address")
    const set = (await getJson(address.href)) as unknown as JSONWebKeySet
    if (!Array.isArray(set.keys) || set.keys.length === 0) throw new Error('the issuer has no keys')
    if (set.keys.length > KEYS_MAX) throw new Error('the issuer has too many keys')
    // Symmetric keys have no place in a public set, and would let anybody sign.
    const keys = createLocalJWKSet({ keys: set.keys.filter((key) => key?.kty !== 'oct') })
    found = { keys, at: monotonic() }
  }

  /** All who wait for the keys wait for one look. */
  async function refresh(): Promise<void> {
    underWay ??= load().finally(() => {
      underWay = undefined
    })
    await underWay
  }

  return {
    async key(header, token) {
      if (!found || monotonic() - found.at > KEEP_MS) {
        // Keys that are old are better than none, while the issuer is away.
        if (!found || monotonic() - triedAt > COOLDOWN_MS) await refresh().catch((error) => rethrowUnless(found, error))
      }
      const { keys } = found as NonNullable<typeof found>
      try {
        return (await keys(header, token)) as CryptoKey
      } catch (error) {
        const unknown = (error as { code?: string }).code === 'ERR_JWKS_NO_MATCHING_KEY'
        if (!unknown || monotonic() - triedAt < COOLDOWN_MS) throw error
        await refresh()
        return (await (found as NonNullable<typeof found>).keys(header, token)) as CryptoKey
      }
    },
  }
}

function rethrowUnless(there: unknown, error: unknown): void {
  if (!there) throw error
}

async function textOf(response: Response, url: string): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length
    if (bytes > BODY_MAX_BYTES) throw new Error(`${url} is larger than ${BODY_MAX_BYTES} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
