import { describe, expect, it } from 'vitest'
import type { AuditRecord } from '../../../server/store/ports/audit.ts'
import { allPages, nextId, type OpenStore, SECOND, useStore } from './subject.ts'

const event = (change: Partial<AuditRecord> = {}): Omit<AuditRecord, 'createdAt'> => ({
  ...{
    id: nextId('aud'),
    action: 'key.created',
    outcome: 'done',
    workspace: 'wsp_1',
    user: 'usr_1',
    credential: 'key_1',
  },
  ...{ address: '192.0.2.1', requestId: 'r', target: 'key_2', detail: { fields: 'name' } },
  ...change,
})

export function auditContract(open: OpenStore): void {
  describe('the audit log', () => {
    const subject = useStore(open)
    const ids = (events: { id: string }[]) => events.map(({ id }) => id)

    it('keeps what was noted whole, many at once', async () => {
      const events = [
        event(),
        event({ workspace: null, user: null, credential: null, address: null, requestId: null, target: null }),
      ]
      await subject.store.audit.append(events)
      const createdAt = subject.clock.now()
      const kept = await subject.store.audit.list({}, { limit: 10 })
      expect(kept).toEqual(events.map((one) => ({ ...one, createdAt })).reverse())
    })

    it('is filtered by workspace, user, credential, action and time, alone and together, newest first, page by page', async () => {
      const made = []
      for (let i = 0; i < 24; i++) {
        const one = event({
          ...{ workspace: `wsp_${i % 2}`, user: `usr_${i % 3}`, credential: `key_${i % 4}` },
          action: i % 5 === 0 ? 'key.revoked' : 'key.created',
        })
        await subject.store.audit.append([one])
        made.unshift({ ...one, createdAt: subject.clock.now() })
        if (i % 2 === 1) subject.clock.advance(1)
      }
      const [since, until] = [made[20]!.createdAt, made[3]!.createdAt]
      for (let bits = 0; bits < 64; bits++) {
        const pick = <T>(bit: number, value: T) => (bits & (1 << bit) ? value : undefined)
        const filter = {
          ...{ workspace: pick(0, 'wsp_1'), user: pick(1, 'usr_1'), credential: pick(2, 'key_1') },
          ...{ action: pick(3, 'key.created' as const), since: pick(4, since), until: pick(5, until) },
        }
        const expected = made.filter(
          (one) =>
            (['workspace', 'user', 'credential', 'action'] as const).every(
              (name) => (filter[name] ?? one[name]) === one[name],
            ) &&
            one.createdAt >= (filter.since ?? 0) &&
            one.createdAt < (filter.until ?? Number.POSITIVE_INFINITY),
        )
        const defined = Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined))
        expect(ids(await allPages((page) => subject.store.audit.list(defined, page)))).toEqual(ids(expected))
      }
    })

    it('loses what is too old, a part at a time', async () => {
      await subject.store.audit.append([event(), event(), event()])
      subject.clock.advance(SECOND)
      const last = event()
      await subject.store.audit.append([last])
      expect(await subject.store.audit.removeOlder(subject.clock.now(), 2)).toBe(2)
      expect(await subject.store.audit.removeOlder(subject.clock.now(), 2)).toBe(1)
      expect(ids(await subject.store.audit.list({}, { limit: 10 }))).toEqual([last.id])
    })
  })
}
