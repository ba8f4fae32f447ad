import type { ErrorCode } from '../contract/errors.ts'
import { VERSION } from '../contract/version.ts'

/** What a server answers to a request that it does not know yet, or no longer. */
const OF_ANOTHER_VERSION: readonly ErrorCode[] = ['invalid_request', 'method_not_allowed', 'not_supported']

/** Says both versions where the difference may be why a request was refused; else nothing. Versions alone refuse nothing. */
export function versionHint(code: string, server: string | undefined): string {
  if (server === undefined || server === VERSION || !(OF_ANOTHER_VERSION as readonly string[]).includes(code)) return ''
  return ` (the server is ${server} and this client is ${VERSION}, which may be why: use versions that belong together)`
}
