import { readFileSync } from 'node:fs'

/** Settings of the kernel that keep ordinary users from making namespaces, and what to do about each. */
const SETTINGS: readonly { readonly file: string; readonly bad: string; readonly what: string }[] = [
  {
    file: '/proc/sys/kernel/unprivileged_userns_clone',
    bad: '0',
    what: 'the kernel setting kernel.unprivileged_userns_clone is 0: run `sysctl -w kernel.unprivileged_userns_clone=1`',
  },
  {
    file: '/proc/sys/user/max_user_namespaces',
    bad: '0',
    what: 'the kernel setting user.max_user_namespaces is 0: run `sysctl -w user.max_user_namespaces=15000`',
  },
  {
    file: '/proc/sys/kernel/apparmor_restrict_unprivileged_userns',
    bad: '1',
    what: 'AppArmor keeps user namespaces from programs without a profile (kernel.apparmor_restrict_unprivileged_userns is 1): give bwrap a profile with `userns,`, or run `sysctl -w kernel.apparmor_restrict_unprivileged_userns=0`',
  },
]

const IN_CONTAINER =
  'in a container it needs `--security-opt seccomp=unconfined --security-opt apparmor=unconfined --security-opt systempaths=unconfined`'
const CLOSED =
  'the user of a run must be able to pass through the folders above: move it, or `chmod o+x` them (with the capability CAP_SYS_ADMIN the server needs neither)'
const TOO_OLD = 'this bubblewrap is too old: version 0.8 or newer is needed (apt-get install --only-upgrade bubblewrap)'

/** In words, with what to do, why bubblewrap did not start; `complaint` is what it wrote. */
export function explainRefusal(complaint: string, read: (file: string) => string = readSetting): string {
  const said = complaint.trim() || 'bubblewrap said nothing'
  if (/unknown option/i.test(complaint)) return `${said}; ${TOO_OLD}`
  if (/Can't find source path.*Permission denied/.test(complaint)) return `${said}; ${CLOSED}`
  if (/namespace|uid map|gid map|mount proc|pivot_root|loopback|RTM_NEWADDR/i.test(complaint)) {
    const setting = SETTINGS.find(({ file, bad }) => read(file) === bad)
    return `${said}; ${setting?.what ?? IN_CONTAINER}`
  }
  return said
}

function readSetting(file: string): string {
  try {
    return readFileSync(file, 'latin1').trim()
  } catch {
    return ''
  }
}
