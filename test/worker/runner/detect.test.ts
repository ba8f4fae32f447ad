import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { detectRunner, type RunnerOptions } from '../../../worker/runner/detect.ts'
import { explainRefusal } from '../../../worker/runner/sandbox/refusals.ts'
import { findTool } from '../../../worker/runner/sandbox/tools.ts'
import { temporaryFolder } from '../../support/folder.ts'
import { LIMITS, temporaryRunner } from '../../support/runner-options.ts'

describe('detectRunner', () => {
  const removals: (() => void)[] = []
  afterEach(() => {
    for (const remove of removals.splice(0)) remove()
  })

  const detect = (overrides: Partial<RunnerOptions>) => {
    const { options, remove } = temporaryRunner(overrides)
    removals.push(remove)
    return detectRunner(options)
  }
  /** A PATH with the machine's tools but the ones left out, and with scripts in the place of others. */
  const pathWithout = (leftOut: readonly string[], scripts: Record<string, string> = {}): string => {
    const folder = temporaryFolder('verdict-path-')
    chmodSync(folder, 0o755)
    const wanted = [
      'bwrap',
      'prlimit',
      'setpriv',
      'unshare',
      'nsenter',
      'slirp4netns',
      'ip',
      'mkfifo',
      'rm',
      'du',
      'chown',
      'chmod',
      'mount',
      'mkdir',
      'sleep',
    ]
    for (const tool of wanted) {
      const found = leftOut.includes(tool) || scripts[tool] ? undefined : findTool(tool, process.env.PATH ?? '')
      if (found) symlinkSync(found, join(folder, tool))
    }
    for (const [name, text] of Object.entries(scripts)) {
      writeFileSync(join(folder, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 })
    }
    return folder
  }

  it('gives none when none is asked for', async () => {
    expect(await detect({ choice: 'none' })).toEqual({
      runner: undefined,
      problem: expect.stringContaining('VERDICT_RUNNER is none'),
    })
  })

  it('gives no process runner unless that is allowed', async () => {
    const detected = await detect({ choice: 'process', allowUnsandboxed: false })
    expect(detected).toMatchObject({
      runner: undefined,
      problem: expect.stringContaining('VERDICT_ALLOW_UNSANDBOXED=1'),
    })
  })

  it('says of a process runner that it isolates nothing', async () => {
    const { runner } = await detect({ choice: 'process', allowUnsandboxed: true })
    expect(runner).toMatchObject({ name: 'process', network: { widest: 'host', hint: null } })
    expect(runner?.facts.join()).toContain('NOT isolated')
  })

  it('names the package where bubblewrap is missing', async () => {
    const toolPath = pathWithout(['bwrap'])
    expect(await detect({ choice: 'sandbox', toolPath })).toEqual({
      runner: undefined,
      problem: 'no sandbox: bwrap is missing: install bubblewrap (apt-get install bubblewrap)',
    })
    expect(await detect({ choice: 'auto', toolPath })).toMatchObject({
      problem: expect.stringMatching(/bubblewrap.*VERDICT_ALLOW_UNSANDBOXED=1/),
    })
  })

  it('falls back to a process runner where that is allowed, and says why', async () => {
    const { runner } = await detect({ choice: 'auto', allowUnsandboxed: true, toolPath: pathWithout(['bwrap']) })
    expect(runner?.name).toBe('process')
    expect(runner?.facts[0]).toContain('bwrap is missing')
  })

  it.each([
    ['/no/such/folder', 'is not there'],
    ['usr', 'is not an absolute path'],
    ['/', 'holds'],
    ['/etc', 'holds secrets of the machine'],
    [tmpdir(), "the folder of this server's runs"],
  ])('refuses VERDICT_SANDBOX_PATHS with %s', async (path, why) => {
    const toolPath = pathWithout([], { bwrap: 'exit 1', setpriv: 'exit 1', prlimit: 'exit 1' })
    const { problem } = (await detect({ choice: 'sandbox', paths: ['/usr', path], toolPath })) as { problem: string }
    expect(problem).toContain(`VERDICT_SANDBOX_PATHS: ${path}`)
    expect(problem).toContain(why)
  })

  it.runIf(process.platform === 'linux' && findTool('setpriv', process.env.PATH ?? ''))(
    'tells what a refusing bubblewrap said, and what to do',
    async () => {
      const toolPath = pathWithout([], { bwrap: 'echo "bwrap: Unknown option --disable-userns" >&2; exit 1' })
      const { problem } = (await detect({ choice: 'sandbox', toolPath })) as { problem: string }
      expect(problem).toContain('Unknown option --disable-userns')
      expect(problem).toContain('too old')
    },
  )

  it('removes the folders that a killed worker left', async () => {
    const { options, remove } = temporaryRunner({ choice: 'process', allowUnsandboxed: true })
    removals.push(remove)
    mkdirSync(join(options.baseFolder, 'run-left/work/shut'), { recursive: true })
    chmodSync(join(options.baseFolder, 'run-left/work/shut'), 0)
    const { runner } = await detectRunner(options)
    const folder = await runner!.open({ slot: 0, network: 'none', limits: LIMITS })
    expect(folder.path).not.toContain('run-left')
    expect(() => chmodSync(join(options.baseFolder, 'run-left'), 0o700)).toThrow('ENOENT')
    await folder.close()
  })

  it('rejects with the folder when no folder can be made', async () => {
    const { options, remove } = temporaryRunner({ choice: 'process', allowUnsandboxed: true })
    removals.push(remove)
    writeFileSync(options.baseFolder, 'a file')
    const { runner } = await detectRunner(options)
    await expect(runner!.open({ slot: 0, network: 'none', limits: LIMITS })).rejects.toMatchObject({
      code: 'sandbox_failed',
      message: expect.stringContaining(options.baseFolder),
    })
  })
})

describe('explainRefusal', () => {
  const settings = (values: Record<string, string>) => (file: string) => values[file] ?? ''
  const REFUSED = 'bwrap: No permissions to create new namespace'

  it.each([
    [REFUSED, { '/proc/sys/kernel/unprivileged_userns_clone': '0' }, 'sysctl -w kernel.unprivileged_userns_clone=1'],
    [REFUSED, { '/proc/sys/user/max_user_namespaces': '0' }, 'sysctl -w user.max_user_namespaces'],
    [
      'bwrap: setting up uid map: Permission denied',
      { '/proc/sys/kernel/apparmor_restrict_unprivileged_userns': '1' },
      'AppArmor',
    ],
    ["bwrap: Can't mount proc on /newroot/proc: Operation not permitted", {}, 'systempaths=unconfined'],
    ['bwrap: Creating new namespace failed: Operation not permitted', {}, 'seccomp=unconfined'],
    ['bwrap: Unknown option --disable-userns', {}, 'version 0.8'],
    ["bwrap: Can't find source path /root/x: Permission denied", {}, 'chmod o+x'],
    ['', {}, 'said nothing'],
  ] as [string, Record<string, string>, string][])('of %j says what to do', (complaint, values, advice) => {
    const text = explainRefusal(complaint, settings(values))
    expect(text).toContain(advice)
    expect(text).toContain(complaint)
  })
})
