// As launch.sh, for Windows agents: gives the client its name, compares it, and runs it with the words of the environment.
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const {
  VERDICT_STEP_FOLDER: folder,
  VERDICT_STEP_ID: id,
  VERDICT_STEP_SUMS: sums,
  VERDICT_STEP_WORDS: count,
} = process.env
const client = join(folder, 'verdict.mjs')
rmSync(fileURLToPath(import.meta.url))
if (existsSync(`${client}.${id}`)) renameSync(`${client}.${id}`, client)

const digest = createHash('sha256').update(readFileSync(client)).digest('hex')
if (sums.split(/\r?\n/).includes(`${digest}  verdict.mjs`)) {
  const words = Array.from({ length: Number(count) }, (_, index) => process.env[`VERDICT_STEP_WORD_${index + 1}`] ?? '')
  process.argv = [process.execPath, client, 'run', '--json', ...words]
  await import(pathToFileURL(client).href)
} else {
  console.error(
    `verdict: ${client} is not what the library holds, and is removed: run the build again (is the disk full?)`,
  )
  rmSync(client)
  process.exitCode = 4
}
