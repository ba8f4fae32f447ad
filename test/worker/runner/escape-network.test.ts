import { createServer, type Server } from 'node:http'
import { networkInterfaces } from 'node:os'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseAllowedCidrs } from '../../../egress/addresses.ts'
import { detectRunner } from '../../../worker/runner/detect.ts'
import type { RunFolder, Runner } from '../../../worker/runner/runner.ts'
import { processesRunning } from '../../support/machine-processes.ts'
import { executeIn, LIMITS, temporaryRunner } from '../../support/runner-options.ts'
import { missingForSandbox } from '../../support/sandbox-tools.ts'

const missing = missingForSandbox(['bwrap', 'slirp4netns', 'ip', 'nsenter', 'unshare'])

describe.skipIf(missing)(missing ? `network internet (skipped: ${missing})` : 'a run with network internet', () => {
  const removals: (() => void)[] = []
  let server: Server
  let port = 0
  let requests = 0

  beforeAll(async () => {
    server = createServer((_request, response) => {
      requests += 1
      response.end('from the machine')
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    port = (server.address() as { port: number }).port
  })
  afterAll(() => {
    server?.close()
    for (const remove of removals) remove()
  })

  async function makeRunner(allowed: string): Promise<Runner> {
    const { options, remove } = temporaryRunner({ network: 'internet', allowed: parseAllowedCidrs(allowed) })
    removals.push(remove)
    const detected = await detectRunner(options)
    if (!detected.runner) throw new Error(detected.problem)
    expect(detected.runner.network).toEqual({ widest: 'internet', hint: null })
    return detected.runner
  }
  async function within<T>(runner: Runner, use: (folder: RunFolder) => Promise<T>): Promise<T> {
    const folder = await runner.open({ slot: 0, network: 'internet', limits: LIMITS })
    try {
      return await use(folder)
    } finally {
      await folder.close()
    }
  }
  const get = (host: string, to = port) =>
    `node -e 'fetch(process.argv[1], { signal: AbortSignal.timeout(8000) }).then((r) => r.text()).then(console.log, (e) => console.log("refused", e.cause?.code ?? e.name))' http://${host}:${to}/`

  it("reaches the machine's loopback by its name where that is allowed, in setup and in run", async () => {
    const runner = await makeRunner('127.0.0.0/8')
    await within(runner, async (folder) => {
      expect((await executeIn(folder, get('host.verdict.internal'))).output).toBe('from the machine\n')
      expect((await executeIn(folder, get('10.0.2.2'))).output).toBe('from the machine\n')
      expect((await executeIn(folder, get('169.254.169.254', 80))).output).toMatch(/^refused E/)
    })
  })

  it.each([
    ['nothing', ''],
    ['one port of it', '127.0.0.0/8:8080'],
    ['another network', '10.9.0.0/16'],
  ])('does not reach it where the operator allowed %s', async (_what, allowed) => {
    const before = requests
    await within(await makeRunner(allowed), async (folder) => {
      for (const host of ['10.0.2.2', '10.0.2.3', '127.0.0.1', 'host.verdict.internal', ownAddress()]) {
        expect((await executeIn(folder, get(host))).output, host).toMatch(/^refused/)
      }
    })
    expect(requests).toBe(before)
  })

  it('is refused every private, link-local and metadata address at once', async () => {
    const addresses = [
      '10.0.0.1',
      '10.0.3.1',
      '172.16.0.1',
      '192.168.1.1',
      '169.254.169.254',
      '100.100.100.200',
      '168.63.129.16',
      '198.18.0.1',
      '224.0.0.1',
      'fd00:ec2::254',
      'fc00::1',
      '2606:4700:4700::1111',
      '64:ff9b::a00:1',
    ]
    await within(await makeRunner(''), async (folder) => {
      const { output } = await executeIn(folder, `node -e '${CONNECT_EACH}' ${addresses.join(' ')}`)
      const lines = output.trim().split('\n')
      expect(lines).toHaveLength(addresses.length)
      for (const line of lines) expect(line).toMatch(/ E(INVAL|NETUNREACH|ACCES|HOSTUNREACH|ADDRNOTAVAIL)$/)
    })
  })

  it('cannot change its routes', async () => {
    await within(await makeRunner(''), async (folder) => {
      const shell =
        'ip route del blackhole 169.254.0.0/16 2>&1 || ip route add 169.254.0.0/24 via 10.0.2.2 2>&1 || echo kept'
      expect((await executeIn(folder, shell)).output).toMatch(/kept\n$/)
    })
  })

  it('asks names of a resolver of its own', async () => {
    await within(await makeRunner(''), async (folder) => {
      expect((await executeIn(folder, 'cat /etc/resolv.conf')).output).toBe('nameserver 10.0.2.3\n')
    })
  })

  it('takes the processes that made its network with it', async () => {
    const before = await slirps()
    const runner = await makeRunner('')
    await within(runner, async (folder) => {
      expect((await executeIn(folder, 'true')).code).toBe(0)
    })
    const left = (await slirps()).filter((pid) => !before.includes(pid))
    expect(left).toEqual([])
  })

  it('is not given to a run that asked for none, on the same runner', async () => {
    const folder = await (await makeRunner('127.0.0.0/8')).open({ slot: 0, network: 'none', limits: LIMITS })
    try {
      expect((await executeIn(folder, get('10.0.2.2'))).output).toBe('refused ENETUNREACH\n')
    } finally {
      await folder.close()
    }
  })

  it('cannot be had where the operator allows less', async () => {
    const { options, remove } = temporaryRunner({ network: 'none' })
    removals.push(remove)
    const { runner } = await detectRunner(options)
    expect(runner?.network.widest).toBe('none')
    await expect(runner!.open({ slot: 0, network: 'internet', limits: LIMITS })).rejects.toMatchObject({
      code: 'sandbox_failed',
      message: expect.stringContaining('internet is more than none'),
    })
  })
})

const CONNECT_EACH =
  'for (const host of process.argv.slice(1)) net.connect({ host, port: 80, timeout: 5000 }).on("error", (e) => console.log(host, e.code)).on("connect", function () { console.log(host, "ESCAPED"); this.destroy() }).on("timeout", function () { console.log(host, "timeout"); this.destroy() })'

async function slirps(): Promise<number[]> {
  return [...(await processesRunning('/usr/bin/slirp4netns')), ...(await processesRunning('slirp4netns'))]
}

function ownAddress(): string {
  const external = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
  return external.find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? '192.168.0.1'
}
