import type { Wake, WakeTopic } from './wake.ts'

/**
 * Wakes within this process. Listeners are called soon after the publisher is done, never inside its call: so they cannot
 * fail it, and many wakes of one topic in a row are one.
 */
export function localWake(): Wake {
  const listeners = new Map<WakeTopic, Set<() => void>>()
  const published = new Set<WakeTopic>()

  function deliver() {
    const topics = [...published]
    published.clear()
    for (const topic of topics) {
      for (const listener of [...(listeners.get(topic) ?? [])]) {
        // Each in a microtask of its own: one that throws does not keep the others asleep.
        queueMicrotask(() => {
          if (listeners.get(topic)?.has(listener)) listener()
        })
      }
    }
  }

  return {
    publish(topic) {
      if (!listeners.has(topic)) return
      if (published.size === 0) queueMicrotask(deliver)
      published.add(topic)
    },
    subscribe(topic, listener) {
      // A subscription is an object of its own: the same function may subscribe twice.
      const own = () => listener()
      const all = listeners.get(topic) ?? new Set()
      listeners.set(topic, all.add(own))
      return () => {
        all.delete(own)
        if (all.size === 0 && listeners.get(topic) === all) listeners.delete(topic)
      }
    },
    close() {
      listeners.clear()
      published.clear()
    },
  }
}
