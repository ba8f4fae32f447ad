import org.junit.Test

/** What the step does, whichever way Jenkins runs it: see PlainTest and CpsTest. */
abstract class VerdictSteps extends PipelineTest {
  @Test
  void 'a green run passes and gives its outputs'() {
    def outputs = pipeline("node { verdict(suites: 'price', url: SERVER, credentialsId: 'verdict-key') }")
    assert outputs.state == 'passed'
    assert outputs.exitCode == 0
    assert outputs.runId ==~ /run_[0-9a-z]{26}/
    assert outputs.runUrl.contains(outputs.runId)
    assert [outputs.total, outputs.passed, outputs.failed, outputs.skipped] == [2, 2, 0, 0]
    assert outputs.durationMs > 0
    assert outputs.runs.size() == 1
    assert outputs.runs[0].ci.provider == 'jenkins'
    assert agent.junitCalls == [[testResults: 'verdict-report.xml', allowEmptyResults: true, skipMarkingBuildUnstable: true]]
    assert new File(agent.workspace, 'verdict-report.xml').text.contains('adds the tax')
    assert agent.says('price passed')
  }

  @Test
  void 'a red run fails the stage with the reason, and its report is published'() {
    String message = failureOf("node { verdict(suites: 'broken', url: SERVER, credentialsId: 'verdict-key') }")
    assert message.startsWith('verdict: tests failed')
    assert message.contains('broken failed')
    assert agent.junitCalls.size() == 1
    assert agent.says('breaks')
  }

  @Test
  void 'unstable goes on with UNSTABLE when tests fail'() {
    def outputs = pipeline("node { verdict(suites: 'broken', url: SERVER, credentialsId: 'verdict-key', unstable: true) }")
    assert outputs.state == 'failed'
    assert outputs.failed == 1
    assert agent.unstableMessages.size() == 1
  }

  @Test
  void 'unstable never covers a missing verdict'() {
    String message = failureOf("node { verdict(suites: 'nosuch', url: SERVER, credentialsId: 'verdict-key', unstable: true) }")
    assert message.contains('wrong use')
    assert message.contains('nosuch')
    assert agent.unstableMessages.isEmpty()
    assert agent.junitCalls.isEmpty()
  }

  @Test
  void 'retry starts a second run'() {
    String label = 'retry-' + UUID.randomUUID()
    failureOf("node { retry(2) { verdict(suites: 'broken', url: SERVER, credentialsId: 'verdict-key', labels: '${label}') } }")
    assert runsWith(label).size() == 2
  }

  @Test
  void 'wait false goes on once the run is accepted'() {
    def outputs = pipeline("node { verdict(suites: 'price', url: SERVER, credentialsId: 'verdict-key', wait: false) }")
    assert outputs.state in ['queued', 'running']
    assert outputs.exitCode == 0
    assert outputs.junitFile == null
    assert agent.junitCalls.isEmpty()
  }

  @Test
  void 'a declarative pipeline takes it among its steps'() {
    pipeline("""
      pipeline {
        agent any
        stages {
          stage('gate') {
            steps { verdict(suites: ['price', 'green'], url: SERVER, credentialsId: 'verdict-key') }
          }
        }
        post { always { echo 'over' } }
      }
    """)
    assert agent.says('price passed') && agent.says('green passed') && agent.says('over')
  }

  @Test
  void 'the client is written once to an agent'() {
    String call = "verdict(suites: 'green', url: SERVER, credentialsId: 'verdict-key')"
    pipeline("node { ${call}; ${call} }")
    assert agent.written.size() == 2
    def installed = agent.tmp.listFiles().find { it.name.startsWith('verdict-') }
    assert installed.list().sort() == ['verdict.mjs', 'verdict.sh']
  }

  @Test
  void 'a client that was not written whole is refused and removed'() {
    String call = "verdict(suites: 'green', url: SERVER, credentialsId: 'verdict-key')"
    pipeline("node { ${call} }")
    def client = agent.tmp.listFiles().collectMany { (it.listFiles() ?: []) as List }.find { it.name == 'verdict.mjs' }
    client.text = client.text.substring(0, 1000)
    assert failureOf("node { ${call} }").contains('could not give a verdict')
    assert agent.says('is not what the library holds')
    assert !client.exists()
    assert pipeline("node { ${call} }").state == 'passed'
  }

  @Test
  void 'an aborted build cancels its run'() {
    String label = 'aborted-' + UUID.randomUUID()
    agent.meanwhile = { Process process ->
      agent.await(process, 'endless running')
      // As Jenkins does it: every process of the build, and the step then ends by itself.
      process.descendants().forEach { it.destroy() }
      process.toHandle().destroy()
    }
    String message = failureOf("node { verdict(suites: 'endless', url: SERVER, credentialsId: 'verdict-key', labels: '${label}') }")
    assert message.contains('interrupted')
    assert runsWith(label)*.state == ['cancelled']
  }
}

class PlainTest extends VerdictSteps {
}
