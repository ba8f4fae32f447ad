import groovy.json.JsonSlurperClassic
import groovy.transform.Field

/** Which flag of `verdict run` an argument becomes, by the form of its value. */
@Field
final Map TEXTS = [
  directory     : '--directory',
  timeout       : '--timeout',
  waitTimeout   : '--wait-timeout',
  callbackUrl   : '--callback-url',
  idempotencyKey: '--idempotency-key',
  junitFile     : '--junit-file',
  summaryFile   : '--summary-file',
  artifactsDir  : '--artifacts-dir',
]
/** A list, or a text with one in each line or between commas. */
@Field
final Map LISTS = [labels: '--label', secrets: '--secret']
/** A map, or a text with KEY=value in each line. */
@Field
final Map MAPS = [variables: '--variable']
@Field
final List OTHERS = ['suites', 'url', 'credentialsId', 'stored', 'wait', 'unstable']
@Field
final Map DEFAULTS = [stored: false, wait: true, unstable: false, junitFile: 'verdict-report.xml']

/** What the exit codes of the client mean, for the one line at the end of a red stage. */
@Field
final Map MEANINGS = [
  '1'  : 'tests failed, or the suite itself is at fault',
  '2'  : 'wrong use: an argument, a file or a suite',
  '3'  : "not authorised: pass credentialsId: the id of a 'Secret text' credential that holds a key which " +
    '`verdict keys create ci` printed',
  '4'  : 'the service could not give a verdict',
  '5'  : 'timed out',
  '6'  : 'cancelled by somebody else',
  '130': 'interrupted',
  '143': 'interrupted',
]

/** What an exit code says where the client says no more. */
@Field
final Map STATES = ['0': 'passed', '1': 'failed', '5': 'timed_out', '6': 'cancelled']

/**
 * Runs suites on a Verdict server and fails the stage exactly when they do not pass; verdict.txt beside this file has the
 * arguments. Returns the outputs as a map.
 */
def call(Map given = [:]) {
  Map settings = settingsOf(given)
  String id = UUID.randomUUID().toString()
  String sums = resource('SHA256SUMS')
  // Named by what is in it, so that a new version of the library never meets an old client.
  String folder = pwd(tmp: true) + '/verdict-' + sums.substring(0, 12)
  install(folder, id)
  List environment = environmentOf(settings) + [
    'VERDICT_STEP_FOLDER=' + verbatim(folder),
    'VERDICT_STEP_ID=' + id,
    'VERDICT_STEP_SUMS=' + sums,
  ]
  String printed = withKey(settings) { withEnv(environment) { launch() } }
  return conclude(settings, printed.trim())
}

/** The arguments over their defaults. What is no argument ends the step, before anything is started. */
private Map settingsOf(Map given) {
  List known = OTHERS + TEXTS.keySet() + LISTS.keySet() + MAPS.keySet()
  for (name in given.keySet()) {
    if (!known.contains(name.toString())) {
      error("verdict: there is no argument ${name}; it takes ${known.join(', ')}")
    }
  }
  for (name in ['stored', 'wait', 'unstable']) {
    if (given[name] != null && !(given[name] instanceof Boolean)) error("verdict: ${name} is neither true nor false")
  }
  Map settings = DEFAULTS + given
  // Without a wait there is nothing to report.
  if (!settings.wait && !given.containsKey('junitFile')) settings.junitFile = null
  return settings
}

/** The client, put on the agent once; the launcher gives the files their names when they are whole. */
private void install(String folder, String id) {
  for (name in (isUnix() ? ['verdict.mjs', 'verdict.sh'] : ['verdict.mjs'])) {
    if (!fileExists(folder + '/' + name)) {
      writeFile(file: folder + '/' + name + '.' + id, text: resource(name), encoding: 'UTF-8')
    }
  }
  if (!isUnix()) writeFile(file: folder + '/launch-' + id + '.mjs', text: resource('launch.mjs'), encoding: 'UTF-8')
}

private String resource(String name) {
  return libraryResource(resource: 'verdict/' + name, encoding: 'UTF-8')
}

/** The command line, as numbered variables: no value ever stands in the text of a script. */
private List environmentOf(Map settings) {
  List words = []
  for (entry in TEXTS.entrySet()) {
    if (settings[entry.key] != null) words.add(entry.value + '=' + settings[entry.key])
  }
  for (entry in LISTS.entrySet()) {
    for (item in listOf(settings[entry.key])) words.add(entry.value + '=' + item)
  }
  for (entry in MAPS.entrySet()) {
    for (item in pairsOf(settings[entry.key])) words.add(entry.value + '=' + item)
  }
  if (settings.stored) words.add('--stored')
  if (!settings.wait) words.add('--no-wait')
  words.add('--')
  words.addAll(listOf(settings.suites))

  List environment = ['VERDICT_STEP_WORDS=' + words.size()]
  for (int i = 0; i < words.size(); i++) environment.add("VERDICT_STEP_WORD_${i + 1}=" + verbatim(words[i].toString()))
  if (settings.url != null) environment.add('VERDICT_URL=' + verbatim(settings.url.toString()))
  return environment
}

