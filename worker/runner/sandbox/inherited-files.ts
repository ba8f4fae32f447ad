import type { IOType } from 'node:child_process'
import { openSync, readdirSync, readFileSync } from 'node:fs'

/** open(2), as /proc shows it. */
const O_CLOEXEC = 0o2000000

/**
 * Descriptors that whoever started this process left open (a shell, a supervisor) pass through every start of a program
 * and would be a run's too. Node closes only the lowest of them. Returns `stdio`, with /dev/null put in place of those.
 */
export function coverInherited(): (stdio: readonly (IOType | number)[]) => (IOType | number)[] {
  const inherited = readdirSync('/proc/self/fd')
    .map(Number)
    .filter((fd) => fd > 2 && isPassedOn(fd))
  const nothing = inherited.length > 0 ? openSync('/dev/null', 'r') : -1
  return (stdio) => {
    const covered = [...stdio]
    for (const fd of inherited) {
      if (fd < stdio.length) continue
      // For descriptors beyond the first three, `ignore` means: leave alone.
      while (covered.length < fd) covered.push('ignore')
      covered[fd] = nothing
    }
    return covered
  }
}

function isPassedOn(fd: number): boolean {
  try {
    const flags = /^flags:\s+([0-7]+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'))?.[1]
    return flags !== undefined && (Number.parseInt(flags, 8) & O_CLOEXEC) === 0
  } catch {
    return false
  }
}
