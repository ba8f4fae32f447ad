/** Names of files that tend to hold credentials, whatever their folder: packed only when `files` names them (wire 7). */
const SECRET_FILES: readonly RegExp[] = [
  /^\.env/,
  /^\.npmrc$/,
  /^[._]netrc$/,
  /^\.pypirc$/,
  /^\.pgpass$/,
  /^\.git-credentials$/,
  /^\.dockercfg$/,
  /^\.?credentials(\.json|\.toml|\.ya?ml|\.csv)?$/,
  /\.(pem|key|p8|p12|pfx|jks|keystore|ppk|kdbx)$/,
  // Keys of ssh-keygen: id_rsa, id_ed25519, id_work. A name with a dot, such as id_generator.ts, is somebody's code.
  /^id_[^.]*$/,
  /^id_(rsa|dsa|ecdsa|ed25519)\b/,
]

/**
 * Whether a file of this name, or the last part of a glob, stands for secrets. A glob that does (`certs/*.pem`, `.env*`)
 * names such files; one that does not (`*`, `config/**`, `.*`) leaves them out.
 */
export function isSecretFile(name: string): boolean {
  const lower = name.toLowerCase()
  return SECRET_FILES.some((pattern) => pattern.test(lower))
}

/** The last part of a path or glob. */
export function lastPart(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
