import { NETWORKS, type Network } from '../contract/networks.ts'
import { configuredRunner } from '../worker/configured-runner.ts'
import type { Detected } from '../worker/runner/detect.ts'
import { type Config, dataPaths } from './config.ts'

const NO_WORKER =
  'This server runs no suites itself (VERDICT_ROLES has no worker): start one elsewhere by npm run worker.'

/** The runner that the configuration asks for and this machine can give. `toolPath`: where programs are looked for. */
export async function chooseRunner(config: Config, toolPath: string): Promise<Detected> {
  if (!config.roles.includes('worker')) return { runner: undefined, problem: NO_WORKER }
  return configuredRunner(config, { folder: dataPaths(config.dataDir).runs, toolPath })
}

/** The runner in words, for the start of the server and `/readyz`. */
export function runnerNotes(choice: Detected): string[] {
  if (!choice.runner) return [choice.problem]
  const { name, facts, network } = choice.runner
  return [...new Set([`runner ${name}`, ...facts, ...(network.hint ? [network.hint] : [])])]
}

/** The widest network of a suite: what the operator allows, or what this machine can give, whichever is less. */
export function widestNetwork(config: Config, { runner }: Detected): { network: Network; networkHint: string | null } {
  const { widest, hint } = runner?.network ?? { widest: config.sandboxNetwork, hint: null }
  return NETWORKS.indexOf(widest) < NETWORKS.indexOf(config.sandboxNetwork)
    ? { network: widest, networkHint: hint }
    : { network: config.sandboxNetwork, networkHint: null }
}
