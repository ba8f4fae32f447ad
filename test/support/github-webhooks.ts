import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'

// biome-ignore lint/suspicious/noExplicitAny: a description is looked into freely
type Schema = any
type Payload = Record<string, unknown>

const generated = createRequire(import.meta.url).resolve('@octokit/openapi-webhooks/generated/api.github.com.json')
const description: Schema = JSON.parse(readFileSync(generated, 'utf8'))
const ajv = new Ajv2020({ strict: false, allErrors: true, logger: false })
addFormats.default(ajv)
ajv.addSchema({ $id: 'github', components: description.components }, 'github')

/** Throws when GitHub's own description of that webhook does not take the payload. */
export function checkGithubPayload(event: string, payload: Payload): void {
  const schema = schemaOf(event, payload)
  const reference = `github${schema.$ref}`
  const fits = ajv.getSchema(reference) ?? ajv.compile({ $ref: reference })
  if (!fits(payload)) throw new Error(`no webhook ${event} of GitHub: ${ajv.errorsText(fits.errors).slice(0, 2000)}`)
}

/** A webhook with all that GitHub's description requires, changed by `change`, and still one of that description. */
export function githubPayload(event: string, change: Payload): Payload {
  const payload = merged(exampleOf(schemaOf(event, change)), change) as Payload
  checkGithubPayload(event, payload)
  return payload
}

/** The whole payloads that the description gives as examples: event and payload. */
export function githubExamples(): [string, Payload][] {
  return Object.entries<Schema>(description.webhooks).flatMap(([name, { post }]) =>
    Object.values<Schema>(post.requestBody.content['application/json'].examples ?? {}).map(
      (example): [string, Payload] => {
        const { value } = resolved(example)
        const event = value.action === undefined ? name : name.slice(0, -dashed(value.action).length - 1)
        return [event.replaceAll('-', '_'), value]
      },
    ),
  )
}

const dashed = (name: unknown) => String(name).replaceAll('_', '-')

function schemaOf(event: string, { action }: Payload): Schema {
  const name = action === undefined ? dashed(event) : `${dashed(event)}-${dashed(action)}`
  const webhook = description.webhooks[name]
  if (!webhook) throw new Error(`GitHub describes no webhook ${name}`)
  return webhook.post.requestBody.content['application/json'].schema
}

function resolved(schema: Schema): Schema {
  let found = schema
  while (found.$ref)
    found = found.$ref
      .slice(2)
      .split('/')
      .reduce((at: Schema, name: string) => at[name], description)
  return found
}

const TEXTS: Readonly<Record<string, string>> = {
  'date-time': '2026-01-05T00:00:00Z',
  date: '2026-01-05',
  uri: 'https://example.com/',
  email: 'octocat@example.com',
}

/** The smallest value that a schema describes: required fields only. */
function exampleOf(schema: Schema): unknown {
  const { allOf, anyOf, oneOf, type, properties, required = [], enum: values, format, ...rest } = resolved(schema)
  if (allOf) return allOf.map(exampleOf).reduce(merged, {})
  const [choice] = anyOf ?? oneOf ?? []
  if (choice && !properties) return exampleOf(choice)
  if ('const' in rest) return rest.const
  if (values) return values[0]
  if (type === 'null') return null
  const kind = [type].flat().find((one) => one !== 'null') ?? 'object'
  if (kind === 'object')
    return Object.fromEntries(required.map((name: string) => [name, exampleOf(properties?.[name] ?? {})]))
  return { array: [], boolean: false, integer: 1, number: 1, string: TEXTS[format] ?? 'text' }[kind as string]
}

function merged(one: unknown, other: unknown): unknown {
  if (!isObject(one) || !isObject(other)) return other
  const both = { ...one }
  for (const [name, value] of Object.entries(other)) both[name] = merged(one[name], value)
  return both
}

function isObject(value: unknown): value is Payload {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
