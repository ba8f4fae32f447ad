import { ApiError } from './api-error.ts'
import type { Caller, CallOptions } from './call.ts'
import { path } from './request.ts'

export interface Archives {
  /** Whether the workspace has it. */
  has(sha256: string, options?: CallOptions): Promise<boolean>
  /** Uploads a tar.gz under its own digest; doing it twice is as good as once. */
  put(sha256: string, content: Uint8Array, options?: CallOptions): Promise<void>
}

export function archivesOf(caller: Caller): Archives {
  return {
    async has(sha256, options) {
      try {
        await caller.call({ method: 'HEAD', path: path`/v1/archives/${sha256}` }, options)
        return true
      } catch (error) {
        if (error instanceof ApiError && error.status === 404) return false
        throw error
      }
    },
    async put(sha256, content, options) {
      const bytes = { type: 'application/gzip', content }
      await caller.call({ method: 'PUT', path: path`/v1/archives/${sha256}`, bytes }, options)
    },
  }
}
