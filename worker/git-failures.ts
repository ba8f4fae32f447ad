import { repositoryOfUrl } from '../contract/git-source.ts'
import { Judged } from './judged.ts'
import type { GitCheckout } from './work.ts'

/** What the steps of the script end with, beside git's own codes. */
export const NO_TOOL = 90
export const NOT_A_COMMIT = 91
export const SUBMODULES = 92

type Fault = 'commit_missing' | 'source_unavailable'

/** What git and ssh say (in English, by their LANG), whose fault it is, and what it means. The first that fits counts. */
const FAILURES: readonly (readonly [RegExp, Fault, string])[] = [
  [
    /not our ref|couldn't find remote ref|bad object|not a valid object/i,
    'commit_missing',
    'the repository does not have it (any more): was its branch deleted or overwritten, or is it of a fork?',
  ],
  [
    /unadvertised object/i,
    'commit_missing',
    "the host gives out the newest commits of branches only, and this is none. Let it take git's protocol 2 (sshd: AcceptEnv GIT_PROTOCOL), or set uploadpack.allowAnySHA1InWant there",
  ],
  [
    /Host key verification failed|host key is known for|HOST IDENTIFICATION HAS CHANGED/i,
    'source_unavailable',
    'the host shows a key that is none of the "hostKeys" of the source. If it has a new one, compare it with what the host publishes, and push the suite with it; else it is not that host',
  ],
  [
    /no matching (?:host key type|key exchange method|cipher|MAC) found/i,
    'source_unavailable',
    'the host and the ssh of the worker have no method in common',
  ],
  [
    /Load key ".*"|invalid format|error in libcrypto/i,
    'source_unavailable',
    "ssh cannot read the suite's credential: it must be a private key without a passphrase",
  ],
  [
    /Permission denied \(|Too many authentication failures/i,
    'source_unavailable',
    "the host refused the key. Add its public half there as a deploy key of the repository, or set the suite's credential anew (verdict suites secret set)",
  ],
  [
    /could not read (?:Username|Password)|Authentication failed|returned error: 40[13]/i,
    'source_unavailable',
    "the host refused it. Check the suite's credential (verdict suites secret set): it must be a token that may read the repository",
  ],
  [
    /repository '.*' not found|returned error: 404|not appear to be a git repository|Repository not found|project you were looking for could not be found/i,
    'source_unavailable',
    'there is no such repository, or it is hidden from who has no (or this) credential',
  ],
  [/Could not resolve host/i, 'source_unavailable', "the host's name is not known"],
  [
    /redirect|returned error: 30[0-9]/i,
    'source_unavailable',
    'the address leads on to another one: write that one into "source"',
  ],
  [/certificate|SSL|TLS/i, 'source_unavailable', 'no trusted TLS connection could be made'],
  [
    /Failed to connect|Couldn't connect|connect to host|refused|unreachable|No route|timed out/i,
    'source_unavailable',
    'the host cannot be reached from the network of a run (VERDICT_ALLOWED_PRIVATE_CIDRS opens private ones)',
  ],
  [
    /Connection (?:closed|reset) by|kex_exchange_identification|banner exchange/i,
    'source_unavailable',
    'the host broke the connection off',
  ],
]

/** Why the script ended with this code, given what it printed. */
export function cloneFailure(source: GitCheckout, code: number | null, printed: string): Judged {
  const { commit, url } = source
  const what = `The commit ${commit.slice(0, 12)} could not be fetched from ${repositoryOfUrl(url)}`
  const lines = printed.split('\n').filter((line) => line.trim() !== '')
  const found = FAILURES.find(([pattern]) => pattern.test(printed))
  const said =
    lines.find((line) => found?.[0].test(line)) ??
    lines.findLast((line) => /^(?:fatal|error|remote):/.test(line)) ??
    lines.at(-1)
  const git = said === undefined ? '' : ` Git says: ${said.trim().slice(0, 300)}`
  if (code === NO_TOOL) return new Judged('sandbox_failed', `${what}: ${said} in the sandbox. Tell the operator.`)
  if (code === NOT_A_COMMIT) return new Judged('commit_missing', `${what}: that name is not a commit's.`)
  if (code === SUBMODULES) {
    const why = found?.[1] === 'source_unavailable' ? 'source_unavailable' : 'commit_missing'
    const which = 'only those that this credential opens, or that are open to everybody by http(s), are'
    return new Judged(why, `${what} with its submodules: ${which}.${git}`)
  }
  if (found) return new Judged(found[1], `${what}: ${found[2]}.${git}`)
  return new Judged('source_unavailable', `${what}.${git}`)
}
