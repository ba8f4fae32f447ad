import { findTool } from '../../worker/runner/sandbox/tools.ts'

/** Why tests of the sandbox cannot run here, or undefined: what is missing, for the name of what is skipped. */
export function missingForSandbox(tools: readonly string[] = ['bwrap']): string | undefined {
  if (process.platform !== 'linux') return 'needs Linux'
  const missing = tools.filter((tool) => !findTool(tool, process.env.PATH ?? ''))
  if (missing.length > 0) return `needs ${missing.join(', ')}`
  return process.getuid?.() === 0 ? undefined : 'needs root, for a user per slot'
}
