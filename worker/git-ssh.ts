import type { GitAddress } from '../contract/git-source.ts'

/** In the folder in which the commit is fetched, beside the credential. */
export const KNOWN_HOSTS_FILE = 'known_hosts'
export const SSH_CONFIG_FILE = 'ssh_config'

/**
 * How ssh is to sign in, for `-F`, which shuts out the configuration of user and machine (ssh_config(5)). The host must
 * show one of the pinned keys, whatever its address; nobody is asked, nothing is learned, no other key, agent or password
 * is tried, and nothing is forwarded.
 */
const OPTIONS = {
  BatchMode: 'yes',
  StrictHostKeyChecking: 'yes',
  GlobalKnownHostsFile: '/dev/null',
  UpdateHostKeys: 'no',
  VerifyHostKeyDNS: 'no',
  CheckHostIP: 'no',
  CanonicalizeHostname: 'no',
  PreferredAuthentications: 'publickey',
  IdentitiesOnly: 'yes',
  IdentityAgent: 'none',
  AddKeysToAgent: 'no',
  PKCS11Provider: 'none',
  ForwardAgent: 'no',
  ForwardX11: 'no',
  ClearAllForwardings: 'yes',
  PermitLocalCommand: 'no',
  ProxyCommand: 'none',
  ProxyJump: 'none',
  ControlMaster: 'no',
  ControlPath: 'none',
  ConnectTimeout: '30',
  ServerAliveInterval: '15',
  ServerAliveCountMax: '4',
  LogLevel: 'ERROR',
} as const

/** The files that ssh needs, by name. `folder`: where ssh finds them; `ip`: the address that was checked, if it is a name. */
export function sshFiles(
  { host }: GitAddress,
  hostKeys: readonly string[],
  ip: string | undefined,
  { folder, credentialFile }: { readonly folder: string; readonly credentialFile: string },
): Record<string, string> {
  const at = (name: string) => `"${folder}/${name}"`.replaceAll('%', '%%')
  const lines = [
    `Host ${host}`,
    // Keys are looked up by this name, at any port and address. Other hosts (of submodules) have none, and so are refused.
    `  HostKeyAlias ${host}`,
    ...(ip === undefined ? [] : [`  HostName ${ip}`]),
    'Host *',
    `  UserKnownHostsFile ${at(KNOWN_HOSTS_FILE)}`,
    `  IdentityFile ${at(credentialFile)}`,
    ...Object.entries(OPTIONS).map(([name, value]) => `  ${name} ${value}`),
  ]
  return {
    [SSH_CONFIG_FILE]: lines.map((line) => `${line}\n`).join(''),
    [KNOWN_HOSTS_FILE]: hostKeys.map((key) => `${host} ${key}\n`).join(''),
  }
}

const ARMOUR = /^-----BEGIN (?<kind>[A-Z ]*)PRIVATE KEY-----\n(?<body>[\s\S]+)\n-----END \k<kind>PRIVATE KEY-----$/
const HOW = 'make one with `ssh-keygen -t ed25519 -N ""`, and set it with its line breaks'

/** A private key as ssh reads it from a file, or what is wrong with it, in words that follow "the suite's credential". */
export function privateKeyOf(credential: string): { readonly key: string } | { readonly problem: string } {
  const text = credential.replaceAll('\r\n', '\n').trim()
  if (/^(?:ssh-|ecdsa-|sk-)\S+ AAAA/.test(text))
    return { problem: 'is a public key: set the private one (the file without .pub)' }
  if (text.startsWith('PuTTY-User-Key-File')) return { problem: 'is a key of PuTTY: export it in the form of OpenSSH' }
  const { kind, body = '' } = ARMOUR.exec(text)?.groups ?? {}
  if (kind === undefined) return { problem: `is no private key: ${HOW}` }
  if (kind.includes('ENCRYPTED') || body.includes('ENCRYPTED') || (kind === 'OPENSSH ' && hasCipher(body)))
    return { problem: `is a key with a passphrase, which nobody can type here: ${HOW}` }
  return { key: `${text}\n` }
}

const MAGIC = 'openssh-key-v1\0'

/** OpenSSH's PROTOCOL.key, 1: after the magic, the cipher's name as a string; `none` for a key without a passphrase. */
function hasCipher(body: string): boolean {
  const bytes = Buffer.from(body, 'base64')
  if (bytes.toString('latin1', 0, MAGIC.length) !== MAGIC) return false
  const length = bytes.length >= MAGIC.length + 4 ? bytes.readUInt32BE(MAGIC.length) : 0
  return bytes.toString('latin1', MAGIC.length + 4, MAGIC.length + 4 + length) !== 'none'
}
