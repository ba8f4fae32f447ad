import { SETTINGS } from './settings.ts'

/** What `npm start -- --help` prints: every command and every setting. */
export function helpText(version: string): string {
  const settings = Object.values(SETTINGS).map(
    ({ name, shown, help }) => `  ${name}\n      ${help} (default: ${shown})`,
  )
  return `Verdict ${version}: a self-hosted test gate for CI

Usage: npm start [-- COMMAND]

Commands:
  serve       start the server (default)
  admin-key   print a new key with every scope, when all others are lost; stop the server first

Settings (environment):
${settings.join('\n')}`
}
