import { parseAllowedCidrs } from '../../egress/addresses.ts'
import { dnsResolver } from '../../egress/resolver.ts'
import { detectRunner } from '../../worker/runner/detect.ts'
import type { RunFolderOptions } from '../../worker/runner/runner.ts'
import type { GitCheckout } from '../../worker/work.ts'
import { startDnsServer } from './dns-server.ts'
import { suiteFile } from './e2e-tree.ts'
import { temporaryRunner } from './runner-options.ts'
import { jobOf, type RecordedRun } from './scripted-work.ts'
import { startWorkerUnderTest } from './worker-under-test.ts'

/** slirp4netns(1): this machine's loopback as a sandbox reaches it. */
const HOST_INSIDE = '10.0.2.2'
/** `forge.test` is known to this DNS server alone: a sandbox that looked it up itself would not find it. */
const ZONE: Readonly<Record<string, readonly string[]>> = {
  'forge.test': [HOST_INSIDE],
  'private.test': ['10.11.12.13'],
  'mixed.test': ['8.8.8.8', '192.168.1.1'],
  'public.test': ['8.8.8.8'],
}
/** A commit that no repository has. */
export const GONE = 'd'.repeat(40)

/** A real worker with the real sandbox, which may fetch from this machine's loopback. */
export async function startSourceWorker({ slots = 1 } = {}) {
  const allowed = parseAllowedCidrs(`127.0.0.0/8, ${HOST_INSIDE}`)
  const { options, remove } = temporaryRunner({ network: 'internet', allowed })
  const detected = await detectRunner(options)
  if (!detected.runner) throw new Error(detected.problem)
  const { runner } = detected
  const dns = await startDnsServer((name) => ZONE[name])
  const opened: RunFolderOptions[] = []
  const under = await startWorkerUnderTest({
    slots,
    runner: () => ({
      ...runner,
      open(asked) {
        opened.push(asked)
        return runner.open(asked)
      },
    }),
    git: (git) => ({ ...git, allowed, resolve: dnsResolver([dns.address]) }),
  })
  const start = (source: GitCheckout, definition = {}, more = {}): RecordedRun =>
    under.work.add(jobOf({ run: 'echo as pushed; false', ...definition }, { source, ...more }))
  return {
    ...{ under, dns, start },
    /** Where the folders of runs are. */
    runs: options.baseFolder,
    /** How many sandboxes were made so that git fetches in them: no suite of these tests has a network. */
    fetches: () => opened.filter(({ network }) => network === 'internet').length,
    reasonOf: async (run: RecordedRun) => (await run.ended()).outcome?.reason,
    async close() {
      await under.close()
      await dns[Symbol.asyncDispose]()
      remove()
    },
  }
}
export type SourceWorker = Awaited<ReturnType<typeof startSourceWorker>>

/** The files of a commit whose suite `smoke` runs this. */
export const suites = (run: string, more: object = {}) => ({ 'verdict.yaml': suiteFile({ smoke: { run, ...more } }) })
