export type ArchiveErrorCode =
  | 'archive_corrupt'
  | 'bad_path'
  | 'path_taken'
  | 'behind_link'
  | 'not_a_file'
  | 'link_outside'
  | 'too_many_bytes'
  | 'too_many_entries'
  | 'too_deep'

/** An archive that is broken or could do harm; the message names the entry. It is the archive's fault, never the disk's. */
export class ArchiveError extends Error {
  readonly code: ArchiveErrorCode

  constructor(code: ArchiveErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'ArchiveError'
    this.code = code
  }
}
