import { repositoryOfUrl } from '../contract/git-source.ts'
import { Judged } from './judged.ts'
import type { GitCheckout } from './work.ts'

/** In the folder in which the commit is fetched. */
export const TREE_FILE = 'tree.tar.gz'
export const CREDENTIAL_FILE = 'credential'
/** The token's user where the credential names none: what GitHub documents; GitLab takes any. */
const TOKEN_USER = 'x-access-token'

/** What the steps of the script end with, beside git's own codes. */
const NO_TOOL = 90
const NOT_A_COMMIT = 91
const SUBMODULES = 92

/**
 * Fetches one commit and packs its files. What git reads of the machine and of the repository is shut out by the
 * environment ({@link cloneEnvironment}). Links that lead out of the tree are left out, as they are when a tree is packed.
 */
export const CLONE_SCRIPT = `
set -u
for tool in git tar gzip; do
  command -v "$tool" > /dev/null || { echo "there is no $tool"; exit ${NO_TOOL}; }
done
mkdir repository && cd repository || exit 1
git init --quiet --template= --object-format="$OBJECT_FORMAT" . || exit 1
git fetch --quiet --depth 1 --no-tags --no-recurse-submodules -- "$REPOSITORY" "$COMMIT" || exit 1
git checkout --quiet --detach FETCH_HEAD || exit 1
test "$(git rev-parse HEAD)" = "$COMMIT" || exit ${NOT_A_COMMIT}
if test -n "$WITH_SUBMODULES"; then
  git remote add origin "$REPOSITORY"
  git submodule --quiet update --init --recursive --depth 1 || exit ${SUBMODULES}
fi
find . -name .git -prune -o -type l -exec sh -c '
  for link do
    inside=no
    case $(readlink "$link") in
      /*) ;;
      *) case $(realpath -m -- "$link") in "$PWD"/*) inside=yes ;; esac ;;
    esac
    test "$inside" = yes || { printf "left out: %s, a link out of the tree\\n" "$link"; rm -- "$link"; }
  done' sh {} +
tar -cf - --exclude=.git . | gzip -1 > ../${TREE_FILE}
`

/** The whole environment of the script. `seenAs` is the folder as the script sees it. */
export function cloneEnvironment(source: GitCheckout, seenAs: string): Record<string, string> {
  const { protocol, origin } = new URL(source.url)
  const config: [string, string][] = [
    ['core.hooksPath', '/dev/null'],
    ['core.fsmonitor', 'false'],
    ['advice.detachedHead', 'false'],
    ['gc.auto', '0'],
    ['maintenance.auto', 'false'],
    // Where it led to was not checked, and the credential is not for it.
    ['http.followRedirects', 'false'],
    ['http.lowSpeedLimit', '1000'],
    ['http.lowSpeedTime', '60'],
    ['credential.helper', ''],
  ]
  if (source.credential !== null) {
    // For this origin alone: a submodule elsewhere is not told it.
    config.push([`credential.${origin}.helper`, '!f() { cat "$CREDENTIAL"; }; f'])
  }
  return {
    LANG: 'C.UTF-8',
    REPOSITORY: source.url,
    COMMIT: source.commit,
    OBJECT_FORMAT: source.commit.length === 64 ? 'sha256' : 'sha1',
    WITH_SUBMODULES: source.submodules ? 'yes' : '',
    CREDENTIAL: `${seenAs}/${CREDENTIAL_FILE}`,
    GIT_ALLOW_PROTOCOL: protocol === 'http:' ? 'http:https' : 'https',
    GIT_TERMINAL_PROMPT: '0',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_LFS_SKIP_SMUDGE: '1',
    GIT_CONFIG_COUNT: String(config.length),
    ...Object.fromEntries(
      config.flatMap(([key, value], n) => [
        [`GIT_CONFIG_KEY_${n}`, key],
        [`GIT_CONFIG_VALUE_${n}`, value],
      ]),
    ),
  }
}

/** User and password of a credential; undefined for one that no header can hold. */
export function userOf(credential: string): { user: string; password: string } | undefined {
  const text = credential.trim()
  const colon = text.indexOf(':')
  if (text === '' || /[\x00-\x1f\x7f]/.test(text)) return undefined
  return colon === -1
    ? { user: TOKEN_USER, password: text }
    : { user: text.slice(0, colon), password: text.slice(colon + 1) }
}

/** What git says (in English, by its LANG), what it means, and whose fault it is. The first that fits counts. */
const FAILURES: readonly (readonly [RegExp, 'commit_missing' | 'source_unavailable', string])[] = [
  [
    /not our ref|unadvertised object|couldn't find remote ref|bad object|not a valid object/i,
    'commit_missing',
    'the repository does not have it (any more): was its branch deleted or overwritten, or is it of a fork?',
  ],
  [
    /could not read (?:Username|Password)|Authentication failed|returned error: 40[13]/i,
    'source_unavailable',
    "the host refused it. Check the suite's credential (verdict suites secret set): it must be a token that may read the repository",
  ],
  [
    /repository '.*' not found|returned error: 404/i,
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
    /Failed to connect|Couldn't connect|refused|unreachable|No route|timed out/i,
    'source_unavailable',
    'the host cannot be reached from the network of a run (VERDICT_ALLOWED_PRIVATE_CIDRS opens private ones)',
  ],
]

/** Why the script ended with this code, given what it printed. */
export function cloneFailure(source: GitCheckout, code: number | null, printed: string): Judged {
  const { commit, url } = source
  const what = `The commit ${commit.slice(0, 12)} could not be fetched from ${repositoryOfUrl(url)}`
  const lines = printed.split('\n').filter((line) => line.trim() !== '')
  const said = lines.findLast((line) => /^(?:fatal|error|remote):/.test(line)) ?? lines.at(-1)
  const git = said === undefined ? '' : ` Git says: ${said.slice(0, 300)}`
  if (code === NO_TOOL) return new Judged('sandbox_failed', `${what}: ${said} in the sandbox. Tell the operator.`)
  if (code === NOT_A_COMMIT) return new Judged('commit_missing', `${what}: that name is not a commit's.`)
  const found = FAILURES.find(([pattern]) => pattern.test(printed))
  if (code === SUBMODULES) {
    const why = found?.[1] === 'source_unavailable' ? 'source_unavailable' : 'commit_missing'
    return new Judged(why, `${what} with its submodules: only http(s) ones that this credential opens are.${git}`)
  }
  if (found) return new Judged(found[1], `${what}: ${found[2]}.${git}`)
  return new Judged('source_unavailable', `${what}.${git}`)
}
