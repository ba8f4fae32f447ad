// The import rules of docs/architecture.md, as a test: a line here is the rule, nothing else is.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, sep } from 'node:path'
import { expect, test } from 'vitest'

const PORTS = [
  'server/store/ports',
  'server/blobs/blobs.ts',
  'server/wake/wake.ts',
  'server/vault/vault.ts',
  'server/clock.ts',
  'server/sender/sender.ts',
  'worker/work.ts',
]
const MAY_IMPORT: Record<string, string[]> = {
  contract: [],
  report: ['contract'],
  tree: ['contract'],
  'transport/transport.ts': [],
  'transport/frame': ['transport/transport.ts'],
  'transport/node': ['transport/transport.ts', 'transport/frame'],
  'transport/actions': ['transport/transport.ts', 'transport/frame'],
  client: ['transport/transport.ts', 'contract'],
  gate: ['client', 'transport/transport.ts', 'report', 'tree', 'contract'],
  action: ['gate', 'client', 'transport/transport.ts', 'transport/actions', 'report', 'tree', 'contract'],
  cli: ['gate', 'client', 'transport/transport.ts', 'transport/node', 'report', 'tree', 'contract'],
  egress: ['contract'],
  worker: ['client', 'transport/transport.ts', 'egress', 'report', 'settings', 'tree', 'contract'],
  'worker/main.ts': ['worker', 'client', 'transport/node', 'egress', 'settings', 'contract'],
  'worker/runner': ['worker/runner/runner.ts', 'egress', 'tree', 'contract'],
  ...Object.fromEntries(PORTS.map((port) => [port, ['contract']])),
  'server/store/mongo': ['server/store/ports', 'contract'],
  'server/store/copy': ['server/store/mongo', 'server/store/sqlite', 'server/store/ports'],
  'server/store/sqlite': ['server/store/ports', 'server/clock.ts', 'contract'],
  'server/blobs': ['server/blobs/blobs.ts', 'contract'],
  'server/wake': ['server/wake/wake.ts', 'server/store/ports'],
  'server/sender': ['server/sender/sender.ts', 'egress/egress.ts', 'contract'],
  'server/domain': [...PORTS, 'egress/addresses.ts', 'egress/targets.ts', 'report', 'tree', 'contract'],
  'server/jobs': ['server/domain', ...PORTS, 'contract'],
  'server/routes': ['server/domain', 'report', 'contract'],
  'server/app.ts': ['server/routes', 'server/domain', 'contract'],
  settings: ['egress/addresses.ts', 'contract'],
  'server/settings.ts': ['settings', 'contract'],
  'server/config.ts': ['server/settings.ts', 'settings', 'contract'],
  'server/backup.ts': ['server', 'contract'],
  'server/copy-store.ts': ['server'],
  'server/help.ts': ['server/settings.ts', 'settings'],
  'server/first-key.ts': [],
  'server/secret-key.ts': [],
  'server/store-clock.ts': ['server/clock.ts'],
  'server/metrics.ts': ['server/store/ports'],
  'server/runner.ts': ['server/config.ts', 'worker/configured-runner.ts', 'worker/runner', 'contract'],
  'server/parts.ts': ['server', 'contract'],
  'server/compose-callbacks.ts': ['server', 'egress', 'contract'],
  'server/compose-domain.ts': ['server', 'egress', 'contract'],
  'server/compose-identity.ts': ['server', 'contract'],
  'server/compose-commands.ts': ['server', 'contract'],
  'server/compose.ts': ['server', 'worker', 'egress', 'contract'],
  'server/listen-error.ts': ['server/config.ts', 'server/secret-key.ts'],
  'server/main.ts': [
    'server/backup.ts',
    'server/copy-store.ts',
    'server/config.ts',
    'server/compose-commands.ts',
    'server/compose.ts',
    'server/app.ts',
    'server/help.ts',
  ],
}
const zones = Object.keys(MAY_IMPORT).sort((a, b) => b.length - a.length)
const within = (file: string, zone: string) => file === zone || file.startsWith(`${zone}/`)
const zoneOf = (file: string) => zones.find((zone) => within(file, zone))

const slashes = (path: string) => normalize(path).split(sep).join('/')
const roots = new Set(zones.map((zone) => zone.split('/')[0] as string))
const sources = new Map(
  [...roots]
    .filter((root) => existsSync(root))
    .flatMap((root) => readdirSync(root, { recursive: true }).map((name) => slashes(join(root, String(name)))))
    .filter((file) => file.endsWith('.ts'))
    .map((file) => [file, readFileSync(file, 'utf8')] as const),
)
const files = [...sources.keys()]
const importsOf = (file: string) =>
  [...(sources.get(file) ?? '').matchAll(/(?:from|import)\s*\(?\s*['"](\.[^'"]+)['"]/g)].map(([, to]) =>
    slashes(join(dirname(file), to as string)).replace(/\.js$/, '.ts'),
  )

test('every file has a home', () => {
  expect(files.length, 'no source file was found: run from the repository root').toBeGreaterThan(0)
  expect(
    files.some((file) => importsOf(file).length > 0),
    'no import was read',
  ).toBe(true)
  expect(files.filter((file) => !zoneOf(file))).toEqual([])
})

test('imports point one way', () => {
  const allowed = (file: string, to: string) => {
    const zone = zoneOf(file) as string
    return [zone, ...(MAY_IMPORT[zone] as string[])].some((one) => within(to, one))
  }
  const wrong = files.filter(zoneOf).flatMap((file) =>
    importsOf(file)
      .filter((to) => !allowed(file, to))
      .map((to) => `${file} -> ${to}`),
  )
  expect(wrong).toEqual([])
})

test('there is no import cycle, type-only imports included', () => {
  const done = new Set<string>()
  const cycles: string[] = []
  const visit = (file: string, path: string[]): void => {
    if (path.includes(file)) cycles.push([...path.slice(path.indexOf(file)), file].join(' -> '))
    if (path.includes(file) || done.has(file)) return
    for (const to of importsOf(file)) visit(to, [...path, file])
    done.add(file)
  }
  for (const file of files) visit(file, [])
  expect(cycles).toEqual([])
})

test('no file is longer than 300 lines', () => {
  expect(files.filter((file) => (sources.get(file) as string).split('\n').length > 300)).toEqual([])
})

test('only entry files read the environment', () => {
  const readers = files.filter((file) => /process\.env/.test(sources.get(file) as string))
  expect(readers.filter((file) => !/\/main\.ts$/.test(file))).toEqual([])
})

test('what ships in a bundle never loads a validator', () => {
  const shipped = files.filter((file) => /^(client|gate|report|tree|transport|cli|action)\//.test(file))
  const valueImports = (file: string) =>
    [...(sources.get(file) as string).matchAll(/^import (?!type )[^\n]*? from '(\.[^']+)'/gm)]
      .map(([, to]) => slashes(join(dirname(file), to as string)))
      .filter((to) => /from 'typebox'/.test(sources.get(to) ?? ''))
  expect(shipped.flatMap((file) => valueImports(file).map((to) => `${file} -> ${to}`))).toEqual([])
})
