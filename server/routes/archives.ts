import { Type } from 'typebox'
import { Archive } from '../../contract/archives.ts'
import type { Archives } from '../domain/archives.ts'
import { Problem } from '../domain/problem.ts'
import { type App, emptyAnswer, problemAnswers } from './http.ts'

const DigestParams = Type.Object({ sha256: Type.String() })
const config = { access: ['runs:write', 'suites:write'] as const }
const tags = ['archives']

/** Packed trees, uploaded once and named by their digest. */
export function archiveRoutes(app: App, { archives, maxBytes }: { archives: Archives; maxBytes: number }): void {
  app.register(async (uploads: App) => {
    uploads.removeAllContentTypeParsers()
    uploads.addContentTypeParser(
      ['application/gzip', 'application/x-gzip', 'application/octet-stream'],
      (_request, payload, done) => done(null, payload),
    )

    uploads.put(
      '/v1/archives/:sha256',
      {
        config,
        bodyLimit: maxBytes,
        schema: {
          tags,
          summary: 'Upload an archive (tar.gz)',
          params: DigestParams,
          consumes: ['application/gzip'],
          response: { 200: Archive, ...problemAnswers },
        },
      },
      async (request) => {
        requireDigest(request.params.sha256)
        if (!request.body)
          throw new Problem('invalid_request', 'The body is missing: send the archive as application/gzip.')
        return archives.put(request.caller, request.params.sha256, request.body as AsyncIterable<Uint8Array>)
      },
    )
    uploads.head(
      '/v1/archives/:sha256',
      {
        config: { ...config, swagger: { exposeHeadRoute: true } },
        schema: {
          tags,
          summary: 'Whether the archive is there',
          params: DigestParams,
          response: { 200: emptyAnswer('It is there'), ...problemAnswers },
        },
      },
      async (request, reply) => {
        const there =
          /^[0-9a-f]{64}$/.test(request.params.sha256) && (await archives.has(request.caller, request.params.sha256))
        return reply.code(there ? 200 : 404).send()
      },
    )
  })
}

function requireDigest(sha256: string): void {
  if (!/^[0-9a-f]{64}$/.test(sha256))
    throw new Problem(
      'invalid_request',
      'The address must name the SHA-256 of the archive in 64 lower-case hexadecimal digits.',
    )
}
