// A worker in a process of its own, for what a test does to a whole process: other users, SIGKILL.
// Argument: JSON {options, open, shells}. Prints one JSON line with the runner's facts, then one for each command's exit.
import { detectRunner } from '../../worker/runner/detect.ts'
import { executeIn } from './runner-options.ts'

const { options, open, shells } = JSON.parse(process.argv[2] ?? '')
const detected = await detectRunner(options)
if (!detected.runner) throw new Error(detected.problem)
console.log(JSON.stringify({ facts: detected.runner.facts, network: detected.runner.network }))
const folder = await detected.runner.open(open)
await folder.handOver()
for (const shell of shells) {
  const exit = await executeIn(folder, shell, { onOutput: (chunk) => void process.stderr.write(chunk) })
  console.log(JSON.stringify(exit))
}
await folder.close()
