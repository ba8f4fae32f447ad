import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { detectRunner } from '../../../worker/runner/detect.ts'
import type { RunFolder, Runner } from '../../../worker/runner/runner.ts'
import { findCgroupParents, readCgroupView } from '../../../worker/runner/sandbox/cgroup-parents.ts'
import { temporaryFolder } from '../../support/folder.ts'
import { processesRunning } from '../../support/machine-processes.ts'
import { executeIn, LIMITS, MIB, temporaryRunner } from '../../support/runner-options.ts'
import { missingForSandbox } from '../../support/sandbox-tools.ts'

const missing = missingForSandbox()
/** Seconds that no other test sleeps. */
const NAP = `61.${process.pid}`
const SECRET = 'secret-of-the-server-7d1f'

/** What hostile suites try, while a neighbour's run in the next slot must end as if nothing were. */
describe.skipIf(missing)(missing ? `escapes (skipped: ${missing})` : 'a sandboxed run that tries to escape', () => {
  const { options, remove } = temporaryRunner()
  const data = temporaryFolder('verdict-data-')
  let runner: Runner
  let victim: ChildProcess
  let loopback: Server
  let abstract: Server
  let reached = 0

  beforeAll(async () => {
    const detected = await detectRunner(options)
    if (!detected.runner) throw new Error(detected.problem)
    runner = detected.runner
    writeFileSync(join(data, 'secret-key'), SECRET)
    victim = spawn('sleep', ['600'], { env: { PATH: options.toolPath, VERDICT_SECRET_KEY: SECRET } })
    const count = () => {
      reached += 1
    }
    loopback = createServer(count).listen(0, '127.0.0.1')
    abstract = createServer(count).listen(`\0verdict-escape-${process.pid}`)
  })
  afterAll(() => {
    victim?.kill('SIGKILL')
    loopback?.close()
    abstract?.close()
    remove()
  })

  /** Runs the attack in slot 0 beside a neighbour in slot 1, and checks the neighbour. */
  async function attack(shell: (other: RunFolder) => string, limits: Partial<typeof LIMITS> = {}, stopMs = 15_000) {
    const attacker = await runner.open({ slot: 0, network: 'none', limits: { ...LIMITS, ...limits } })
    const neighbour = await runner.open({ slot: 1, network: 'none', limits: LIMITS })
    try {
      writeFileSync(join(neighbour.path, 'tree'), SECRET, { mode: 0o644 })
      await neighbour.handOver()
      const stop = new AbortController()
      const timer = setTimeout(() => stop.abort(), stopMs)
      const [exit, other] = await Promise.all([
        executeIn(attacker, shell(neighbour), { signal: stop.signal }),
        executeIn(neighbour, 'sleep 0.1; cat tree'),
      ])
      clearTimeout(timer)
      expect(other).toMatchObject({ code: 0, limit: null, output: SECRET })
      expect(victim.exitCode ?? victim.signalCode).toBeNull()
      return exit
    } finally {
      await attacker.close()
      await neighbour.close()
    }
  }

  it.each<[string, (other: RunFolder) => string]>([
    ['the data folder by its path', () => `cat ${data}/secret-key`],
    ['the data folder by a search', () => 'find / -name secret-key -exec cat {} + 2>/dev/null'],
    ["the server's environment", () => `cat /proc/*/environ /proc/${victim.pid}/environ`],
    [
      "the server's memory and files",
      () => `cat /proc/${victim.pid}/root/${data}/secret-key /proc/1/root${data}/secret-key`,
    ],
    ["another run's folder by its path", ({ path }) => `cat ${path}/tree ${path}/../work/tree`],
    ["another run's folder by its link", ({ path }) => `ln -s ${path} there; cat there/tree; cat /mnt/*/*/*/tree`],
    ["another run's folder above its own", () => 'cat ../*/tree /work/../*/tree /tmp/../*/tree'],
    // Side by side and not for long: who reads a pipe waits for ever.
    [
      'the first process of its namespace',
      () => 'for file in /proc/1/environ /proc/1/cwd/tree /proc/1/fd/*; do timeout 1 cat $file & done; wait',
    ],
  ])('does not read %s', async (_what, shell) => {
    expect((await attack(shell)).output).not.toContain(SECRET)
  })

  it('sees no process but its own, and no file that the server has open', async () => {
    const { output } = await attack(() => 'ls -d /proc/[0-9]* | wc -l; for f in /proc/self/fd/*; do readlink $f; done')
    const [processes, ...files] = output.trim().split('\n')
    expect(Number(processes)).toBeLessThan(6)
    for (const file of files) expect(file).toMatch(/^(\/dev\/null|\/proc\/\d+\/fd|.*\/output \(deleted\))$/)
  })

  it.each([
    '/file',
    '/usr/file',
    '/usr/bin/file',
    '/etc/file',
    '/etc/passwd',
    '/dev/file',
    '/verdict/node/bin/node',
    '/home/file',
    '/var/file',
    '/proc/sys/kernel/hostname',
    '/proc/sysrq-trigger',
    '/proc/1/oom_score_adj',
    '/sys/fs/cgroup/file',
  ])('does not write %s', async (file) => {
    const { output } = await attack(() => `(echo x > ${file}) 2>/dev/null && echo ESCAPED; true`)
    expect(output).not.toContain('ESCAPED')
  })

  it('writes outside its folder only into its own namespace', async () => {
    const outside = join(tmpdir(), `verdict-escaped-${process.pid}`)
    await attack(({ path }) => `touch ${outside} ${path}/../escaped ../escaped; mkdir -p ${data}/x; touch ${data}/x/y`)
    expect([outside, join(data, 'x')].filter((file) => existsSync(file))).toEqual([])
  })

  it.each([
    ['a new user namespace', 'unshare --user true'],
    ['a new mount namespace', 'unshare --mount true'],
    ['a mount', 'mount -t tmpfs none /tmp'],
    ['a mount made writable', 'mount -o remount,rw,bind /usr'],
    ['another root', 'chroot / true'],
    ['a device', 'mknod disk b 254 0'],
    ['another user', 'setpriv --reuid=0 true'],
    ['a program with set-uid', 'mount /tmp || su -c true || passwd -d verdict'],
    ['a hard link to a file outside', 'ln /etc/passwd link'],
    ['a hard link to a program', 'ln /usr/bin/env link'],
    ['more open files than its limit', 'prlimit --pid $$ --nofile=1000000:1000000'],
    ['core files', 'ulimit -c unlimited'],
    ['another host name', 'hostname other'],
    ['a network interface', 'ip link add dummy0 type dummy'],
    ["a look at another process's memory", 'dd if=/proc/1/mem of=/dev/null bs=1 count=1'],
  ])('does not get %s', async (_what, shell) => {
    const { output } = await attack(() => `if ${shell} 2>&1; then echo ESCAPED; fi`)
    expect(output).not.toContain('ESCAPED')
  })

  it('has no capability and cannot get one', async () => {
    const { output } = await attack(() => 'grep -E "^(Cap(Inh|Prm|Eff|Bnd|Amb)|NoNewPrivs)" /proc/self/status')
    expect([...output.matchAll(/^Cap\w+:\s+(\w+)$/gm)].map(([, set]) => set)).toEqual(Array(5).fill('0000000000000000'))
    expect(output).toMatch(/NoNewPrivs:\s+1/)
  })

  it('does not signal what is not its own', async () => {
    const { output } = await attack(() => `kill -9 ${victim.pid} ${process.pid}; kill -9 -1; true`)
    expect(output).not.toContain('ESCAPED')
  })

  it('takes a process that left its session and group with it', async () => {
    await attack(() => `(setsid setsid sleep ${NAP} &) ; (trap "" HUP TERM; setsid sh -c "sleep ${NAP}" &) ; sleep 0.2`)
    expect(await processesRunning('sleep', NAP)).toEqual([])
  })

  it.each([
    ['the loopback of the machine', () => `127.0.0.1 ${(loopback.address() as { port: number }).port}`],
    ['the machine by its own address', () => `${ownAddress()} ${(loopback.address() as { port: number }).port}`],
    ['a private address', () => '10.0.0.1 80'],
    ['the metadata address', () => '169.254.169.254 80'],
    ['a public address', () => '1.1.1.1 443'],
  ])('does not reach %s without a network', async (_what, target) => {
    const { output } = await attack(() => `node -e '${CONNECT}' ${target()}`)
    expect(output).toMatch(/^refused E(CONNREFUSED|NETUNREACH)$/m)
    expect(reached).toBe(0)
  })

  it('does not reach a socket without a file', async () => {
    const { output } = await attack(
      () =>
        `node -e 'net.connect("\\0verdict-escape-${process.pid}").on("connect", () => console.log("ESCAPED")).on("error", () => {})'`,
    )
    expect(output).not.toContain('ESCAPED')
    expect(reached).toBe(0)
  })

  it('is bounded when it forks without end', async () => {
    const exit = await attack(
      () => `bomb() { bomb | bomb & }; bomb; while :; do sleep ${NAP} || exit 1; done`,
      { processes: 40 },
      2_000,
    )
    expect(exit.code).not.toBe(0)
    expect(await processesRunning('sleep', NAP)).toEqual([])
  })

  it.each([
    [
      'memory',
      'node -e "const a = []; for (;;) a.push(Buffer.alloc(4e6, 1))"',
      { memoryBytes: 128 * MIB },
      'memory_limit',
    ],
    [
      'memory in many processes',
      'for i in 1 2 3 4; do node -e "const a = Buffer.alloc(6e7, 1); setTimeout(() => {}, 20000)" & done; wait',
      { memoryBytes: 128 * MIB },
      'memory_limit',
    ],
    [
      'its folder',
      'while :; do head -c 3000000 /dev/zero > f$((i=i+1)) || exit 1; done',
      { diskBytes: 64 * MIB },
      'disk_limit',
    ],
    [
      'its folder with empty files',
      'node -e "for (let i = 0; ; i++) fs.mkdirSync(String(i))"',
      { diskBytes: 8 * MIB },
      'disk_limit',
    ],
  ] as [string, string, Partial<typeof LIMITS>, string][])(
    'is bounded when it fills %s',
    async (_what, shell, limits, code) => {
      expect((await attack(() => shell, limits)).limit?.code).toBe(code)
    },
  )

  it('is bounded when it fills the memory that looks like files', async () => {
    const exit = await attack(() => 'head -c 500000000 /dev/zero > /dev/shm/f; wc -c < /dev/shm/f; exit 1', {
      memoryBytes: 64 * MIB,
    })
    if (exit.limit === null) expect(Number(exit.output.match(/^\d+$/m)?.[0])).toBeLessThanOrEqual(32 * MIB)
    else expect(exit.limit.code).toBe('memory_limit')
  })

  it('leaves no control group, folder or process of a run behind', async () => {
    await attack(() => `sleep ${NAP} &`)
    expect(await processesRunning('sleep', NAP)).toEqual([])
    expect(readdirSync(options.baseFolder)).toEqual(['etc'])
    const groups = findCgroupParents(readCgroupView(true)).flatMap(({ memory, pids }) => [memory, pids])
    const left = groups
      .flatMap((group) => readdirSync(group))
      .filter((name) => name.startsWith(`verdict-${process.pid}-`))
    expect(left).toEqual([])
  })
})

const CONNECT =
  'const [host, port] = process.argv.slice(1); net.connect(port, host).on("connect", () => { console.log("ESCAPED"); process.exit() }).on("error", (e) => console.log("refused", e.code))'

function ownAddress(): string {
  const external = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
  return external.find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? '192.168.0.1'
}
