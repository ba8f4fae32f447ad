import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, describe, expect, it } from 'vitest'
import type { RunnerOptions } from '../../../worker/runner/detect.ts'
import { temporaryFolder } from '../../support/folder.ts'
import { processesRunning } from '../../support/machine-processes.ts'
import { LIMITS, MIB, temporaryRunner } from '../../support/runner-options.ts'
import { missingForSandbox } from '../../support/sandbox-tools.ts'

const SCRIPT = join(import.meta.dirname, '../../support/sandboxed.ts')
const NOBODY = 65_534
const missing = missingForSandbox(['bwrap', 'slirp4netns', 'ip', 'nsenter', 'unshare'])

describe.skipIf(missing)(missing ? `a worker process (skipped: ${missing})` : 'a worker process with a sandbox', () => {
  const removals: (() => void)[] = []
  afterEach(() => {
    for (const remove of removals.splice(0)) remove()
  })

  function start(options: RunnerOptions, open: object, shells: string[], user: { uid?: number; gid?: number } = {}) {
    const argument = JSON.stringify({ options, open: { slot: 0, network: 'none', limits: LIMITS, ...open }, shells })
    const child = spawn(process.execPath, [SCRIPT, argument], {
      ...user,
      env: { PATH: options.toolPath },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    removals.push(() => child.kill('SIGKILL'))
    return child
  }
  async function results(child: ReturnType<typeof start>) {
    let errors = ''
    child.stderr.on('data', (chunk) => {
      errors += chunk
    })
    const lines: string[] = []
    for await (const line of createInterface(child.stdout)) lines.push(line)
    expect(lines.length, errors).toBeGreaterThan(0)
    return lines.map((line) => JSON.parse(line))
  }

  it('takes its runs and their network with it when it is killed', async () => {
    const { options, remove } = temporaryRunner({ network: 'internet' })
    removals.push(remove)
    const child = start(options, { network: 'internet' }, ['setsid sleep 62.5 & echo up; sleep 62.5'])
    await once(child.stderr, 'data')
    await expect.poll(() => processesRunning('sleep', '62.5'), { timeout: 10_000 }).toHaveLength(2)
    child.kill('SIGKILL')
    await expect.poll(() => processesRunning('sleep', '62.5'), { timeout: 10_000 }).toEqual([])
  })

  it('runs as an ordinary user too, and says what is less then', async () => {
    const home = temporaryFolder('verdict-nobody-')
    chmodSync(home, 0o755)
    mkdirSync(join(home, 'runs'))
    chownSync(join(home, 'runs'), NOBODY, NOBODY)
    const { options, remove } = temporaryRunner({ baseFolder: join(home, 'runs') })
    removals.push(remove)
    const shells = [
      'id -u; touch file && mount -o remount,rw /usr',
      'node -e "const a = []; for (;;) { a.push(Buffer.alloc(1e6, 1)); Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5) }"',
      'for i in $(seq 60); do sleep 3 & done; wait',
    ]
    const limits = { ...LIMITS, memoryBytes: 150 * MIB, processes: 40 }
    const [about, ...exits] = await results(start(options, { limits }, shells, { uid: NOBODY, gid: NOBODY }))
    expect(about.facts.join('\n')).toContain('start it as root for a user per slot')
    expect(exits.map(({ code, limit }) => limit?.code ?? code)).toEqual([32, 'memory_limit', 'process_limit'])
  })

  it('reaches a folder and a Node that lie beneath closed folders', async () => {
    const closed = temporaryFolder('verdict-closed-')
    chmodSync(closed, 0o700)
    const { options, remove } = temporaryRunner({ baseFolder: join(closed, 'data/runs') })
    removals.push(remove)
    const [, exit] = await results(start(options, {}, ['node -e "process.exit(9)"']))
    expect(exit.code).toBe(9)
  })
})
