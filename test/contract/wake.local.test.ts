import { setImmediate } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { localWake } from '../../server/wake/local.ts'
import { wakeContract } from './wake.contract.ts'

wakeContract('an emitter in this process', async () => {
  const wake = localWake()
  return { wake, close: async () => wake.close() }
})

it('many wakes in one go are one', async () => {
  const wake = localWake()
  let heard = 0
  wake.subscribe('run_1', () => heard++)
  for (let i = 0; i < 100; i++) wake.publish('run_1')
  await setImmediate()
  expect(heard).toBe(1)
})
