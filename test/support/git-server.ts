import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { BASICS } from './e2e-process.ts'
import { type Files, git, writeFiles } from './e2e-tree.ts'
import { temporaryFolder } from './folder.ts'

/** Git's own HTTP server, `git http-backend`, on loopback. What is below `silent/` is never answered. */
export interface GitServer {
  /** Where this machine reaches a repository such as `acme/shop`. */
  urlOf(repository: string): string
  /** Where a sandboxed run does, if the operator allows loopback. */
  insideUrlOf(repository: string): string
  /** Makes the repository with these files, or commits and pushes them to a branch. Resolves with the commit. */
  push(repository: string, files: Files, branch?: string): Promise<string>
  /** Where a repository lies, for git by other ways than http. */
  bareOf(repository: string): string
  /** The checkout from which is pushed. */
  checkoutOf(repository: string): string
  /** The Authorization of each request, null where there was none. */
  readonly authorizations: (string | null)[]
  /** Asked for by repositories below `private/`: `user:password`. */
  credential: string
  /** Repositories that are moved: their address leads on. */
  readonly moved: Map<string, string>
  close(): Promise<void>
}

export async function startGitServer(): Promise<GitServer> {
  const folder = temporaryFolder('verdict-git-')
  const root = join(folder, 'root')
  const authorizations: (string | null)[] = []
  const made = new Set<string>()
  const server = createServer((request, response) => {
    const { authorization = null } = request.headers
    authorizations.push(authorization)
    const [path = ''] = (request.url ?? '').split('?')
    if (path.startsWith('/silent/')) return
    const to = [...one.moved].find(([from]) => path.startsWith(`/${from}.git/`))
    if (to) return response.writeHead(301, { location: (request.url ?? '').replace(to[0], to[1]) }).end()
    const wanted = `Basic ${Buffer.from(one.credential).toString('base64')}`
    if (path.startsWith('/private/') && authorization !== wanted) {
      return response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end()
    }
    return backend(root, request, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo

  const one: GitServer = {
    urlOf: (repository) => `http://127.0.0.1:${port}/${repository}.git`,
    insideUrlOf: (repository) => `http://host.verdict.internal:${port}/${repository}.git`,
    bareOf: (repository) => join(root, `${repository}.git`),
    checkoutOf: (repository) => join(folder, 'checkouts', repository),
    async push(repository, files, branch = 'main') {
      const bare = one.bareOf(repository)
      const checkout = one.checkoutOf(repository)
      if (!made.has(repository)) {
        made.add(repository)
        await mkdir(bare, { recursive: true })
        await mkdir(checkout, { recursive: true })
        await git(bare, 'init', '--quiet', '--bare', '--initial-branch', 'main')
        await git(bare, 'config', 'http.receivepack', 'true')
        await git(bare, 'config', 'gc.auto', '0')
      }
      await writeFiles(checkout, files)
      await git(checkout, 'init', '--quiet', '--initial-branch', 'main')
      await git(checkout, 'add', '--all')
      await git(checkout, 'commit', '--quiet', '--allow-empty', '--message', 'Change')
      const commit = await git(checkout, 'rev-parse', 'HEAD')
      const header = `http.extraHeader=Authorization: Basic ${Buffer.from(one.credential).toString('base64')}`
      await git(
        checkout,
        '-c',
        header,
        'push',
        '--quiet',
        '--force',
        one.urlOf(repository),
        `HEAD:refs/heads/${branch}`,
      )
      return commit
    },
    authorizations,
    credential: 'x-access-token:git-token-1',
    moved: new Map(),
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return one
}

/** RFC 3875, as far as `git http-backend` asks for it. */
function backend(root: string, request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? '/', 'http://localhost')
  const child = spawn('git', ['http-backend'], {
    env: {
      ...BASICS,
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
      PATH_INFO: url.pathname,
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method ?? '',
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
      REMOTE_USER: 'test',
      REMOTE_ADDR: '127.0.0.1',
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  child.stdin.on('error', () => undefined)
  request.pipe(child.stdin)
  let head: Buffer = Buffer.alloc(0)
  child.stdout.on('data', (chunk: Buffer) => {
    if (response.headersSent) return void response.write(chunk)
    head = Buffer.concat([head, chunk])
    const end = head.indexOf('\r\n\r\n')
    if (end === -1) return
    const lines = head.subarray(0, end).toString('latin1').split('\r\n')
    const headers = Object.fromEntries(lines.map((line) => line.split(/:\s*/, 2) as [string, string]))
    const { Status = '200', ...rest } = headers
    response.writeHead(Number.parseInt(Status, 10), rest)
    response.write(head.subarray(end + 4))
  })
  child.stdout.on('end', () => response.end())
}
