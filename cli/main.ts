#!/usr/bin/env node
import { VERSION } from '../contract/version.ts'

const argv = process.argv.slice(2)

if (argv.length === 1 && (argv[0] === '--version' || argv[0] === '-V')) {
  // What scripts ask for again and again is answered before the rest of the program is even compiled.
  process.stdout.write(`${VERSION}\n`)
} else {
  // "eager" keeps it in the bundle's one file, and still unevaluated until here.
  const { start } = await import(/* webpackMode: "eager" */ './start.ts')
  await start(process, process.env, argv)
}
