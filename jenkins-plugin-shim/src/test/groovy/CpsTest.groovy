import com.lesfurets.jenkins.unit.cps.PipelineTestHelperCPS

/** The same, compiled as Jenkins compiles pipelines, every state tried for being serialisable. */
class CpsTest extends VerdictSteps {
  CpsTest() {
    helper = new PipelineTestHelperCPS()
  }
}
