// Preloaded (node --import) by processes whose clock is to be wrong: their date is TEST_CLOCK_SHIFT_MS later than that of the
// machine. Monotonic time and timers are as they are, as where somebody has set a clock.
const shift = Number(process.env.TEST_CLOCK_SHIFT_MS)
const machineNow = Date.now
const now = () => machineNow() + shift

globalThis.Date = new Proxy(Date, {
  construct: (target, args, newTarget) => Reflect.construct(target, args.length > 0 ? args : [now()], newTarget),
  apply: (target) => new target(now()).toString(),
  get: (target, name, receiver) => (name === 'now' ? now : Reflect.get(target, name, receiver)),
})
