/** A suite's full name: parts of `[a-z0-9._-]`, at most one `/`, at most 100 characters. */
export const SUITE_NAME = /^(?=.{1,100}$)[a-z0-9_-][a-z0-9._-]*(\/[a-z0-9_-][a-z0-9._-]*)?$/
/** The name of a variable or secret: that of an environment variable. */
export const VARIABLE_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/
/** A worker's label, and an entry of `runsOn`. */
export const LABEL = /^[a-z0-9][a-z0-9._-]{0,62}$/

const RESERVED_NAMES = new Set([
  'PATH',
  'HOME',
  'TZ',
  'LANG',
  'CI',
  'USER',
  'LOGNAME',
  'SHELL',
  'PWD',
  'OLDPWD',
  'TMPDIR',
  'IFS',
  'PS4',
  'ENV',
  'BASH_ENV',
  'SHELLOPTS',
  'BASHOPTS',
  'CDPATH',
  'GLOBIGNORE',
  'PROMPT_COMMAND',
  'NODE_OPTIONS',
  'NODE_PATH',
  'PYTHONPATH',
  'PYTHONSTARTUP',
  'PYTHONHOME',
  'PERL5LIB',
  'PERL5OPT',
  'RUBYOPT',
  'RUBYLIB',
  'JAVA_TOOL_OPTIONS',
  '_JAVA_OPTIONS',
  'GCONV_PATH',
  'HOSTALIASES',
  'LOCPATH',
  'NLSPATH',
  'RES_OPTIONS',
])
const RESERVED_PREFIXES = ['LD_', 'DYLD_', 'VERDICT_', 'BASH_FUNC_']

/** Whether a run may not set the name: it would change what Verdict itself says or how programs are loaded. */
export function isReservedName(name: string): boolean {
  const upper = name.toUpperCase()
  return RESERVED_NAMES.has(upper) || RESERVED_PREFIXES.some((prefix) => upper.startsWith(prefix))
}
