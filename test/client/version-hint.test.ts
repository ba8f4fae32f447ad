import { describe, expect, it } from 'vitest'
import { apiErrorOf } from '../../client/api-error.ts'
import { VERSION } from '../../contract/version.ts'

const answer = (code: string, version: string) =>
  apiErrorOf({
    status: 422,
    headers: { 'verdict-version': version },
    text: JSON.stringify({ code, status: 422, title: 'No', detail: 'It is not taken' }),
    server: 'https://verdict.example.com',
    during: 'call',
  }).message

describe('a server of another version', () => {
  it.each(['not_supported', 'invalid_request', 'method_not_allowed'])(
    'is named with both versions where %s may come of it',
    (code) => {
      expect(answer(code, '9.9.9')).toBe(
        `It is not taken (the server is 9.9.9 and this client is ${VERSION}, which may be why: use versions that belong together)`,
      )
    },
  )

  it.each([
    ['the versions are the same', 'not_supported', VERSION],
    ['the refusal has other reasons', 'archive_missing', '9.9.9'],
  ])('is not spoken of where %s', (_, code, version) => {
    expect(answer(code, version)).toBe('It is not taken')
  })
})
