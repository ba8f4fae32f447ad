import { once } from 'node:events'
import type { Client } from '../client/index.ts'
import { isFinal } from '../contract/reasons.ts'
import { verdictLine } from '../report/terminal.ts'
import type { Call, CommandSpec } from './command.ts'
import type { Screen } from './host.ts'
import { decoded, neutralLines } from './log-lines.ts'
import { withSession } from './session.ts'

interface LogsOptions {
  readonly follow?: boolean
}

export const logs: CommandSpec<LogsOptions> = {
  name: 'logs',
  arguments: '<run>',
  summary: 'print what a run wrote',
  details:
    'Escape sequences and what a CI system would take for a command are made harmless; --json gives the log as it is.',
  options: [{ flags: '-f, --follow', description: 'go on until the run ends' }],
  examples: ['verdict logs run_01jd3v9q8m7x5k2r4t6w8y0zab', 'verdict logs -f run_01jd3v9q8m7x5k2r4t6w8y0zab'],
  act: (call) =>
    withSession(call, async ({ client }) => {
      const id = call.args[0] ?? ''
      const pieces = call.options.follow ? followed(client, id, call) : decoded(await client.runs.log(id))
      if (call.output.json) {
        let log = ''
        for await (const piece of pieces) log += piece
        call.output.result({ id, log }, '')
      } else {
        for await (const lines of neutralLines(pieces)) await write(call.host.stdout, lines)
      }
      if (!call.options.follow) await sayIfUnfinished(client, id, call)
      return 0
    }),
}

async function* followed(client: Client, id: string, { host, output }: Call<object>): AsyncGenerator<string> {
  for await (const event of client.runs.events(id)) {
    if (event.type === 'log') yield event.text
    else if (isFinal(event.run.state)) host.stderr.write(`${verdictLine(event.run, output.colors)}\n`)
  }
}

async function sayIfUnfinished(client: Client, id: string, { host }: Call<object>): Promise<void> {
  const { state } = await client.runs.get(id)
  if (!isFinal(state)) host.stderr.write(`the run is ${state}: \`verdict logs -f ${id}\` follows it\n`)
}

/** Waits where the reader is slow: a long log is not to be kept in memory. */
async function write(screen: Screen, text: string): Promise<void> {
  if (!screen.write(text)) await once(screen, 'drain')
}
