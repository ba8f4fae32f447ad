import { Ajv } from 'ajv'
import github from './fixtures/github-create-commit-status.json' with { type: 'json' }

export interface ForgeRequest {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
}

interface Operation {
  readonly path: RegExp
  /** Of the body; closed: a field that is not described is a mistake. */
  readonly body: object
  /** What an answer of 201 looks like, where the description has an example. */
  readonly answer: object
}

/** "Create a commit status", of GitHub's own OpenAPI description: the one operation, as its package has it. */
function githubStatus(): Operation {
  return {
    path: new RegExp(`^${github.path.replace(/\{[^}]+\}/g, '[^/]+')}$`),
    body: { ...github.requestBody, additionalProperties: false },
    answer: github.answer,
  }
}

/**
 * "Create or update a commit pipeline status" of GitLab, by its own declaration of the endpoint (lib/api/commit_statuses.rb,
 * of which its OpenAPI description, postApiV4ProjectsIdStatusesSha, is made: fields, types, states, what is required), its
 * documentation (doc/api/commits.md: the 255 characters, which the description only has in words), and its model
 * (target_url is a URL, a name is never empty).
 */
const GITLAB_STATUS: Operation = {
  path: /^\/projects\/[^/]+\/statuses\/(?:[0-9a-f]{40}|[0-9a-f]{64})$/,
  body: {
    type: 'object',
    required: ['state'],
    additionalProperties: false,
    // Two words for one field.
    not: { required: ['name', 'context'] },
    properties: {
      state: { enum: ['pending', 'running', 'success', 'failed', 'canceled', 'skipped'] },
      ref: { type: 'string', maxLength: 255 },
      name: { type: 'string', minLength: 1, default: 'default' },
      context: { type: 'string', minLength: 1, default: 'default' },
      target_url: { type: 'string', maxLength: 255, pattern: '^https?://[^/]' },
      description: { type: 'string', maxLength: 255 },
      coverage: { type: 'number' },
      pipeline_id: { type: 'integer' },
    },
  },
  answer: { id: 93, sha: '18f3e63d05582537db6d183d9d557be09e1f90c8', status: 'pending', name: 'default' },
}
const HEADERS = {
  github: { authorization: /^Bearer \S+$/, accept: /^application\/vnd\.github\+json$/ },
  gitlab: { 'private-token': /^\S+$/ },
}

/** Says what of a request is not as the forge describes it, and how the forge answers one that is. */
export function forgeDescription(kind: 'github' | 'gitlab') {
  const { path, body, answer } = kind === 'github' ? githubStatus() : GITLAB_STATUS
  const ajv = new Ajv({ strict: false, allErrors: true })
  const fits = ajv.compile(body)
  function problems(request: ForgeRequest): string[] {
    const found: string[] = []
    if (request.method !== 'POST' || !path.test(request.path))
      found.push(`no operation ${request.method} ${request.path}`)
    const headers: Record<string, RegExp> = { ...HEADERS[kind], 'content-type': /^application\/json\b/ }
    for (const [name, pattern] of Object.entries(headers))
      if (!pattern.test(String(request.headers[name]))) found.push(`the header ${name} is ${request.headers[name]}`)
    if (!fits(JSON.parse(request.body))) found.push(ajv.errorsText(fits.errors))
    return found
  }
  return { problems, answer }
}
