import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { pack } from 'tar-stream'

export interface RegistryPackage {
  readonly name: string
  readonly version: string
  /** Files by their path in the package; package.json is made. */
  readonly files: Readonly<Record<string, string>>
}

/** As much of an npm registry as `npm ci` asks for, with one package, on 127.0.0.1. */
export class TestRegistry {
  /** `GET /path`, in order. */
  readonly asked: string[] = []
  readonly #package: RegistryPackage
  readonly #tarball: Buffer
  readonly #server = createServer((request, response) => {
    this.asked.push(`${request.method} ${request.url}`)
    const { name } = this.#package
    if (request.url === `/${name}`) {
      response.setHeader('content-type', 'application/json')
      return response.end(JSON.stringify(this.#metadata(request.headers.host ?? '')))
    }
    if (request.url === this.#tarballPath) return response.end(this.#tarball)
    response.statusCode = 404
    return response.end('{}')
  })

  private constructor(from: RegistryPackage, tarball: Buffer) {
    this.#package = from
    this.#tarball = tarball
  }

  static async listen(from: RegistryPackage): Promise<TestRegistry> {
    const { name, version, files } = from
    const tar = pack()
    const manifest = JSON.stringify({ name, version, main: 'index.js' })
    for (const [path, text] of Object.entries({ 'package.json': manifest, ...files }))
      tar.entry({ name: `package/${path}` }, text)
    tar.finalize()
    const chunks: Buffer[] = []
    for await (const chunk of tar) chunks.push(chunk as Buffer)
    const registry = new TestRegistry(from, gzipSync(Buffer.concat(chunks)))
    registry.#server.listen(0, '127.0.0.1')
    await once(registry.#server, 'listening')
    return registry
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** The lock file of a project that depends on the package and on nothing else. */
  lockFile(project: string): string {
    const { name, version } = this.#package
    return JSON.stringify({
      name: project,
      lockfileVersion: 3,
      requires: true,
      packages: {
        '': { name: project, dependencies: { [name]: version } },
        [`node_modules/${name}`]: { version, integrity: this.#integrity },
      },
    })
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }

  get #tarballPath(): string {
    return `/${this.#package.name}/-/${this.#package.name}-${this.#package.version}.tgz`
  }

  get #integrity(): string {
    return `sha512-${createHash('sha512').update(this.#tarball).digest('base64')}`
  }

  /** Addresses are told by the name under which it was asked. */
  #metadata(host: string): object {
    const { name, version } = this.#package
    const dist = { tarball: `http://${host}${this.#tarballPath}`, integrity: this.#integrity }
    return { name, 'dist-tags': { latest: version }, versions: { [version]: { name, version, dist } } }
  }
}
