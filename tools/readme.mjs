// Runs the commands of README.md, in order, as somebody would who has just cloned the repository: blocks marked `sh run`.
// Plain JavaScript for Node 20, like the first thing a user runs. What a block exports, the next ones have; a block with
// `until="text"` stays up, and is ended by the Ctrl-C that would end it. Needs bash and curl.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { codeBlocks } from './code-blocks.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
/** README's `npm start` listens on this; here it gets a free port instead, so that no running server is in the way. */
const README_PORT = 4000
/** The first block installs everything. */
const BLOCK_LIMIT_MS = 5 * 60_000
const END_LIMIT_MS = 20_000

async function freePort() {
  const probe = createServer()
  probe.listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address()
  probe.close()
  await once(probe, 'close')
  return port
}

/** Without settings of the caller's own Verdict. Unsandboxed only counts where the sandbox cannot be used. */
function ownEnvironment() {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('VERDICT_')))
}

/** Starts a block in a process group of its own. `done` resolves when it has ended, `ready` when it said so. */
function start(block, port, exportsFile) {
  const script = [
    `. "${exportsFile}"`,
    block.text.replaceAll(`:${README_PORT}`, `:${port}`),
    `export -p > "${exportsFile}"`,
  ].join('\n')
  const child = spawn('bash', ['-ec', block.until ? block.text : script], {
    cwd: join(root, block.folder ?? '.'),
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...ownEnvironment(), VERDICT_PORT: String(port), VERDICT_ALLOW_UNSANDBOXED: '1' },
  })
  let output = ''
  let sawReady
  const ready = new Promise((resolve) => {
    sawReady = resolve
  })
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      output += text
      if (block.until && output.includes(block.until)) sawReady()
    })
  }
  const done = once(child, 'close').then(() => child.exitCode)
  return { block, child, ready, done, output: () => output }
}

function signal({ child }, name) {
  try {
    process.kill(-child.pid, name)
  } catch (error) {
    if (error.code !== 'ESRCH') throw error
  }
}

function within(limitMs, promise, what) {
  let timer
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} within ${limitMs / 1000} s`)), limitMs)
  })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

/** Ends a block as Ctrl-C at its terminal would, and what is left of it by force. */
async function end(part) {
  signal(part, 'SIGINT')
  try {
    await within(END_LIMIT_MS, part.done, `README.md:${part.block.line} did not end at Ctrl-C`)
  } finally {
    signal(part, 'SIGKILL')
  }
}

async function run(part) {
  const { block, ready, done } = part
  if (block.until) {
    const ended = done.then((code) => {
      throw new Error(`it ended with ${code} instead of staying up`)
    })
    await within(BLOCK_LIMIT_MS, Promise.race([ready, ended]), `did not print "${block.until}"`)
    ended.catch(() => {})
  } else {
    const code = await within(BLOCK_LIMIT_MS, done, 'did not end')
    if (code !== 0) throw new Error(`it ended with ${code}`)
  }
}

async function main() {
  const blocks = codeBlocks(readFileSync(join(root, 'README.md'), 'utf8')).filter((block) => block.run)
  if (blocks.length === 0) throw new Error('README.md has no block marked `sh run`')
  if (existsSync(join(root, '.verdict'))) {
    throw new Error('there is a .verdict folder already: run this in a fresh clone, where it is the first start')
  }
  const folder = mkdtempSync(join(tmpdir(), 'verdict-readme-'))
  const exportsFile = join(folder, 'exports')
  writeFileSync(exportsFile, '')
  const port = await freePort()
  const parts = []
  // Ends the blocks, and with them this.
  const endAll = () => {
    for (const part of parts) signal(part, 'SIGINT')
  }
  for (const name of ['SIGINT', 'SIGTERM']) process.on(name, endAll)
  try {
    for (const block of blocks) {
      console.log([`README.md:${block.line}`, ...block.text.trimEnd().split('\n')].join('\n  $ '))
      const part = start(block, port, exportsFile)
      parts.push(part)
      await run(part).catch((cause) => {
        const printed = part.output().replace(/vdt_\w+/g, 'vdt_…')
        throw new Error(`README.md:${block.line}: ${cause.message}. It printed:\n${printed}`, { cause })
      })
    }
    for (const part of parts.toReversed()) await end(part)
    console.log(`README.md: all ${blocks.length} commands work`)
  } finally {
    await Promise.allSettled(parts.map(end))
    rmSync(folder, { recursive: true, force: true })
  }
}

main().catch((error) => {
  console.error(error.message)
  process.exitCode = 1
})
