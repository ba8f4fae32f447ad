// Runs before demo, start, test and bench: installs what is missing, and nothing when all is there. Plain JavaScript for
// Node 20, since the project's own Node comes with this very install.
import { spawnSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const at = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url))
const installed = at('node_modules/.package-lock.json')
const lock = at('package-lock.json')

if (!existsSync(installed) || statSync(installed).mtimeMs < statSync(lock).mtimeMs) {
  console.error('Installing dependencies (npm ci): the first time this takes about half a minute.')
  const npm = spawnSync('npm', ['ci', '--no-audit', '--no-fund'], {
    cwd: at('.'),
    stdio: ['ignore', 'ignore', 'inherit'],
    shell: process.platform === 'win32',
  })
  if (npm.status !== 0) {
    console.error('npm ci failed; its message is above.')
    process.exit(1)
  }
}
