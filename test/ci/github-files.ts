import { readdirSync } from 'node:fs'
import { cp, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { temporaryFolder } from '../support/folder.ts'

export const root = fileURLToPath(new URL('../../', import.meta.url))
const below = (folder: string) =>
  readdirSync(join(root, folder))
    .filter((name) => name.endsWith('.yml'))
    .map((name) => `${folder}/${name}`)

/** Workflows of this repository, and those that users copy; from the root, with `/`. */
export const WORKFLOWS = [...below('.github/workflows'), ...below('examples/ci/github')]

/** A repository whose workflows are the examples, with an Action where they name it. */
export async function exampleRepository(): Promise<string> {
  const folder = temporaryFolder('verdict-examples-')
  await mkdir(join(folder, '.github'), { recursive: true })
  await mkdir(join(folder, '.git'))
  await cp(join(root, 'examples/ci/github'), join(folder, '.github/workflows'), { recursive: true })
  return folder
}
