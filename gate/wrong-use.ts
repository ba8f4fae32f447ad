/** What was asked for cannot be done as it was asked. Exit code 2; the message says what to write instead. */
export class WrongUseError extends Error {
  override readonly name = 'WrongUseError'
}
