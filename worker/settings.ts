import { RUN_SETTINGS, RUNNER_SETTINGS } from '../settings/runner.ts'
import * as setting from '../settings/setting.ts'

/** Every setting of a worker anywhere: `npm run worker -- --help` prints this table. */
export const WORKER_SETTINGS = {
  url: setting.text('VERDICT_URL', '', 'the server to work for; required'),
  key: setting.text('VERDICT_WORKER_KEY', '', "the worker's own key (verdict workers create NAME); required"),
  allowHttp: setting.flag('VERDICT_ALLOW_HTTP', 'plain http to a server that is not on this machine'),
  dataDir: setting.text('VERDICT_DATA_DIR', '.verdict-worker', 'folder of running suites; one for each worker'),
  ...RUNNER_SETTINGS,
  allowUnsandboxed: setting.flag(
    'VERDICT_ALLOW_UNSANDBOXED',
    "suites may run without a sandbox; whoever may start a run then may do what this worker's user may",
  ),
  ...RUN_SETTINGS,
}