private List listOf(value) {
  if (value == null) return []
  List items = []
  for (item in (value instanceof Collection ? value : value.toString().split('[\n,]') as List)) {
    String text = item.toString().trim()
    if (text != '') items.add(text)
  }
  return items
}

private List pairsOf(value) {
  List pairs = []
  if (value instanceof Map) {
    for (entry in value.entrySet()) pairs.add(entry.key + '=' + entry.value)
    return pairs
  }
  for (line in (value == null ? [] : value.toString().split('\r?\n') as List)) {
    if (line.trim() != '') pairs.add(line)
  }
  return pairs
}

/** `withEnv` puts variables in the place of $NAME, and takes $$ for a dollar sign. */
private String verbatim(String value) {
  return value.replace('$', '$$')
}

private String withKey(Map settings, Closure body) {
  if (settings.credentialsId == null) return body()
  return withCredentials([string(credentialsId: settings.credentialsId.toString(), variable: 'VERDICT_API_KEY')]) { body() }
}

/** What the client printed: an object, and the exit code in a line of its own. */
private String launch() {
  if (isUnix()) return sh(script: resource('launch.sh'), returnStdout: true, encoding: 'UTF-8', label: 'verdict run')
  return bat(script: resource('launch.cmd'), returnStdout: true, encoding: 'UTF-8', label: 'verdict run')
}

private Map conclude(Map settings, String printed) {
  int at = printed.lastIndexOf('\n')
  String exitCode = printed.substring(at + 1).trim()
  Map answer = at < 0 ? [:] : answerOf(printed.substring(0, at).trim())
  Map outputs = outputsOf(answer, exitCode, settings)
  // verdict.sh answers with nothing but its exit code.
  boolean reported = outputs.runs.size() > 0 || (answer.isEmpty() && exitCode in ['0', '1', '5', '6'])
  if (outputs.junitFile != null && reported) {
    // The stage is judged by the verdict: a report with failures must not make the build UNSTABLE by itself.
    junit(testResults: outputs.junitFile, allowEmptyResults: true, skipMarkingBuildUnstable: true)
  }
  if (exitCode == '0') return outputs
  String message = 'verdict: ' + reasonOf(answer, exitCode)
  if (settings.unstable && outputs.state == 'failed') {
    unstable(message)
    return outputs
  }
  error(message)
}

private Map answerOf(String text) {
  return text.startsWith('{') ? new JsonSlurperClassic().parseText(text) : [:]
}

private String reasonOf(Map answer, String exitCode) {
  String meaning = MEANINGS[exitCode] ?: 'the client could not be run (exit code ' + exitCode + '); its message is above'
  List told = answer.error?.message ? [answer.error.message] : []
  for (run in (answer.runs ?: [])) {
    if (run.state != 'passed') told.add(run.suite + ' ' + run.state + (run.reason?.message ? ': ' + run.reason.message : ''))
  }
  return told ? meaning + ' (' + told.join('; ') + ')' : meaning
}

/** As the Action has them: the first run's id and address, sums over all runs, the longest run's duration. */
private Map outputsOf(Map answer, String exitCode, Map settings) {
  List runs = answer.runs ?: []
  Map outputs = [
    state     : answer.state ?: (STATES[exitCode] ?: 'errored'),
    exitCode  : exitCode ==~ /\d+/ ? exitCode.toInteger() : 4,
    runId     : runs ? runs[0].id : null,
    runUrl    : runs ? (runs[0].webUrl ?: runs[0].url) : null,
    runs      : runs,
    total     : null,
    passed    : null,
    failed    : null,
    skipped   : null,
    durationMs: null,
    junitFile : settings.junitFile == null ? null : under(settings.directory, settings.junitFile),
  ]
  for (run in runs) {
    if (run.durationMs != null && run.durationMs > (outputs.durationMs ?: 0)) outputs.durationMs = run.durationMs
    if (run.results == null) continue
    outputs.total = (outputs.total ?: 0) + run.results.total
    outputs.passed = (outputs.passed ?: 0) + run.results.passed
    outputs.failed = (outputs.failed ?: 0) + run.results.failed + run.results.errored
    outputs.skipped = (outputs.skipped ?: 0) + run.results.skipped
  }
  return outputs
}

private String under(directory, file) {
  return directory == null ? file.toString() : directory + '/' + file
}
