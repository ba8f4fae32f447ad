import { isIP } from 'node:net'
import { type GitAddress, repositoryOfUrl } from '../contract/git-source.ts'
import type { Cidr } from '../egress/addresses.ts'
import type { Resolve } from '../egress/resolver.ts'
import { connectionProblem, GIT, targetProblem } from '../egress/targets.ts'
import { Judged } from './judged.ts'
import { OWN_HOST } from './runner/runner.ts'

/** Which hosts repositories may be fetched from, and how their names are looked up. */
export interface SourceGuard {
  /** VERDICT_ALLOWED_PRIVATE_CIDRS. */
  readonly allowed: readonly Cidr[]
  readonly resolve: Resolve
}

const UNKNOWN = ['ENOTFOUND', 'ENODATA']

/**
 * Every address that the host's name means, each checked as those of callbacks are: git is to connect to these and to look
 * nothing up itself. None for a host that is an address, or this machine as its runs see it. The routes of the sandbox
 * refuse private addresses as well; they know no ports.
 * @throws Judged `source_unavailable`
 */
export async function checkedAddresses(address: GitAddress, guard: SourceGuard): Promise<readonly string[]> {
  const { host, endpoint, href } = address
  const refused = (why: string, options?: ErrorOptions) =>
    new Judged('source_unavailable', `${repositoryOfUrl(href)} cannot be fetched: ${why}.`, options)
  const isOwn = host === OWN_HOST
  const problem = isOwn ? undefined : targetProblem(endpoint, guard.allowed, GIT)
  if (problem !== undefined) throw refused(`its address ${problem}`)
  const found = isOwn
    ? ['127.0.0.1']
    : isIP(host)
      ? [host]
      : await guard.resolve(host).catch((cause) => {
          const code = String(cause?.code ?? cause?.message)
          const why = UNKNOWN.includes(code) ? 'is not known' : `could not be looked up (${code})`
          throw refused(`the name of its host, ${host}, ${why}`, { cause })
        })
  for (const ip of found) {
    const wrong = connectionProblem(new URL(endpoint), ip, guard.allowed)
    if (wrong !== undefined)
      throw refused(
        `its address ${wrong}${isIP(host) || isOwn ? '' : ` (${host} means ${ip})`}; VERDICT_ALLOWED_PRIVATE_CIDRS of the worker opens private networks`,
      )
  }
  return isOwn || isIP(host) ? [] : found
}
