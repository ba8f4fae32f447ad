/** The process's own log, never a run's. Shaped as pino's loggers are. */
export interface Log {
  info(facts: object, message: string): void
  warn(facts: object, message: string): void
  error(facts: object, message: string): void
}
