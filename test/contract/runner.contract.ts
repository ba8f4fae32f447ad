import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Exit, RunFolder, Runner } from '../../worker/runner/runner.ts'
import { processesRunning } from '../support/machine-processes.ts'
import { executeIn, LIMITS, MIB } from '../support/runner-options.ts'

/** Seconds that no other test sleeps. */
const NAP = `61.${process.pid}`

/** What every runner must do, whatever it isolates by. An adapter's test names itself and gives a runner. */
export function runnerContract(name: string, make: () => Promise<{ runner: Runner; remove(): void }>): void {
  describe(`the ${name} runner`, () => {
    let runner: Runner
    let remove: () => void
    const opened: RunFolder[] = []

    beforeAll(async () => {
      ;({ runner, remove } = await make())
    })
    afterAll(async () => {
      for (const folder of opened) await folder.close()
      remove?.()
    })

    const open = async (limits: Partial<typeof LIMITS> = {}, slot = 0): Promise<RunFolder> => {
      const folder = await runner.open({ slot, network: 'none', limits: { ...LIMITS, ...limits } })
      opened.push(folder)
      return folder
    }

    it('says its name and at least one fact', () => {
      expect(runner.name).toBe(name)
      expect(runner.facts.length).toBeGreaterThan(0)
    })

    it('opens an empty folder that only its owner reads', async () => {
      const folder = await open()
      expect(statSync(folder.path).mode & 0o777).toBe(0o700)
      expect((await executeIn(folder, 'ls -A')).output).toBe('')
    })

    it('runs in the folder, with the files that were put into it, and leaves its own there', async () => {
      const folder = await open()
      mkdirSync(join(folder.path, 'deep'))
      writeFileSync(join(folder.path, 'deep/in.txt'), 'given', { mode: 0o600 })
      await folder.handOver()
      const { code, output } = await executeIn(
        folder,
        'cat deep/in.txt && echo more >> deep/in.txt && echo made > out.txt',
      )
      expect({ code, output }).toEqual({ code: 0, output: 'given' })
      expect(readFileSync(join(folder.path, 'out.txt'), 'utf8')).toBe('made\n')
      expect(readFileSync(join(folder.path, 'deep/in.txt'), 'utf8')).toBe('givenmore\n')
    })

    it('builds the environment from nothing but what is given, PATH, HOME and TMPDIR', async () => {
      const folder = await open()
      const { output } = await executeIn(folder, 'env', { environment: { GREETING: 'a b\n"c" $d', EMPTY: '' } })
      const names = [...output.matchAll(/^([A-Z_]+)=/gm)].map(([, found]) => found)
      expect(names.filter((found) => !['PWD', 'SHLVL', 'OLDPWD', '_'].includes(found!)).sort()).toEqual([
        ...['EMPTY', 'GREETING', 'HOME', 'PATH', 'TMPDIR'],
      ])
      expect(output).toContain('GREETING=a b\n"c" $d\n')
    })

    it('has the own Node first on PATH, and HOME and TMPDIR to write in', async () => {
      const folder = await open()
      const { code, output } = await executeIn(
        folder,
        'node --version; echo 1 > "$HOME/file" && echo 1 > "$TMPDIR/file"',
      )
      expect({ code, output }).toEqual({ code: 0, output: `${process.version}\n` })
    })

    it('keeps HOME and the temporary folder from setup to run, and shares them with no other run', async () => {
      const [one, other] = [await open(), await open({}, 1)]
      await executeIn(one, 'echo kept > ~/a; echo kept > "$TMPDIR/b"')
      expect((await executeIn(one, 'cat ~/a "$TMPDIR/b"')).output).toBe('kept\nkept\n')
      expect((await executeIn(other, 'ls -A ~ "$TMPDIR" | grep -c "[ab]$"')).output).toBe('0\n')
    })

    it.each<[string, string, Partial<Exit>]>([
      ['success', 'true', { code: 0, signal: null }],
      ['failure', 'exit 3', { code: 3, signal: null }],
      ['an unknown command', 'no-such-command-here 2>/dev/null', { code: 127, signal: null }],
      ['a signal', 'kill -KILL $$', { code: null, signal: 'SIGKILL' }],
      ['a crash', 'kill -SEGV $$', { code: null, signal: 'SIGSEGV' }],
      ['a closed standard output', 'exec >&- 2>&-; exit 4', { code: 4, signal: null }],
    ])('tells of %s', async (_what, shell, expected) => {
      expect(await executeIn(await open(), shell)).toMatchObject({ ...expected, limit: null })
    })

    it('gives standard output and standard error in the order in which they were written', async () => {
      const { output } = await executeIn(await open(), 'for i in 1 2 3; do echo out$i; echo err$i >&2; done')
      expect(output).toBe('out1\nerr1\nout2\nerr2\nout3\nerr3\n')
    })

    it('lets a command open /dev/stdout and /dev/stderr again', async () => {
      expect((await executeIn(await open(), 'echo a > /dev/stdout; echo b > /dev/stderr')).output).toBe('a\nb\n')
    })

    it('has standard input at its end', async () => {
      expect(await executeIn(await open(), 'cat; echo done')).toMatchObject({ code: 0, output: 'done\n' })
    })

    it('passes on the last byte of much output, within bounded memory', async () => {
      const before = process.memoryUsage().rss
      let bytes = 0
      let last = 0
      const { code } = await executeIn(await open(), 'head -c 200000000 /dev/zero; printf x', {
        onOutput: (chunk) => {
          bytes += chunk.length
          last = chunk.at(-1) ?? last
        },
      })
      expect({ code, bytes, last }).toEqual({ code: 0, bytes: 200_000_001, last: 120 })
      expect(process.memoryUsage().rss - before).toBeLessThan(150 * MIB)
    })

    it('ends with its command and not with a child that keeps its output open, and ends the child', async () => {
      const folder = await open()
      const began = performance.now()
      const { code } = await executeIn(folder, `sleep ${NAP} & exit 5`)
      expect(code).toBe(5)
      expect(performance.now() - began).toBeLessThan(10_000)
      expect(await processesRunning('sleep', NAP)).toEqual([])
    })

    it('says nothing more once it has settled', async () => {
      const folder = await open()
      let settled = false
      let late = 0
      await executeIn(folder, '(setsid sh -c "while :; do echo x; sleep 0.01; done" &) ; sleep 0.1', {
        onOutput: () => {
          if (settled) late += 1
        },
      })
      settled = true
      await executeIn(folder, 'sleep 0.1')
      expect(late).toBe(0)
    })

    it('stops a command with SIGTERM first', async () => {
      const stop = new AbortController()
      const exit = await executeIn(
        await open(),
        'trap "echo bye; exit 7" TERM; echo up; while :; do sleep 0.05; done',
        {
          signal: stop.signal,
          graceMs: 20_000,
          onOutput: () => stop.abort(),
        },
      )
      expect(exit).toMatchObject({ code: 7, limit: null })
    })

    it('stops children that their shell does not wait for, too', async () => {
      const stop = new AbortController()
      const folder = await open()
      await executeIn(
        folder,
        '(trap "echo child > said; exit" TERM; echo up; while :; do sleep 0.05; done) & wait; sleep 5',
        {
          signal: stop.signal,
          graceMs: 20_000,
          onOutput: () => stop.abort(),
        },
      )
      expect(existsSync(join(folder.path, 'said'))).toBe(true)
    })

    it('kills what ignores SIGTERM when its grace is over', async () => {
      const stop = new AbortController()
      const began = performance.now()
      const exit = await executeIn(
        await open(),
        `trap "" TERM; (trap "" TERM; sleep ${NAP}) & echo up; sleep ${NAP}; sleep ${NAP}`,
        {
          signal: stop.signal,
          graceMs: 100,
          onOutput: () => stop.abort(),
        },
      )
      expect(exit).toMatchObject({ code: null, signal: 'SIGKILL' })
      expect(performance.now() - began).toBeLessThan(10_000)
      expect(await processesRunning('sleep', NAP)).toEqual([])
    })

    it('stops at once what is started with a signal that has been given already', async () => {
      const exit = await executeIn(await open(), 'sleep 61', { signal: AbortSignal.abort(), graceMs: 0 })
      expect(exit.code).not.toBe(0)
    })

    it.each([
      ['variable', 'true', { BIG: 'x'.repeat(200_000) }, 'the variable BIG is too long'],
      [
        'environment',
        'true',
        Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`V${i}`, 'y'.repeat(100_000)])),
        'all variables together',
      ],
      ['command', `: ${'z'.repeat(200_000)}`, {}, 'the command is too long'],
    ] as [string, string, Record<string, string>, string][])(
      'says so when the %s is longer than the kernel takes',
      async (_what, shell, environment, message) => {
        const exit = await executeIn(await open(), shell, { environment })
        expect(exit.code).toBe(126)
        expect(exit.output).toContain(message)
      },
    )

    it('takes a variable of 64 KiB', async () => {
      const { output } = await executeIn(await open(), 'printf %s "$BIG" | wc -c', {
        environment: { BIG: 'x'.repeat(65_536) },
      })
      expect(output.trim()).toBe('65536')
    })

    it.each([
      [
        'memory_limit',
        { memoryBytes: 100 * MIB },
        'node -e "const a = []; for (;;) a.push(Buffer.alloc(4e6, 1))"',
        '100 MiB',
      ],
      ['process_limit', { processes: 20 }, 'for i in $(seq 60); do sleep 5 & done; wait; exit 1', '20 processes'],
      ['disk_limit', { diskBytes: 8 * MIB }, 'head -c 20000000 /dev/zero > one-file; exit 1', '8 MiB'],
      [
        'disk_limit',
        { diskBytes: 8 * MIB },
        'for i in 1 2 3; do head -c 4000000 /dev/zero > f$i; done; sleep 20',
        '8 MiB',
      ],
      [
        'disk_limit',
        { diskBytes: 8 * MIB },
        'for i in 1 2 3; do head -c 4000000 /dev/zero > "$TMPDIR/f$i"; done; sleep 20',
        '8 MiB',
      ],
    ] as [string, Partial<typeof LIMITS>, string, string][])(
      'ends in %s, with the limit in words',
      async (code, limits, shell, words) => {
        const { limit } = await executeIn(await open(limits), shell)
        expect(limit?.code).toBe(code)
        expect(limit?.message).toContain(words)
      },
    )

    it('does not take a failure within the limits for one', async () => {
      expect((await executeIn(await open(), 'head -c 1000000 /dev/zero > file; exit 1')).limit).toBeNull()
    })

    it('removes folders that are nested beyond the longest path, unreadable, or full of odd names', async () => {
      const folder = await runner.open({ slot: 0, network: 'none', limits: LIMITS })
      const { code } = await executeIn(
        folder,
        `node -e "for (let i = 0; i < 300; i++) { fs.mkdirSync('d'.repeat(100)); process.chdir('d'.repeat(100)) }" && mkdir shut && touch shut/in -- -rf "$(printf 'a\\nb')" && chmod 000 shut`,
      )
      expect(code).toBe(0)
      await folder.close()
      expect(existsSync(folder.path)).toBe(false)
    })

    it('runs two at once without a mix-up', async () => {
      const folders = [await open({}, 0), await open({}, 1)]
      const outputs = await Promise.all(
        folders.map((folder, i) => executeIn(folder, `for i in 1 2 3; do echo ${i}; sleep 0.02; done`)),
      )
      expect(outputs.map(({ output }) => output)).toEqual(['0\n0\n0\n', '1\n1\n1\n'])
    })
  })
}
