/**
 * Where Action, orb and Jenkins step differ from the options of `verdict run`, each with its reason; whatever is not listed here
 * is an option of that command with its default. A plural is the list that a repeatable flag takes.
 */
export interface Difference {
  readonly in: readonly ('action' | 'orb' | 'jenkins')[]
  readonly option: string
  /** The flag it is nevertheless; none for what the command line has not. */
  readonly flag?: string
  readonly reason: string
}

export const DIFFERENCES: readonly Difference[] = [
  {
    in: ['action'],
    option: 'api-key',
    reason: 'a secret of GitHub is an input; on a command line everybody would see it',
  },
  { in: ['orb'], option: 'api-key', reason: 'the name of the variable that holds the key, never the key' },
  { in: ['jenkins'], option: 'credentials-id', reason: 'Jenkins keeps the key, and names it by this id' },
  {
    in: ['action'],
    option: 'summary',
    reason: 'GitHub has one place for the summary of a job, so it is a switch, and on: --summary-file takes a path',
  },
  { in: ['action'], option: 'annotations', reason: 'only GitHub has them' },
  {
    in: ['action'],
    option: 'fail-on-failure',
    reason: 'a command line says it by its exit code, which a script may take for anything',
  },
  { in: ['jenkins'], option: 'unstable', reason: 'a state of Jenkins: neither red nor green' },
  {
    in: ['action'],
    option: 'working-directory',
    flag: '--directory',
    reason: "the name that GitHub's own steps use; . is where a command starts anyway",
  },
  {
    in: ['jenkins'],
    option: 'junit-file',
    flag: '--junit-file',
    reason: 'has a default, so that the step `junit` has something to publish',
  },
  {
    in: ['orb'],
    option: 'results-dir',
    reason: 'junit.xml, summary.md and artifacts/ in one folder, which CircleCI keeps',
  },
  { in: ['orb'], option: 'no-output-timeout', reason: "CircleCI's own limit of a step" },
  { in: ['orb'], option: 'install', reason: 'whether the client is fetched here or was by an earlier step' },
  { in: ['orb'], option: 'install-from', reason: 'where the client comes from, before there is one' },
  { in: ['orb'], option: 'npm-package', reason: 'which package is the client' },
  { in: ['orb'], option: 'cli-sha256', reason: 'what the client must be, before it is run' },
  { in: ['orb'], option: 'cache', reason: "CircleCI's own cache" },
]

/** Options of `verdict run` that an integration has not, each with its reason. */
export const LEFT_OUT: readonly Difference[] = [
  { in: ['action'], option: 'summary-file', reason: 'see `summary`' },
  { in: ['orb'], option: 'summary-file', reason: 'see `results_dir`' },
  { in: ['orb'], option: 'junit-file', reason: 'see `results_dir`' },
  { in: ['orb'], option: 'artifacts-dir', reason: 'see `results_dir`' },
  { in: ['action', 'orb', 'jenkins'], option: 'json', reason: 'outputs have what it prints' },
]
