import { formatBytes } from './limits.ts'

/** execve(2): the longest single string, and all of arguments and environment at the usual stack limit of 8 MiB. */
const ONE_STRING = 128 * 1024
const ALL_STRINGS = 2 * 1024 ** 2 - 4096

/**
 * Why the kernel would refuse to start a program with these, or undefined. Asked before the start, because afterwards
 * the refusal could not be told from the command's own failure.
 */
export function tooLarge(shell: string, environment: Readonly<Record<string, string>>): string | undefined {
  const strings = Object.entries(environment).map(([name, value]) => ({ name, size: sizeOf(`${name}=${value}`) }))
  const long = strings.find(({ size }) => size > ONE_STRING)
  if (long) return `the variable ${long.name} is too long: ${formatBytes(ONE_STRING)} is the most that Linux takes`
  if (sizeOf(shell) > ONE_STRING)
    return `the command is too long: ${formatBytes(ONE_STRING)} is the most that Linux takes`
  const all = strings.reduce((sum, { size }) => sum + size + 8, sizeOf(shell))
  if (all > ALL_STRINGS)
    return `all variables together are too long: ${formatBytes(ALL_STRINGS)} is the most that Linux takes`
  return undefined
}

function sizeOf(text: string): number {
  return Buffer.byteLength(text) + 1
}
