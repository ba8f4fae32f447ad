import { settingsHelp } from '../settings/read.ts'
import { SETTINGS } from './settings.ts'

/** What `npm start -- --help` prints: every command and every setting. */
export function helpText(version: string): string {
  return `Verdict ${version}: a self-hosted test gate for CI

Usage: npm start [-- COMMAND]

Commands:
  serve       start the server (default)
  admin-key   print a new key with every scope, when all others are lost; stop the server first
  rotate-signing-key
              end every access token and sign with a new key, when one may have leaked; stop the server first
  backup FOLDER
              copy database, files and secret key into a new folder, while the server runs
  copy-store  copy everything from SQLite into the MongoDB database that VERDICT_COPY_TO names, and print how to
              cut over; stop the server first

Settings (environment):
${settingsHelp(SETTINGS)}`
}
