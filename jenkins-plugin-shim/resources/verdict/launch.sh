#!/bin/sh
# Runs the client with the words that the step `verdict` left in the environment. The text is always this one: no value of
# a pipeline stands in it. Prints what the client prints, and its exit code in a line of its own; progress goes to the log
# by standard error. The first line keeps Jenkins from tracing.
set -u
folder=$VERDICT_STEP_FOLDER

finish() {
  printf '\n%s\n' "$1"
  exit 0
}

# Gives a file its name, which other builds on this agent may be doing in this very moment, and compares it.
use() {
  if [ -f "$folder/$1.$VERDICT_STEP_ID" ]; then mv -f "$folder/$1.$VERDICT_STEP_ID" "$folder/$1"; fi
  want=$(printf '%s\n' "$VERDICT_STEP_SUMS" | sed -n "s/  $1\$//p")
  have=$({ sha256sum "$folder/$1" 2>/dev/null || shasum -a 256 "$folder/$1"; } | cut -c 1-64)
  if [ "$have" = "$want" ]; then return 0; fi
  echo "verdict: $folder/$1 is not what the library holds, and is removed: run the build again (is the disk full?)" >&2
  rm -f "$folder/$1"
  finish 4
}

set --
stored=
number=1
while [ "$number" -le "$VERDICT_STEP_WORDS" ]; do
  # The dot keeps line ends at the end of a value.
  word=$(printenv "VERDICT_STEP_WORD_$number" && printf .)
  word=${word%??}
  if [ "$word" = --stored ]; then stored=1; fi
  set -- "$@" "$word"
  number=$((number + 1))
done

use verdict.mjs
use verdict.sh
# An aborted build signals every process: the client then cancels its runs, and this waits for it.
trap : INT TERM
if node -e 'process.exit(Number.parseInt(process.versions.node) < 20 ? 1 : 0)' 2>/dev/null; then
  node "$folder/verdict.mjs" run --json "$@"
elif [ -z "$stored" ]; then
  # verdict.sh would run what was pushed, and its green would say nothing of this checkout.
  echo 'verdict: no Node 20 or newer on this agent: install it, or pass stored: true to run what was pushed' >&2
  finish 2
else
  echo 'verdict: no Node 20 or newer on this agent: verdict.sh runs instead' >&2
  sh "$folder/verdict.sh" run "$@" >&2
fi
finish $?
