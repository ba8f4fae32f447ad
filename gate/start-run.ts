import { ApiError, type CallOptions, type Client, type MadeRun } from '../client/index.ts'
import type { TreeSuite } from './planned-suite.ts'
import type { RunRequest } from './request.ts'
import { WrongUseError } from './wrong-use.ts'

/** Sends archives and starts runs. Suites of one call that share an archive upload it once. */
export class Starter {
  readonly #client: Client
  readonly #uploads = new Map<string, Promise<void>>()

  constructor(client: Client) {
    this.#client = client
  }

  /**
   * Starts one run: uploads what the server lacks, and triggers with the request's idempotency key, so that a lost answer
   * makes no second run. `upload` may be ended at once, `trigger` rather late: a run that was made must be known, or it
   * could not be cancelled.
   */
  async start(request: RunRequest, options: { upload: CallOptions; trigger: CallOptions }): Promise<MadeRun> {
    const { planned, body, idempotencyKey } = request
    if (planned.from === 'tree') await this.#upload(planned, options.upload)
    options.upload.signal?.throwIfAborted()
    const trigger = () => this.#client.runs.create(body, { ...options.trigger, idempotencyKey })
    try {
      return await trigger()
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      if (error.code === 'suite_locked') throw locked(planned.name, error)
      if (error.code !== 'archive_missing' || planned.from !== 'tree') throw error
      // It was there a moment ago, or its upload was lost.
      await this.#client.archives.put(planned.tree.sha256, planned.tree.archive, options.upload)
      return await trigger()
    }
  }

  #upload({ tree }: TreeSuite, options: CallOptions): Promise<void> {
    const upload = this.#uploads.get(tree.sha256) ?? this.#send(tree, options)
    this.#uploads.set(tree.sha256, upload)
    return upload
  }

  async #send({ sha256, archive }: TreeSuite['tree'], options: CallOptions): Promise<void> {
    if (!(await this.#client.archives.has(sha256, options))) await this.#client.archives.put(sha256, archive, options)
  }
}

function locked(name: string, cause: ApiError): WrongUseError {
  return new WrongUseError(
    `Suite ${name} is locked and runs only as it was pushed: use --stored (Action: \`stored: true\`)`,
    {
      cause,
    },
  )
}
