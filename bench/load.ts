import { readFileSync } from 'node:fs'
import autocannon from 'autocannon'
import { UNAVAILABLE } from './api.ts'
import { quantile } from './table.ts'

/** Something to load: a process, and a piece of work for it. */
export interface Subject {
  readonly pid: number
  /** What the work needs and is not measured. */
  prepare?(): Promise<void>
  /** Answers how many of what is counted were done. */
  work(): Promise<number>
}

export interface Figures {
  /** A second. */
  readonly rate: number
  /** A second of the process's own CPU time; NaN where that cannot be read. */
  readonly perCpu: number
}

const CONNECTIONS = 32

export async function measured(subject: Subject): Promise<Figures> {
  await subject.prepare?.()
  const cpu = cpuSeconds(subject.pid)
  const start = performance.now()
  const done = await subject.work()
  const seconds = (performance.now() - start) / 1000
  return { rate: done / seconds, perCpu: done / (cpuSeconds(subject.pid) - cpu) }
}

/**
 * Measures them in turn, round after round, each time another one first, so that what else the machine does hits all alike.
 * A round before warms caches and is not counted.
 */
export async function inRounds<K extends string>(
  subjects: Record<K, Subject>,
  rounds: number,
): Promise<Record<K, Figures[]>> {
  const names = Object.keys(subjects) as K[]
  const figures = Object.fromEntries(names.map((name) => [name, [] as Figures[]])) as Record<K, Figures[]>
  for (let round = 0; round <= rounds; round++) {
    for (let i = 0; i < names.length; i++) {
      const name = names[(round + i) % names.length] as K
      const one = await measured(subjects[name])
      if (round > 0) figures[name].push(one)
    }
  }
  return figures
}

export const middle = (figures: readonly Figures[], of: keyof Figures) =>
  quantile(
    figures.map((one) => one[of]),
    0.5,
  )

/** The median of the rounds' own ratios. */
export const ratio = (a: readonly Figures[], b: readonly Figures[], of: keyof Figures) =>
  quantile(
    a.map((one, round) => one[of] / (b[round] as Figures)[of]),
    0.5,
  )

/** As many requests as are answered in that time. Those that the server turns away, since it is overloaded, do not count. */
export async function flatOut(options: autocannon.Options, seconds: number): Promise<number> {
  const result = await autocannon({ ...options, connections: CONNECTIONS, duration: seconds })
  const refused = result.statusCodeStats?.[`${UNAVAILABLE}`]?.count ?? 0
  if (result.non2xx > refused || result.errors > 0)
    throw new Error(`${options.url}: ${result.non2xx} answers were no success, ${result.errors} errors`)
  return result['2xx']
}

/**
 * Calls, so many of them and so many at a time, as long as there is time; the number of the call is its argument. Answers how
 * many were made.
 */
export async function repeated(
  count: number,
  atOnce: number,
  call: (n: number) => Promise<unknown>,
  { patienceMs = Number.POSITIVE_INFINITY } = {},
): Promise<number> {
  const until = performance.now() + patienceMs
  let next = 0
  const one = async () => {
    while (next < count && performance.now() < until) await call(next++)
  }
  await Promise.all(Array.from({ length: atOnce }, one))
  return next
}

/** CPU time of a process by Linux's /proc (proc(5): fields 14 and 15, in hundredths of a second). */
function cpuSeconds(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ')
    return (Number(fields[11]) + Number(fields[12])) / 100
  } catch {
    return Number.NaN
  }
}
