import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { isWellFormedApiKey, makeApiKey } from '../../contract/api-key.ts'
import { ciTool, skipReason } from '../support/ci-tools.ts'
import { temporaryFolder } from '../support/folder.ts'
import { blocksOf } from './markdown-files.ts'

const skipped = skipReason('gitleaks')
const key = makeApiKey((bytes) => crypto.getRandomValues(new Uint8Array(bytes)))
const badChecksum = key.replace(/.$/, (last) => (last === '0' ? '1' : '0'))
const rule = blocksOf('toml').find(({ place }) => place.startsWith('docs/keys.md'))?.text ?? ''

describe('the rule for gitleaks in docs/keys.md', () => {
  it.skipIf(skipped !== '')(
    `finds keys in real gitleaks, and the checksum tells those that are none${skipped}`,
    async () => {
      const folder = temporaryFolder('verdict-leaks-')
      writeFileSync(join(folder, 'rules.toml'), rule)
      const lines = [
        `const a = "${key}"`,
        `const bad = "${badChecksum}"`,
        `const short = "${key.slice(0, -1)}"`,
        `const long = "${key}x"`,
        `const other = "vdx${key.slice(3)}"`,
      ]
      writeFileSync(join(folder, 'code.js'), lines.join('\n'))
      const report = join(folder, 'report.json')
      const argv = ['dir', join(folder, 'code.js'), '--config', join(folder, 'rules.toml'), '--exit-code', '0']
      await promisify(execFile)(ciTool('gitleaks'), [
        ...argv,
        '--report-format',
        'json',
        '--report-path',
        report,
        '--no-banner',
      ])
      const found = JSON.parse(readFileSync(report, 'utf8')) as { Secret: string; StartLine: number; RuleID: string }[]
      expect(found.map(({ Secret, RuleID }) => [RuleID, Secret])).toEqual([
        ['verdict-api-key', key],
        ['verdict-api-key', badChecksum],
      ])
      expect(found.filter(({ Secret }) => isWellFormedApiKey(Secret)).map(({ Secret }) => Secret)).toEqual([key])
    },
  )
})
