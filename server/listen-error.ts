import type { Config } from './config.ts'
import { StartError } from './secret-key.ts'

/** Why nothing can listen on the configured address, for the operator. */
export function listenError(error: NodeJS.ErrnoException, config: Config): Error {
  const where = `${config.host}:${config.port}`
  if (error.code === 'EADDRINUSE')
    return new StartError(`Something listens on ${where} already. Stop it, or choose another port (VERDICT_PORT).`, {
      cause: error,
    })
  if (error.code === 'EACCES')
    return new StartError(`This user may not listen on ${where}. Choose a port above 1023 (VERDICT_PORT).`, {
      cause: error,
    })
  if (error.code === 'EADDRNOTAVAIL')
    return new StartError(`This machine has no address ${config.host} (VERDICT_HOST).`, { cause: error })
  return error
}
