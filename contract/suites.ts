import { type Static, Type } from 'typebox'
import { Closed, Nullable, Sha256, Time } from './fields.ts'
import { NETWORKS } from './networks.ts'
import { HOST_KEY_LENGTH_MAX, HOST_KEYS_MAX } from './ssh-host-keys.ts'

const NameString = Type.String({ pattern: '^[A-Za-z_][A-Za-z0-9_]{0,127}$' })
const PathString = Type.String({ minLength: 1, maxLength: 500 })
const Paths = Type.Union([PathString, Type.Array(PathString, { maxItems: 100 })])
const Variables = Type.Record(NameString, Type.String({ maxLength: 32_768 }), {
  maxProperties: 100,
  additionalProperties: false,
})

const HostKey = Type.String({ minLength: 1, maxLength: HOST_KEY_LENGTH_MAX })
const HostKeys = Type.Union([HostKey, Type.Array(HostKey, { maxItems: HOST_KEYS_MAX })], {
  description: "with ssh: the host's public keys, lines of known_hosts; no other is trusted",
})

/** How a suite is limited; `limits` in the suite file. */
const LimitsFields = {
  memoryBytes: Type.Integer({ minimum: 16 * 1024 ** 2, maximum: 2 ** 50 }),
  processes: Type.Integer({ minimum: 1, maximum: 1_000_000 }),
  diskBytes: Type.Integer({ minimum: 1024 ** 2, maximum: 2 ** 50 }),
}

/**
 * What a client sends: a suite of `verdict.yaml` with durations in seconds and sizes in bytes. Fields left out have the
 * defaults of {@link DEFINITION_DEFAULTS}. Without `archive` the run starts in an empty folder.
 */
export const DefinitionInput = Closed({
  kind: Type.Optional(Type.String({ maxLength: 50, description: 'command (default); others are not supported yet' })),
  archive: Type.Optional(Sha256),
  files: Type.Optional(Paths),
  setup: Type.Optional(Type.String({ minLength: 1, maxLength: 32_768 })),
  run: Type.String({ minLength: 1, maxLength: 32_768 }),
  report: Type.Optional(Paths),
  artifacts: Type.Optional(Paths),
  timeoutSeconds: Type.Optional(Type.Integer({ minimum: 1, maximum: 86_400 })),
  attempts: Type.Optional(Type.Integer({ minimum: 1, maximum: 3 })),
  concurrency: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
  network: Type.Optional(Type.Enum([...NETWORKS])),
  limits: Type.Optional(
    Closed({
      memoryBytes: Type.Optional(LimitsFields.memoryBytes),
      processes: Type.Optional(LimitsFields.processes),
      diskBytes: Type.Optional(LimitsFields.diskBytes),
    }),
  ),
  runsOn: Type.Optional(
    Type.Union([
      Type.String({ pattern: '^[a-z0-9][a-z0-9._-]{0,62}$' }),
      Type.Array(Type.String({ pattern: '^[a-z0-9][a-z0-9._-]{0,62}$' }), { maxItems: 20 }),
    ]),
  ),
  variables: Type.Optional(Variables),
  secrets: Type.Optional(Type.Array(NameString, { maxItems: 100, uniqueItems: true })),
  locked: Type.Optional(Type.Boolean()),
  source: Type.Optional(
    Closed({
      git: Type.String({
        minLength: 1,
        maxLength: 2000,
        description: 'address of the repository: https://…, ssh://git@host/path or git@host:path',
      }),
      credential: Type.Optional(NameString),
      hostKeys: Type.Optional(HostKeys),
      submodules: Type.Optional(Type.Boolean()),
    }),
  ),
})
export type DefinitionInput = Static<typeof DefinitionInput>

/** Where the commit that a run names is fetched from; `credential` names a secret of the suite that no run is given. */
export const GitSource = Type.Object({
  git: Type.String(),
  credential: Nullable(Type.String()),
  submodules: Type.Boolean(),
  hostKeys: Type.Optional(Type.Array(Type.String(), { description: 'of ssh alone: `type base64`' })),
})
export type GitSource = Static<typeof GitSource>

/**
 * The canonical definition: what is stored, digested, shown and given to workers. Every field is there but `source`, which
 * only suites have whose runs test a commit that they name.
 */
export const Definition = Type.Object({
  kind: Type.Literal('command'),
  archive: Nullable(Sha256),
  files: Type.Array(Type.String()),
  setup: Nullable(Type.String()),
  run: Type.String(),
  report: Type.Array(Type.String()),
  artifacts: Type.Array(Type.String()),
  timeoutSeconds: Type.Integer(),
  attempts: Type.Integer(),
  concurrency: Type.Integer(),
  network: Type.Enum([...NETWORKS]),
  limits: Type.Object(LimitsFields),
  runsOn: Type.Array(Type.String()),
  variables: Type.Record(Type.String(), Type.String()),
  secrets: Type.Array(Type.String()),
  locked: Type.Boolean(),
  source: Type.Optional(GitSource),
})
export type Definition = Static<typeof Definition>

/** Where a definition came from, as the client saw it. */
export const SourceInput = Closed({
  repository: Type.Optional(Nullable(Type.String({ maxLength: 500 }))),
  commit: Type.Optional(Nullable(Type.String({ maxLength: 200 }))),
  dirty: Type.Optional(Nullable(Type.Boolean())),
})
export type SourceInput = Static<typeof SourceInput>

export const SuitePut = Closed({
  definition: DefinitionInput,
  source: Type.Optional(SourceInput),
  takeOver: Type.Optional(Type.Boolean()),
})
export type SuitePut = Static<typeof SuitePut>

export const Suite = Type.Object(
  {
    name: Type.String(),
    revision: Nullable(
      Type.Integer({ description: 'null: known from runs that brought their own definition, never pushed' }),
    ),
    digest: Nullable(Sha256),
    definition: Nullable(Definition),
    repository: Nullable(Type.String()),
    locked: Type.Boolean(),
    createdAt: Time,
    updatedAt: Time,
  },
  { $id: 'Suite' },
)
export type Suite = Static<typeof Suite>

export const Revision = Type.Object(
  {
    suite: Type.String(),
    revision: Type.Integer(),
    digest: Sha256,
    definition: Definition,
    source: Type.Object({
      repository: Nullable(Type.String()),
      commit: Nullable(Type.String()),
      dirty: Nullable(Type.Boolean()),
    }),
    createdAt: Time,
    createdBy: Nullable(Type.String({ description: 'user id' })),
  },
  { $id: 'Revision' },
)
export type Revision = Static<typeof Revision>

export const SecretPut = Closed({ value: Type.String({ minLength: 1, maxLength: 65_536 }) })
export type SecretPut = Static<typeof SecretPut>
export const SecretName = Type.Object({ name: Type.String(), createdAt: Time, updatedAt: Time }, { $id: 'SecretName' })
export type SecretName = Static<typeof SecretName>
