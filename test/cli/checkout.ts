import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { temporaryFolder } from '../support/folder.ts'

/** A folder with these files, as a git repository with one commit when `remote` is given. */
export function checkout(files: Record<string, string>, remote?: string): string {
  const folder = temporaryFolder('verdict-checkout-')
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  if (remote !== undefined) {
    const git = (...args: string[]) => execFileSync('git', args, { cwd: folder, stdio: 'ignore' })
    git('init', '-q')
    git('remote', 'add', 'origin', remote)
    git('add', '.')
    git('-c', 'user.name=ann', '-c', 'user.email=ann@example.com', 'commit', '-q', '-m', 'first')
  }
  return folder
}
