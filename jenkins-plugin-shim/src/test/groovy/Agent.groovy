import java.util.concurrent.TimeUnit
import java.util.regex.Matcher
import java.util.regex.Pattern

/**
 * An agent for the steps of a pipeline: real files and processes in a folder of its own, everything that is printed kept.
 * The environment is Jenkins' own way of it: `withEnv` expands, `withCredentials` does not.
 */
class Agent {
  static final String NODE_FOLDER = System.getenv('VERDICT_TEST_NODE_FOLDER')

  final helper
  final File workspace
  final StringBuilder log = new StringBuilder()
  final List junitCalls = []
  final List unstableMessages = []
  final List written = []
  final List steps = []
  Map credentials = [:]
  /** What of the machine's programs it has. */
  String path = NODE_FOLDER + ':' + System.getenv('PATH')
  boolean unix = true
  /** Done while a process runs: an abort. */
  Closure meanwhile
  private final List<Map> environment = [[:]]

  Agent(helper, File workspace) {
    this.helper = helper
    this.workspace = workspace
    workspace.mkdirs()
  }

  File getTmp() { new File(workspace.path + '@tmp') }

  void register() {
    step('node', [Closure]) { Closure body -> helper.callClosure(body) }
    step('stage', [String, Closure]) { String name, Closure body -> helper.callClosure(body) }
    step('isUnix', []) { unix }
    step('pwd', [Map]) { Map given -> (given.tmp ? tmp : workspace).path }
    step('fileExists', [String]) { String path -> new File(path).exists() }
    step('writeFile', [Map]) { Map given ->
      File file = new File(given.file.toString())
      file.parentFile.mkdirs()
      file.setText(given.text, given.encoding)
      written.add(file.name)
    }
    step('libraryResource', [Map]) { Map given ->
      new File('resources', given.resource).getText(given.encoding)
    }
    step('echo', [String]) { String text -> print(text) }
    step('error', [String]) { String text -> throw new IllegalStateException(text) }
    step('unstable', [String]) { String text -> unstableMessages.add(text); print(text) }
    step('junit', [Map]) { Map given -> junitCalls.add(given) }
    step('string', [Map]) { Map given -> given }
    step('withEnv', [List, Closure]) { List pairs, Closure body ->
      within(pairs.collectEntries { [it.toString().split('=', 2)[0], expanded(it.toString().split('=', 2)[1])] }, body)
    }
    step('withCredentials', [List, Closure]) { List bindings, Closure body ->
      within(bindings.collectEntries {
        String secret = credentials[it.credentialsId]
        if (secret == null) throw new IllegalStateException("Could not find credentials entry with ID '${it.credentialsId}'")
        [it.variable, secret]
      }, body)
    }
    step('sh', [Map]) { Map given -> execute(given) }
    step('bat', [Map]) { Map given -> batch(given) }
    step('retry', [Integer, Closure]) { Integer times, Closure body ->
      for (int left = times - 1; ; left--) {
        try {
          return helper.callClosure(body)
        } catch (IllegalStateException failure) {
          if (left == 0) throw failure
        }
      }
    }
    // Of declarative pipelines.
    for (name in ['pipeline', 'stages', 'steps', 'script', 'post', 'always', 'environment']) {
      step(name, [Closure]) { Closure body -> helper.callClosure(body) }
    }
    step('agent', [String]) { String label -> }
  }

  private void step(String name, List types, Closure action) {
    steps.add(name)
    helper.registerAllowedMethod(name, types, action)
  }

  private within(Map more, Closure body) {
    environment.add(environment.last() + more)
    try {
      return helper.callClosure(body)
    } finally {
      environment.remove(environment.size() - 1)
    }
  }

  /** Util.replaceMacro of Jenkins: $NAME and ${NAME} where they are known, and $$ for a dollar sign. */
  private String expanded(String value) {
    Matcher found = Pattern.compile(/\$([A-Za-z0-9_]+|\{[A-Za-z0-9_.]+\}|\$)/).matcher(value)
    StringBuffer result = new StringBuffer()
    while (found.find()) {
      String name = found.group(1).replaceAll(/[{}]/, '')
      String known = name == '$' ? '$' : (environment.last()[name] ?: processEnvironment()[name])
      found.appendReplacement(result, Matcher.quoteReplacement(known ?: found.group()))
    }
    return found.appendTail(result).toString()
  }

  private Map processEnvironment() {
    [PATH: path, HOME: tmp.path, JENKINS_URL: 'https://ci.example.com/', BUILD_URL: 'https://ci.example.com/job/shop/7/',
      BUILD_NUMBER: '7', JOB_NAME: 'shop', WORKSPACE: workspace.path]
  }

  private String execute(Map given) {
    File script = new File(tmp, "durable-${UUID.randomUUID()}.sh")
    tmp.mkdirs()
    script.text = given.script
    script.executable = true
    // Without a first line of its own a script is traced.
    return run(given.script.startsWith('#!') ? [script.path] : ['sh', '-xe', script.path], given)
  }

  /** What cmd would make of launch.cmd, which no machine without Windows can run. */
  private String batch(Map given) {
    Map env = environment.last()
    assert given.script == new File('resources/verdict/launch.cmd').text
    String launcher = "${env.VERDICT_STEP_FOLDER}/launch-${env.VERDICT_STEP_ID}.mjs"
    return run(['sh', '-c', 'node "$0"; code=$?; echo; echo "$code"', launcher], given)
  }

  private String run(List command, Map given) {
    ProcessBuilder builder = new ProcessBuilder(command.collect { it.toString() }).directory(workspace)
    builder.environment().clear()
    builder.environment().putAll(processEnvironment())
    builder.environment().putAll(environment.last().collectEntries { k, v -> [k.toString(), v.toString()] })
    Process process = builder.start()
    process.outputStream.close()
    StringBuilder stdout = new StringBuilder()
    Thread out = reader(process.inputStream) { stdout.append(it).append('\n'); if (!given.returnStdout) print(it) }
    Thread err = reader(process.errorStream) { print(it) }
    if (meanwhile != null) meanwhile(process)
    assert process.waitFor(60, TimeUnit.SECONDS)
    [out, err]*.join()
    if (process.exitValue() != 0) throw new IllegalStateException("script returned exit code ${process.exitValue()}")
    return given.returnStdout ? stdout.toString() : null
  }

  private Thread reader(InputStream stream, Closure line) {
    Thread.start { stream.eachLine('UTF-8') { line(it) } }
  }

  synchronized void print(String line) {
    log.append(line).append('\n')
  }

  synchronized boolean says(String text) {
    log.indexOf(text) >= 0
  }

  /** Waits until a process has said something; not for ever, and not for one that has ended. */
  void await(Process process, String text) {
    while (!says(text)) {
      assert process.isAlive(): "it ended and never said '$text':\n$log"
      Thread.sleep(20)
    }
  }
}
