import { describe } from 'vitest'
import { answers } from './transport.answers.ts'
import { connections } from './transport.connections.ts'
import { failures } from './transport.failures.ts'
import { proxies } from './transport.proxies.ts'
import { type Adapter, opener } from './transport.subject.ts'

/** What every transport does, whatever it is made of. */
export function transportContract(name: string, adapter: Adapter): void {
  const open = opener(adapter)
  describe(`transport contract: ${name}`, () => {
    describe('answers', () => answers(open))
    describe('connections', () => connections(open))
    describe('failures', () => failures(open))
    describe('proxies and certificates', () => proxies(open, adapter))
  })
}
