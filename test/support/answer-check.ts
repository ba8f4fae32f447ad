import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'

/** Throws when an answer is not as the document says. */
export type AnswerCheck = (
  method: string,
  path: string,
  answer: { status: number; headers: Headers; json: unknown; text: string },
) => void

interface Operation {
  responses?: Record<string, { content?: Record<string, { schema?: object }> }>
}
interface Document {
  paths: Record<string, Record<string, Operation>>
  components: object
}

/**
 * Checks answers against an OpenAPI 3.1 document: a JSON answer of a documented operation must have a schema for its
 * status there, and keep it. What the document tells outsiders is what they get.
 */
export function answerCheck(document: Document): AnswerCheck {
  const ajv = new Ajv2020({ strict: false, allErrors: true })
  addFormats.default(ajv)
  ajv.addSchema({ $id: 'document', components: document.components }, 'document')
  const routes = Object.entries(document.paths).map(([template, operations]) => ({
    template,
    pattern: new RegExp(`^${template.replace(/[.]/g, '\\.').replace(/\{[^}]+\}/g, '[^/]+')}$`),
    operations,
  }))
  const checks = new Map<string, ReturnType<typeof ajv.compile>>()

  return (method, path, answer) => {
    const plain = path.split('?')[0] as string
    const route = routes
      .filter(({ pattern }) => pattern.test(plain))
      .sort((a, b) => a.template.split('{').length - b.template.split('{').length)[0]
    const operation = route?.operations[method.toLowerCase()]
    if (!operation || answer.json === undefined) return
    const name = `${method} ${route.template} ${answer.status}`
    const { responses = {} } = operation
    const family = `${String(answer.status)[0]}XX`
    const response = responses[answer.status] ?? responses[family] ?? responses.default
    const type = (answer.headers.get('content-type') ?? '').split(';')[0] as string
    const schema = response?.content?.[type]?.schema
    if (!schema) throw new Error(`${name}: /openapi.json knows no ${type} answer of this status`)
    if (!checks.has(name)) {
      const local = JSON.parse(JSON.stringify(schema).replaceAll('"#/components/', '"document#/components/'))
      checks.set(name, ajv.compile(local))
    }
    const check = checks.get(name)!
    if (!check(answer.json)) throw new Error(`${name}: ${ajv.errorsText(check.errors)}\n${answer.text.slice(0, 2000)}`)
  }
}
