import { Problem } from '../domain/problem.ts'
import type { App } from './http.ts'

/** Answers for addresses that are not there: 404, or 405 with `Allow` where only the method is wrong (RFC 9110 15.5.6). */
export function notFoundAnswers(app: App): void {
  const methodsOf = new Map<string, Set<string>>()
  app.addHook('onRoute', ({ url, method }) => {
    const methods = methodsOf.get(url) ?? new Set()
    for (const one of [method].flat()) methods.add(one)
    methodsOf.set(url, methods)
  })
  app.setNotFoundHandler(async (request, reply) => {
    const path = request.url.split('?')[0] as string
    const shown = `${request.method} ${path.slice(0, 200)}`
    const allowed = [...methodsOf].filter(([route]) => matches(route, path)).flatMap(([, methods]) => [...methods])
    if (allowed.length === 0) throw new Problem('not_found', `There is nothing at ${shown}. /docs lists what there is.`)
    reply.header('allow', [...new Set(allowed)].join(', '))
    throw new Problem('method_not_allowed', `There is no ${shown}; this address takes ${allowed.join(', ')}.`)
  })
}

function matches(route: string, path: string): boolean {
  const wanted = route.split('/')
  const given = path.split('/')
  return (
    wanted.length === given.length &&
    wanted.every((part, at) => part === given[at] || (part.startsWith(':') && given[at] !== ''))
  )
}
