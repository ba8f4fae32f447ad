import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'

const root = new URL('../', import.meta.url)
const RESOURCES = 'jenkins-plugin-shim/resources/verdict/'
/** What the Jenkins library carries to agents, from where it is made. */
const CLIENTS = { 'verdict.mjs': 'dist/cli/verdict.mjs', 'verdict.sh': 'shell/verdict.sh' }

/** Copies the clients into the Jenkins library, with their digests as `sha256sum -c` reads them. */
export function writeJenkinsResources(): void {
  const sums = Object.entries(CLIENTS).map(([name, from]) => {
    const bytes = readFileSync(new URL(from, root))
    writeFileSync(new URL(RESOURCES + name, root), bytes)
    return `${createHash('sha256').update(bytes).digest('hex')}  ${name}\n`
  })
  writeFileSync(new URL(`${RESOURCES}SHA256SUMS`, root), sums.join(''))
}
