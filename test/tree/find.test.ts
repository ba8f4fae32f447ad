import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { findRepository, findSuiteFile } from '../../tree/find.ts'
import { newTree } from './folders.ts'

describe('the suite file', () => {
  it('is the nearest one from the working directory up', async () => {
    const root = await newTree({
      '.git/HEAD': '',
      'verdict.yaml': '',
      'packages/shop/verdict.yml': '',
      'packages/shop/src/x.ts': '',
    })
    expect(await findSuiteFile(join(root, 'packages/shop/src'))).toBe(join(root, 'packages/shop/verdict.yml'))
    expect(await findSuiteFile(join(root, 'packages'))).toBe(join(root, 'verdict.yaml'))
  })

  it('is verdict.yaml where both are', async () => {
    const root = await newTree({ 'verdict.yml': '', 'verdict.yaml': '' })
    expect(await findSuiteFile(root)).toBe(join(root, 'verdict.yaml'))
  })

  it('is not looked for above the repository, be .git a folder or a file', async () => {
    const root = await newTree({
      'verdict.yaml': '',
      'a/.git/HEAD': '',
      'a/src/x': '',
      'b/.git': 'gitdir: elsewhere',
      'b/src/x': '',
    })
    expect(await findSuiteFile(join(root, 'a/src'))).toBeUndefined()
    expect(await findSuiteFile(join(root, 'b/src'))).toBeUndefined()
    expect(await findRepository(join(root, 'b/src'))).toBe(join(root, 'b'))
  })

  it('is no folder of that name', async () => {
    const root = await newTree({ 'verdict.yml': '' })
    await mkdir(join(root, 'verdict.yaml'))
    expect(await findSuiteFile(root)).toBe(join(root, 'verdict.yml'))
  })
})
