import { ApiError, type Client } from '../client/index.ts'
import type { Suite } from '../contract/suites.ts'
import { findSuiteFile } from '../tree/find.ts'
import { loadSuiteFile } from '../tree/suite-file.ts'

/**
 * The stored suite that a person means who stands in `directory`: within a project `checkout` is `shop/checkout`, as it is
 * for `verdict run`. Rejects as calls do when there is none.
 */
export async function storedSuite(client: Client, directory: string, name: string): Promise<Suite> {
  const project = name.includes('/') ? undefined : await projectAt(directory)
  if (project !== undefined) {
    try {
      return await client.suites.get(`${project}/${name}`)
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 404) throw error
    }
  }
  return client.suites.get(name)
}

/** A file that is broken names no project: what is asked for is on the server. */
async function projectAt(directory: string): Promise<string | undefined> {
  const path = await findSuiteFile(directory)
  const file = path === undefined ? undefined : await loadSuiteFile(path).catch(() => undefined)
  return file?.project
}
