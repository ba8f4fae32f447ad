import org.junit.Test

/** What people write into the arguments, and agents that lack something. */
class InputTest extends PipelineTest {
  static final String ODD = 'a "b" \'c\' $(touch pwned) `touch pwned` "; touch pwned; " %PATH% $HOME ${HOME} $$ \\ & | ü 雪\nline 2'

  private String call(Map more) {
    binding.setVariable('MORE', more)
    return "node { verdict([suites: 'green', url: SERVER, credentialsId: 'verdict-key'] + MORE) }"
  }

  private void nothingRan() {
    assert !new File(agent.workspace, 'pwned').exists()
    assert !new File(agent.tmp, 'pwned').exists()
  }

  @Test
  void 'odd values arrive as they are in every argument that takes any text'() {
    String hex = ODD.getBytes('UTF-8').encodeHex()
    String name = ODD.replace('/', '').replace('\n', ' ')
    def outputs = pipeline(call(suites: 'same', variables: [VALUE: ODD, HEX: hex], labels: [ODD.replace('\n', ' ')],
      junitFile: name + '.xml', summaryFile: name + '.md', artifactsDir: name))
    assert outputs.state == 'passed'
    assert outputs.runs[0].labels == [ODD.replace('\n', ' ')]
    assert new File(agent.workspace, name + '.xml').exists()
    assert new File(agent.workspace, name + '.md').exists()
    assert agent.junitCalls[0].testResults == name + '.xml'
    nothingRan()
  }

  @Test
  void 'odd values arrive as they are on a Windows agent'() {
    agent.unix = false
    def outputs = pipeline(call(suites: 'same', variables: [VALUE: ODD, HEX: ODD.getBytes('UTF-8').encodeHex().toString()]))
    assert outputs.state == 'passed'
    assert agent.tmp.listFiles().collectMany { (it.list() ?: []) as List } == ['verdict.mjs']
    nothingRan()
  }

  @Test
  void 'a folder with an odd name is found'() {
    String name = ODD.replace('/', '').replace('\n', ' ')
    new File(agent.workspace, name).mkdirs()
    new File(agent.workspace, name + '/verdict.yaml').text = 'suites: { below: { run: "true" } }'
    def outputs = pipeline(call(suites: 'below', directory: name))
    assert outputs.state == 'passed'
    assert outputs.junitFile == name + '/verdict-report.xml'
  }

  @Test
  void 'odd values are refused by the client in every argument that takes no such text'() {
    for (name in ['timeout', 'waitTimeout', 'idempotencyKey', 'callbackUrl', 'url', 'secrets', 'suites', 'directory']) {
      String message = failureOf(call([(name): ODD]))
      assert message.startsWith('verdict: wrong use'): "$name: $message"
      nothingRan()
    }
    assert failureOf(call(variables: ODD)).startsWith('verdict: wrong use')
    assert failureOf(call(credentialsId: ODD)).contains('Could not find credentials entry')
    nothingRan()
  }

  @Test
  void 'an argument that there is not is named before anything starts'() {
    assert failureOf(call(suits: 'x')).contains('there is no argument suits; it takes suites')
    assert failureOf(call(wait: 'false')).contains('wait is neither true nor false')
    assert agent.written.isEmpty()
  }

  @Test
  void 'empty suites mean all suites of the file'() {
    new File(agent.workspace, 'verdict.yaml').text = 'suites: { one: { run: "true" }, two: { run: "true" } }'
    assert pipeline(call(suites: ' ,\n')).runs*.suite.sort() == ['one', 'two']
  }

  @Test
  void 'without a credential it says which one to add'() {
    assert failureOf(call(credentialsId: null)).contains("pass credentialsId: the id of a 'Secret text' credential")
  }

  @Test
  void 'a key of the environment is taken'() {
    agent.credentials = [other: KEY]
    assert pipeline("""node { withCredentials([string(credentialsId: 'other', variable: 'VERDICT_API_KEY')]) {
      verdict(suites: 'green', url: SERVER) } }""").state == 'passed'
  }

  @Test
  void 'secrets of the environment are passed on by name'() {
    agent.credentials = ['verdict-key': KEY, shop: 'hunter2-hunter2']
    def outputs = pipeline("""node { withCredentials([string(credentialsId: 'shop', variable: 'SHOP_TOKEN')]) {
      verdict(suites: 'secret', url: SERVER, credentialsId: 'verdict-key', secrets: 'SHOP_TOKEN') } }""")
    assert outputs.state == 'passed'
    assert !agent.says('hunter2-hunter2')
  }

  @Test
  void 'a server that is not there is no verdict'() {
    // Interrupted rather than waited for: the client gives it a minute.
    agent.meanwhile = { Process process ->
      agent.await(process, 'trying again')
      process.descendants().forEach { it.destroy() }
    }
    assert failureOf(call(url: 'http://127.0.0.1:9')).contains('interrupted')
  }

  @Test
  void 'an agent without Node runs stored suites by the shell client and says so'() {
    agent.path = System.getenv('VERDICT_TEST_PATH_WITHOUT_NODE')
    def outputs = pipeline(call(suites: 'pushed', stored: true))
    assert outputs.state == 'passed'
    assert agent.says('no Node 20 or newer on this agent: verdict.sh runs instead')
    assert agent.junitCalls.size() == 1
    assert failureOf(call([:])).contains('wrong use')
    assert agent.says('install it, or pass stored: true')
  }

  @Test
  void 'the one script of a pipeline is always the same text, and not traced'() {
    assert new File('resources/verdict/launch.sh').text.startsWith('#!/bin/sh\n')
    pipeline(call(labels: 'x'))
    assert helper.callStack.findAll { it.methodName == 'sh' }*.args*.first()*.script ==
      [new File('resources/verdict/launch.sh').text]
    assert !agent.says('+ ')
  }
}
