import { audit } from './audit.ts'
import { callbacksDelete, callbacksEnable, callbacksList, callbacksRotate, callbacksTest } from './callbacks.ts'
import { callbacksCreate } from './callbacks-create.ts'
import { cancel } from './cancel.ts'
import { type CommandSpec, GLOBAL_OPTIONS, type OptionSpec } from './command.ts'
import { completion } from './completion.ts'
import { callbacksDeliveries, callbacksRedeliver } from './deliveries.ts'
import { doctor } from './doctor.ts'
import { init } from './init.ts'
import { keysShow, keysUsage } from './key-details.ts'
import { keysRotate } from './key-rotation.ts'
import { keysCreate, keysList, keysRevoke } from './keys.ts'
import { login } from './login.ts'
import { logs } from './logs.ts'
import { membersAccept, membersInvite, membersList, membersRemove, membersRole } from './members.ts'
import { report } from './report.ts'
import { rerun } from './rerun.ts'
import { run } from './run.ts'
import { runs } from './runs.ts'
import { secretDelete, secretList, secretSet } from './suite-secrets.ts'
import { suitesDelete, suitesList, suitesShow } from './suites.ts'
import { suitesPush } from './suites-push.ts'
import { triggersCreate, triggersDelete, triggersList, triggersRotate } from './triggers.ts'
import { usersDelete, usersDisable, usersEnable, usersList, usersPut } from './users.ts'
import { wait } from './wait.ts'
import { whoami } from './whoami.ts'
import { workersCreate, workersList, workersRemove } from './workers.ts'
import { workspacesCreate, workspacesDelete, workspacesList, workspacesRename } from './workspaces.ts'

/** Every command, in the order of the help. */
export const COMMANDS: readonly CommandSpec[] = [
  run,
  wait,
  cancel,
  rerun,
  logs,
  runs,
  suitesPush,
  suitesList,
  suitesShow,
  suitesDelete,
  secretSet,
  secretList,
  secretDelete,
  keysCreate,
  keysList,
  keysShow,
  keysRotate,
  keysRevoke,
  keysUsage,
  workspacesList,
  workspacesCreate,
  workspacesRename,
  workspacesDelete,
  membersList,
  membersInvite,
  membersAccept,
  membersRole,
  membersRemove,
  usersList,
  usersPut,
  usersDisable,
  usersEnable,
  usersDelete,
  audit,
  callbacksCreate,
  callbacksList,
  callbacksTest,
  callbacksDeliveries,
  callbacksRedeliver,
  callbacksRotate,
  callbacksEnable,
  callbacksDelete,
  triggersCreate,
  triggersList,
  triggersRotate,
  triggersDelete,
  workersCreate,
  workersList,
  workersRemove,
  login,
  whoami,
  doctor,
  init,
  report,
  completion(() => COMMANDS),
]

/** What the groups of commands are for, by their path. */
export const GROUPS: Readonly<Record<string, string>> = {
  callbacks: 'tell addresses what happens, and see what was sent',
  triggers: "start runs by other systems' webhooks",
  workers: 'make, list and remove workers on other machines',
  suites: 'push, list, show and delete the suites that the server stores',
  'suites secret': 'the secrets that the server keeps for a pushed suite',
  keys: 'make, list, rotate and revoke API keys',
  workspaces: 'what people share: list, make, rename and delete them',
  members: 'who is in the workspace, and invitations into it',
  users: 'the users of the server, for who runs it',
}

/** One option of the command line: `command` is '' for those that every command takes; `long` and `short` with their dashes. */
export interface CliOption {
  readonly command: string
  readonly flags: string
  readonly long: string
  readonly short?: string
}

/** Every option there is, so that tests of other integrations can check the flags they use. */
export function cliOptions(): CliOption[] {
  const listed = (command: string, options: readonly OptionSpec[] = []) =>
    options.map(({ flags }) => {
      const [long = flags] = /--[a-z-]+/.exec(flags) ?? []
      const short = /^-[a-z]\b/.exec(flags)?.[0]
      return { command, flags, long, ...(short && { short }) }
    })
  return [...listed('', GLOBAL_OPTIONS), ...COMMANDS.flatMap(({ name, options }) => listed(name, options))]
}
