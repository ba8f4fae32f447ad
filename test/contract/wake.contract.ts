import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Wake, WakeTopic } from '../../server/wake/wake.ts'

export interface WakeSubject {
  wake: Wake
  close(): Promise<void>
}

/** What every adapter of `server/wake/wake.ts` promises. */
export function wakeContract(name: string, open: () => Promise<WakeSubject>): void {
  describe(`wake by ${name}`, () => {
    let subject: WakeSubject
    let wake: Wake
    beforeEach(async () => {
      subject = await open()
      wake = subject.wake
    })
    afterEach(() => subject.close())
    const woken = (topic: WakeTopic) => new Promise<void>((resolve) => wake.subscribe(topic, resolve))

    it('wakes all who wait for the topic', async () => {
      const both = Promise.all([woken('run_1'), woken('run_1')])
      wake.publish('run_1')
      await both
    })

    it('wakes nobody who waits for another topic', async () => {
      const heard: string[] = []
      wake.subscribe('queue', () => heard.push('queue'))
      wake.subscribe('run_1', () => heard.push('run_1'))
      const last = woken('run_2')
      wake.publish('run_2')
      await last
      expect(heard).toEqual([])
    })

    it('wakes nobody who has stopped waiting, also when that was after the wake', async () => {
      let heard = 0
      const stop = wake.subscribe('run_1', () => heard++)
      const last = woken('run_1')
      wake.publish('run_1')
      stop()
      stop()
      await last
      expect(heard).toBe(0)
    })

    it('keeps two subscriptions of one function apart', async () => {
      let heard = 0
      const listener = () => {
        heard++
      }
      const stop = wake.subscribe('run_1', listener)
      wake.subscribe('run_1', listener)
      stop()
      const last = woken('run_1')
      wake.publish('run_1')
      await last
      expect(heard).toBeGreaterThan(0)
    })

    it('never calls a listener inside `publish`', async () => {
      let heard = false
      const last = woken('queue')
      wake.subscribe('queue', () => {
        heard = true
      })
      wake.publish('queue')
      expect(heard).toBe(false)
      await last
    })

    it('wakes again at every later change, and one who subscribes while being woken', async () => {
      for (let i = 0; i < 3; i++) {
        const next = woken('run_1')
        wake.publish('run_1')
        await next
      }
      const nested = new Promise<void>((resolve) => {
        wake.subscribe('run_2', () => {
          wake.subscribe('run_3', resolve)
          wake.publish('run_3')
        })
      })
      wake.publish('run_2')
      await nested
    })

    it('wakes nobody once it is closed', () => {
      wake.subscribe('run_1', () => expect.unreachable())
      wake.close()
      wake.publish('run_1')
    })
  })
}
