import { type GitAddress, gitAddress, hostKeysOf } from '../contract/git-source.ts'
import { NO_TOOL, NOT_A_COMMIT, SUBMODULES } from './git-failures.ts'
import { privateKeyOf, SSH_CONFIG_FILE, sshFiles } from './git-ssh.ts'
import type { GitCheckout } from './work.ts'

/** In the folder in which the commit is fetched. */
export const TREE_FILE = 'tree.tar.gz'
const CREDENTIAL_FILE = 'credential'
/** The token's user where the credential names none: what GitHub documents; GitLab takes any. */
const TOKEN_USER = 'x-access-token'

/**
 * Fetches one commit and packs its files. What git reads of the machine and of the repository is shut out by the
 * environment ({@link cloneEnvironment}). Links that lead out of the tree are left out, as they are when a tree is packed.
 */
export const CLONE_SCRIPT = `
set -u
for tool in git tar gzip $TRANSPORT_TOOL; do
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

/** Where the commit is fetched from, once all of it was checked. */
export interface Checkout {
  readonly source: GitCheckout
  /** The addresses of the host that may be connected to (source-host.ts). */
  readonly addresses: readonly string[]
  /** The folder of the fetch as the script sees it. */
  readonly seenAs: string
}

/** The files beside the script, by name, for its user alone; or what is wrong with the credential, in words. */
export function cloneFiles({ source, addresses, seenAs }: Checkout): CloneFiles | { readonly problem: string } {
  const address = gitAddress(source.url)
  const { credential } = source
  if (address.transport === 'ssh') {
    const read = privateKeyOf(credential ?? '')
    if ('problem' in read) return read
    const where = { folder: seenAs, credentialFile: CREDENTIAL_FILE }
    const files = sshFiles(address, hostKeysOf({ ...source, git: source.url }), addresses[0], where)
    return { files: { [CREDENTIAL_FILE]: read.key, ...files } }
  }
  if (credential === null) return { files: {} }
  const user = userOf(credential)
  if (!user) return { problem: 'is empty or holds control characters' }
  return { files: { [CREDENTIAL_FILE]: `username=${user.user}\npassword=${user.password}\n` } }
}

interface CloneFiles {
  readonly files: Readonly<Record<string, string>>
}

/** The whole environment of the script. */
export function cloneEnvironment({ source, addresses, seenAs }: Checkout): Record<string, string> {
  const address = gitAddress(source.url)
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
    ...httpConfig(address, source, addresses),
  ]
  return {
    LANG: 'C.UTF-8',
    REPOSITORY: source.url,
    COMMIT: source.commit,
    OBJECT_FORMAT: source.commit.length === 64 ? 'sha256' : 'sha1',
    WITH_SUBMODULES: source.submodules ? 'yes' : '',
    CREDENTIAL: `${seenAs}/${CREDENTIAL_FILE}`,
    TRANSPORT_TOOL: address.transport === 'ssh' ? 'ssh' : '',
    GIT_SSH_COMMAND: `ssh -F "$SSH_CONFIG"`,
    GIT_SSH_VARIANT: 'ssh',
    SSH_CONFIG: `${seenAs}/${SSH_CONFIG_FILE}`,
    GIT_ALLOW_PROTOCOL: PROTOCOLS[new URL(address.endpoint).protocol] ?? '',
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

/** What git may use, for submodules too: never one that is less safe than that of the source. */
const PROTOCOLS: Readonly<Record<string, string>> = { 'http:': 'http:https', 'https:': 'https', 'ssh:': 'ssh:https' }

function httpConfig(address: GitAddress, source: GitCheckout, addresses: readonly string[]): [string, string][] {
  if (address.transport !== 'http') return []
  const { host, port } = address
  const known = addresses.map((ip) => (ip.includes(':') ? `[${ip}]` : ip)).join(',')
  return [
    ...(known === '' ? [] : [['http.curloptResolve', `${host}:${port}:${known}`] as [string, string]]),
    // For this origin alone: a submodule elsewhere is not told it.
    ...(source.credential === null
      ? []
      : [[`credential.${address.endpoint}.helper`, '!f() { cat "$CREDENTIAL"; }; f'] as [string, string]]),
  ]
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
