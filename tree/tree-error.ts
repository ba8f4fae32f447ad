import type { TreeFile } from './entry.ts'
import { type LargePart, largestParts } from './largest.ts'
import { formatSize } from './size.ts'

export type TreeErrorCode =
  | 'missing'
  | 'never_packed'
  | 'link_outside'
  | 'behind_link'
  | 'not_a_file'
  | 'nothing_chosen'
  | 'bad_pattern'
  | 'too_deep'
  | 'unreadable'
  | 'changed'
  | 'too_large'

/** A tree that cannot be packed as it was asked for: the message names the file and says what to do. */
export class TreeError extends Error {
  readonly code: TreeErrorCode

  constructor(code: TreeErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'TreeError'
    this.code = code
  }
}

/** A tree with more files or bytes than an archive may have. `largest` are the parts that it would help most to leave out. */
export class TreeTooLargeError extends TreeError {
  readonly largest: readonly LargePart[]

  /** `what` says which bound was passed, after "The files of the suite". */
  constructor(what: string, files: readonly TreeFile[]) {
    const largest = largestParts(files)
    const parts = largest.map(({ path, bytes, files }) => {
      return path.endsWith('/') ? `${path} ${formatSize(bytes)} in ${files} files` : `${path} ${formatSize(bytes)}`
    })
    const advice =
      'Leave out what the tests do not need: write it into .verdictignore, or name what is needed in "files".'
    super('too_large', `The files of the suite ${what}. The largest: ${parts.join(', ')}. ${advice}`)
    this.name = 'TreeTooLargeError'
    this.largest = largest
  }
}
