import { afterEach, vi } from 'vitest'
import { actionsTransport } from '../../transport/actions/actions.ts'
import { transportContract } from './transport.contract.ts'

// The library reads the process's environment at each request, so it is that which a test sets.
const VARIABLES = ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'https_proxy', 'NO_PROXY', 'no_proxy']

afterEach(() => {
  vi.unstubAllEnvs()
})

transportContract('actions', {
  make(env) {
    for (const name of VARIABLES) vi.stubEnv(name, env[name])
    return actionsTransport()
  },
  module: 'transport/actions/actions.ts',
  constructorName: 'actionsTransport',
})
