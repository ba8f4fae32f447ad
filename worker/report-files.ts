import { REPORT_MAX_BYTES } from '../report/report-error.ts'
import { openBeneath, Refused } from './beneath.ts'
import { collect, type Found, type LeftOut } from './collect.ts'
import { compileGlob, type Glob } from './glob.ts'

/** Paths of report files and the stamps that they had before the tests ran. */
export type Stamps = ReadonlyMap<string, string>

type ReportFiles =
  | {
      readonly kind: 'files'
      readonly files: { path: string; bytes: Uint8Array<ArrayBuffer> }[]
      readonly notes: string[]
    }
  | {
      readonly kind: 'problem'
      readonly code: 'report_missing' | 'report_too_large'
      readonly message: string
      readonly notes: string[]
    }

/**
 * What is there before the tests run. A report that came with the tree, or from a cache, must not count as this run's
 * result; it is told by its stamp, not removed, because a glob like `**\/*.xml` also names files that the tests need.
 */
export async function stampReports(root: string, globs: readonly Glob[]): Promise<Stamps> {
  const { files } = await collect(root, globs)
  return new Map(files.map(({ path, stamp }) => [path, stamp]))
}

/** The report files that the tests wrote, read into memory; or why there are none. */
export async function takeReports(root: string, globs: readonly Glob[], before: Stamps): Promise<ReportFiles> {
  const { files, leftOut, cutShort } = await collect(root, globs)
  const isStale = ({ path, stamp }: Found) => before.get(path) === stamp
  const stale = files.filter(isStale)
  const fresh = files.filter((file) => !isStale(file))
  const notes = [
    ...(stale.length > 0
      ? [`no results, since from before the tests ran: ${listed(stale.map(({ path }) => path))}`]
      : []),
    ...leftOut.map(({ path, why }) => `${path} is not read as a report: it is ${why}`),
    ...(cutShort ? [`report files were looked for among the first ${cutShort} only`] : []),
  ]
  if (fresh.length === 0) {
    return { kind: 'problem', code: 'report_missing', message: await missing(root, globs, stale, leftOut), notes }
  }
  let room: number = REPORT_MAX_BYTES
  const read: { path: string; bytes: Uint8Array<ArrayBuffer> }[] = []
  for (const { path } of fresh) {
    try {
      const file = await openBeneath(root, path)
      try {
        room -= file.facts.size
        if (room < 0) return { kind: 'problem', code: 'report_too_large', message: TOO_LARGE, notes }
        read.push({ path, bytes: await file.bytes() })
      } finally {
        await file.close()
      }
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      notes.push(`${path} is not read as a report: it is ${error.message}`)
    }
  }
  if (read.length > 0) return { kind: 'files', files: read, notes }
  return { kind: 'problem', code: 'report_missing', message: await missing(root, globs, stale, leftOut), notes }
}

const TOO_LARGE = `The report files have over ${REPORT_MAX_BYTES / 1_000_000} MB together, which is the most that is read. Split the suite, or write less output into the report.`
const LOOKALIKE = [compileGlob('**/*.xml')]
const DEPENDENCIES = /(^|\/)(node_modules|\.git|vendor|venv|\.venv|target\/classes)\//
const SHOWN = 5

async function missing(root: string, globs: readonly Glob[], stale: Found[], leftOut: LeftOut[]): Promise<string> {
  const wanted = listed(globs.map(({ pattern }) => pattern))
  if (stale[0])
    return `The tests wrote no report: ${stale[0].path} is from before they ran. Check what the command writes.`
  if (leftOut[0]) return `No report to read: ${leftOut[0].path} is ${leftOut[0].why}.`
  const { files } = await collect(root, LOOKALIKE)
  const others = files.map(({ path }) => path).filter((path) => !DEPENDENCIES.test(path))
  const hint =
    others.length === 0
      ? 'There is no other XML file. Check that the command runs the tests with a JUnit reporter.'
      : `There is: ${listed(others)}. Check \`report\` in the suite file.`
  return `The run left no file that matches ${wanted}. ${hint}`
}

function listed(all: readonly string[]): string {
  return [...all.slice(0, SHOWN), ...(all.length > SHOWN ? ['…'] : [])].join(', ')
}
