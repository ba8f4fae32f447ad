import type { ReportedCase } from '../contract/cases.ts'
import { CaseReader } from './junit-cases.ts'
import { readXml } from './junit-xml.ts'
import { REPORT_MAX_BYTES, REPORT_MAX_CASES, REPORT_MAX_ELEMENTS, ReportError } from './report-error.ts'
import { counted } from './text.ts'

export interface ReportFile {
  /** As it is to be named in messages. */
  path: string
  bytes: Uint8Array
}

/**
 * The cases of JUnit XML files, in their order. Counters in the files are not believed: what counts is the cases.
 * @param options.root the folder that the tests ran in: absolute paths inside it become relative to it.
 * @throws ReportError `report_invalid` or `report_too_large` (bytes, cases or elements), naming the file.
 */
export function readJUnit(files: readonly ReportFile[], options: { root?: string } = {}): { cases: ReportedCase[] } {
  const bytes = files.reduce((sum, file) => sum + file.bytes.byteLength, 0)
  if (bytes > REPORT_MAX_BYTES) {
    const names = files.length === 1 ? `${files[0]?.path} has` : `The ${files.length} report files have together`
    throw tooLarge(`${names} ${megabytes(bytes)} MB; at most ${megabytes(REPORT_MAX_BYTES)} MB are read`)
  }
  const count = counter()
  const cases: ReportedCase[] = []
  for (const { path, bytes } of files) {
    const reader = new CaseReader({ testSuite: null, file: null, root: options.root }, cases, (name) =>
      count(path, name),
    )
    readXml(path, bytes, reader)
    if (reader.misplaced > 0) {
      const lost = counted(reader.misplaced, 'test case')
      const problem = `${path} has ${lost} at places that JUnit XML does not know, so they would be lost.`
      throw new ReportError('report_invalid', problem)
    }
  }
  return { cases }
}

function counter(): (path: string, name: string) => void {
  let cases = 0
  let elements = 0
  return (path, name) => {
    if (name === 'testcase' && ++cases > REPORT_MAX_CASES) {
      throw tooLarge(`${path} brings the run to more than ${REPORT_MAX_CASES.toLocaleString('en-US')} test cases`)
    }
    if (++elements > REPORT_MAX_ELEMENTS) {
      throw tooLarge(`${path} brings the run to more than ${REPORT_MAX_ELEMENTS.toLocaleString('en-US')} XML elements`)
    }
  }
}

function tooLarge(problem: string): ReportError {
  return new ReportError('report_too_large', `${problem}. Split the suite, or write less output into the report.`)
}

function megabytes(bytes: number): string {
  return (Math.ceil(bytes / 100_000) / 10).toString()
}
