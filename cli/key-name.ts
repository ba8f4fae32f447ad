import type { Client } from '../client/index.ts'
import { isId } from '../contract/ids.ts'
import { WrongUseError } from '../gate/wrong-use.ts'
import { didYouMean } from '../tree/near-names.ts'
import { collect } from './listing.ts'

/** The id of one of the caller's keys, by id or by the name of one that is not revoked. Rejects when it is not one only. */
export async function keyIdOf(client: Client, name: string): Promise<string> {
  if (isId('key', name)) return name
  const keys = (await collect(client.keys.list())).filter(({ revokedAt }) => revokedAt === null)
  // A key that was replaced goes on for a while under the same name: meant is its successor.
  const named = keys.filter((key) => key.name === name && key.replacedBy === null)
  const [only, ...others] = named
  if (!only)
    throw new WrongUseError(
      `no key is named ${JSON.stringify(name)}${didYouMean(
        name,
        keys.map((key) => key.name),
      )}; see \`verdict keys list\``,
    )
  if (others.length > 0)
    throw new WrongUseError(
      `${named.length} keys are named ${JSON.stringify(name)}; say which by id: ${named.map(({ id }) => id).join(', ')}`,
    )
  return only.id
}
