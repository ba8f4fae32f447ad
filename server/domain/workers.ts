import { randomBytes } from 'node:crypto'
import { displayedParts, makeApiKey } from '../../contract/api-key.ts'
import { isId } from '../../contract/ids.ts'
import type { Page } from '../../contract/pages.ts'
import type { NewWorker, Worker, WorkerCreate } from '../../contract/workers.ts'
import type { PageRequest } from '../store/ports/page.ts'
import type { RunRecord } from '../store/ports/runs.ts'
import type { Store } from '../store/ports/store.ts'
import type { WorkerRecord } from '../store/ports/workers.ts'
import type { Caller } from './caller.ts'
import type { NewId } from './ids.ts'
import { pageOf } from './paging.ts'
import { Problem } from './problem.ts'
import type { Revocation } from './revocation.ts'
import { keyDigest } from './tokens.ts'

/** Workers on other machines, as those who run them see them. */
export interface Workers {
  /** A worker of the caller's workspace, or with `shared` of all. The answer is the only one that holds its key. */
  create(caller: Caller, input: WorkerCreate): Promise<NewWorker>
  /** Those of the caller's workspace; for an admin also the shared ones. */
  list(caller: Caller, page: PageRequest): Promise<Page<Worker>>
  /** Ends its key: it is refused within a second, and what it runs is taken back when its lease is over. */
  remove(caller: Caller, id: string): Promise<void>
}

/** As many runs of one worker are shown. */
const RUNNING_SHOWN = 200

export function workers(options: { store: Store; newId: NewId; revocation: Revocation }): Workers {
  const { store } = options
  const running = (id: string) => store.queue.heldBy(id, RUNNING_SHOWN)

  return {
    async create(caller, { name, labels = [], shared = false }) {
      if (shared && !caller.scopes.has('admin'))
        throw new Problem(
          'insufficient_scope',
          'A shared worker runs the suites of every workspace: making one needs the scope admin.',
        )
      const key = makeApiKey(randomBytes)
      const worker = await store.workers.create({
        id: options.newId('worker'),
        workspace: shared ? null : caller.workspace,
        name,
        labels,
        digest: keyDigest(key),
        ...displayedParts(key),
        createdBy: caller.user,
      })
      return { ...workerView(worker, []), key }
    },
    async list(caller, page) {
      const filter = { workspace: caller.workspace, shared: caller.scopes.has('admin') }
      const records = await store.workers.list(filter, { ...page, limit: page.limit + 1 })
      const held = new Map(await Promise.all(records.map(async ({ id }) => [id, await running(id)] as const)))
      return pageOf(records, page.limit, (worker) => workerView(worker, held.get(worker.id) ?? []))
    },
    async remove(caller, id) {
      const worker = isId('worker', id) ? await store.workers.get(id) : undefined
      const isTheirs =
        worker?.workspace === caller.workspace || (worker?.workspace === null && caller.scopes.has('admin'))
      if (!worker || worker.revokedAt !== null || !isTheirs)
        throw new Problem('not_found', `There is no worker ${id.slice(0, 40)} in this workspace.`)
      await store.workers.revoke(id)
      await options.revocation.refresh()
    },
  }
}

function workerView(worker: WorkerRecord, held: readonly RunRecord[]): Worker {
  const { id, name, workspace, start, end, createdBy, said } = worker
  return {
    ...{ id, name, workspace, shared: workspace === null },
    labels: labelsOf(worker),
    ...{ start, end, createdBy },
    createdAt: new Date(worker.createdAt).toISOString(),
    lastSeenAt: worker.lastSeenAt === null ? null : new Date(worker.lastSeenAt).toISOString(),
    version: said?.version ?? null,
    runner: said?.runner ?? null,
    running: held.map(({ id: run, suite, attempt }) => ({ run, suite, attempt })),
  }
}

/** What was given to the worker and what it says of itself, each once. */
export function labelsOf({ labels, said }: Pick<WorkerRecord, 'labels' | 'said'>): string[] {
  return [...new Set([...labels, ...(said?.labels ?? [])])]
}
