import com.lesfurets.jenkins.unit.BasePipelineTest
import groovy.json.JsonSlurperClassic
import java.nio.file.Files
import java.nio.file.Path
import org.junit.After
import org.junit.Before

import static com.lesfurets.jenkins.unit.global.lib.LibraryConfiguration.library
import static com.lesfurets.jenkins.unit.global.lib.LocalSource.localSource

/** Pipelines that load the library and reach a real Verdict server, which test/ci/jenkins.test.ts has started. */
abstract class PipelineTest extends BasePipelineTest {
  static final String URL = System.getenv('VERDICT_TEST_URL')
  static final String KEY = System.getenv('VERDICT_TEST_KEY')
  static final File CHECKOUT = new File(System.getenv('VERDICT_TEST_CHECKOUT') ?: '.')
  static final File CLI = new File('../dist/cli/verdict.mjs').canonicalFile
  static final File PIPELINES = new File('target/pipelines').absoluteFile

  Agent agent

  @Before
  void setUp() throws Exception {
    PIPELINES.mkdirs()
    scriptRoots = [PIPELINES.path]
    scriptExtension = 'groovy'
    Path libraries = Files.createDirectories(new File('target/libraries').toPath())
    Path linked = libraries.resolve('verdict@main')
    if (!Files.exists(linked)) Files.createSymbolicLink(linked, new File('.').canonicalFile.toPath())
    helper.registerSharedLibrary(library().name('verdict').defaultVersion('main').allowOverride(true).implicit(false)
      .targetPath(libraries.toString()).retriever(localSource(libraries.toString())).build())
    super.setUp()
    File workspace = Files.createTempDirectory('verdict-jenkins-').resolve('workspace').toFile()
    agent = new Agent(helper, workspace)
    agent.credentials = ['verdict-key': KEY]
    agent.register()
    copy(CHECKOUT, workspace)
    binding.setVariable('any', 'any')
    binding.setVariable('SERVER', URL)
  }

  /** Whatever happened, nobody reads the key or a token in what was printed. */
  @After
  void showsNoCredential() {
    String printed = agent.log.toString() + helper.callStack.join('\n')
    assert !(printed.contains(KEY))
    assert !(printed =~ /eyJ[\w-]{8,}\.eyJ/)
    agent.workspace.parentFile.deleteDir()
  }

  /** Runs the text of a pipeline and returns what its last expression gives. */
  def pipeline(String text) {
    String name = "pipeline-${UUID.randomUUID()}.groovy"
    new File(PIPELINES, name).text = "@Library('verdict@main') _\n" + text
    return runScript(name)
  }

  /** The message with which a pipeline ends. */
  String failureOf(String text) {
    try {
      pipeline(text)
    } catch (Exception failure) {
      return failure.message
    }
    throw new AssertionError('the pipeline passed')
  }

  /** What the server has of runs, read by the CLI. */
  List runsWith(String label) {
    Process process = new ProcessBuilder('node', CLI.path, 'runs', '--json', '--label', label).redirectErrorStream(true)
      .with { it.environment().putAll([VERDICT_URL: URL, VERDICT_API_KEY: KEY, PATH: agent.path]); it }.start()
    String answer = process.inputStream.text
    assert process.waitFor() == 0: answer
    return new JsonSlurperClassic().parseText(answer).items
  }

  private static void copy(File from, File to) {
    assert ['cp', '-R', from.path + '/.', to.path].execute().waitFor() == 0
  }
}
