import { networkInterfaces } from 'node:os'
import { NETWORKS, type Network } from '../../../contract/networks.ts'
import { allowsLoopback, type Cidr, refusedIpv4Networks } from '../../../egress/addresses.ts'
import { openRunNetwork, type RunNetwork, type RunNetworkOptions } from './network.ts'
import { needTool } from './tools.ts'

/** The networks that runs can have on this machine. */
export interface AvailableNetwork {
  readonly widest: Network
  /** Why `internet` cannot be had although it was configured, and what to do. */
  readonly hint: string | null
  /** What a run's network needs, undefined where bubblewrap alone is enough. Rejects where it is not allowed or not there. */
  open(asked: Network, uid: number | undefined): Promise<RunNetwork | undefined>
}

/** Finds out by really making one. */
export async function findNetwork(
  options: {
    readonly network: Network
    readonly allowed: readonly Cidr[]
    readonly toolPath: string
    readonly uidBase: number
  },
  isRoot: boolean,
): Promise<AvailableNetwork> {
  const internet = options.network === 'none' ? undefined : await tryInternet(options, isRoot)
  const hint = internet && 'problem' in internet ? internet.problem : null
  const width = (network: Network): number => NETWORKS.indexOf(network)
  const widest = options.network === 'internet' && hint !== null ? 'none' : options.network
  return {
    widest,
    hint,
    async open(asked, uid) {
      if (asked === 'internet' && hint !== null) throw new Error(hint)
      if (width(asked) > width(widest))
        throw new Error(`network ${asked} is more than ${widest}, which is allowed here`)
      return asked === 'internet' && internet && 'open' in internet ? internet.open(uid) : undefined
    },
  }
}

type Internet = { open(uid: number | undefined): Promise<RunNetwork> } | { readonly problem: string }

async function tryInternet(
  { allowed, toolPath, uidBase }: { allowed: readonly Cidr[]; toolPath: string; uidBase: number },
  isRoot: boolean,
): Promise<Internet> {
  try {
    const tools: RunNetworkOptions['tools'] = {
      slirp4netns: needTool('slirp4netns', toolPath),
      unshare: needTool('unshare', toolPath),
      nsenter: needTool('nsenter', toolPath),
      ip: needTool('ip', toolPath),
    }
    const open = (uid: number | undefined): Promise<RunNetwork> =>
      openRunNetwork({
        tools,
        uid,
        refused: refusedIpv4Networks(allowed, ownAddresses()),
        loopbackAllowed: allowsLoopback(allowed),
      })
    await (await open(isRoot ? uidBase : undefined)).close()
    return { open }
  } catch (error) {
    return { problem: `network internet cannot be had: ${(error as Error).message}` }
  }
}

/**
 * The machine's own addresses, also where they are public: what listens on them may be shut off from the world by a
 * firewall that a connection from the machine itself does not pass. 10.0.2.2 and 10.0.2.3 are slirp4netns's own inside.
 */
function ownAddresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
  const addresses = all.filter(({ family }) => family === 'IPv4').map(({ address }) => address)
  return addresses.filter((address) => !['10.0.2.2', '10.0.2.3'].includes(address))
}
