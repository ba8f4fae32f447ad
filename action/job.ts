import { type Client, type Clock, createClient, type Random } from '../client/index.ts'
import { VERSION } from '../contract/version.ts'
import type { Environment } from '../gate/ci-facts.ts'
import type { Git } from '../gate/git.ts'
import type { Transport } from '../transport/transport.ts'
import { InputsError } from './inputs.ts'
import type { Toolkit } from './toolkit.ts'

/** All that the Action takes from the job it runs in; main.ts makes the real one. */
export interface Job {
  readonly toolkit: Toolkit
  readonly env: Environment
  /** Where the repository is checked out, absolute. */
  readonly workspace: string
  readonly transport: Transport
  readonly clock: Clock
  readonly random: Random
  readonly git: Git
  /** Aborted by SIGINT or SIGTERM: the job is being cancelled. */
  readonly signal: AbortSignal
  /** Appends to the job summary. */
  readonly writeSummary: (text: string) => Promise<void>
  /** What the process exits with. */
  setExitCode(code: number): void
}

/** An input as it was written. */
export function inputOf({ toolkit }: Job): (name: string) => string {
  return (name) => toolkit.getInput(name, { trimWhitespace: false })
}

/** A client whose tokens are masked in the job's log before they are used. Throws an AddressError or a KeyError. */
export function clientOf(
  { toolkit, env, transport, clock, random }: Job,
  server: { url: string; apiKey: string },
): Client {
  return createClient({
    ...server,
    allowHttp: env.VERDICT_ALLOW_HTTP === '1',
    transport,
    clock,
    random,
    userAgent: `verdict-action/${VERSION}`,
    onToken: (token) => toolkit.setSecret(token),
    onNotice(notice) {
      if (notice.kind === 'key_expires') return toolkit.notice(notice.message, { title: 'Verdict' })
      const seconds = Math.max(1, Math.round(notice.pauseMs / 1000))
      toolkit.info(`${notice.message}; trying again in ${seconds} s`)
    },
  })
}

/** Errors of the client and the gate speak of variables; in a workflow they are inputs. The Action's own know that. */
const INPUT_NAMES = [
  ['VERDICT_API_KEY', 'the input `api-key`'],
  ['VERDICT_URL', 'the input `url`'],
] as const

export function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  if (error instanceof InputsError) return message
  return INPUT_NAMES.reduce((text, [variable, input]) => text.replaceAll(variable, input), message)
}
