#!/usr/bin/env bats
# The orb's scripts by themselves, with a client that prints what it is given. `bats orb/src/tests`

setup() {
  scripts=$BATS_TEST_TMPDIR/scripts
  mkdir -p "$scripts"
  # /tmp of a container is this test's own folder.
  for script in choose install test; do
    sed "s|/tmp/verdict-orb|$BATS_TEST_TMPDIR/orb|g" "$BATS_TEST_DIRNAME/../scripts/$script.sh" >"$scripts/$script.sh"
  done
  mkdir -p "$BATS_TEST_TMPDIR/orb/client" "$BATS_TEST_TMPDIR/bin"
  cd "$BATS_TEST_TMPDIR"
  unset VERDICT_URL VERDICT_API_KEY
  export VERDICT_ORB_API_KEY=TEAM_KEY TEAM_KEY=the-key
  export VERDICT_ORB_RESULTS_DIR=$BATS_TEST_TMPDIR/results VERDICT_ORB_WAIT=1 VERDICT_ORB_STORED=0
  export VERDICT_ORB_SUITES='' VERDICT_ORB_VARIABLES='' VERDICT_ORB_LABELS='' VERDICT_ORB_SECRETS='' VERDICT_ORB_DIRECTORY=''
  export VERDICT_ORB_TIMEOUT='' VERDICT_ORB_WAIT_TIMEOUT='' VERDICT_ORB_CALLBACK_URL='' VERDICT_ORB_IDEMPOTENCY_KEY=''
}

# A program of ours, first on PATH.
program() {
  printf '#!/bin/sh\n%s\n' "$2" >"$BATS_TEST_TMPDIR/bin/$1"
  chmod +x "$BATS_TEST_TMPDIR/bin/$1"
  PATH=$BATS_TEST_TMPDIR/bin:$PATH
}

# A client that prints each argument in brackets.
client() {
  printf 'server %s %064d\n' "$1" 0 >orb/wanted
  printf '#!/bin/sh\nprintf "[%%s]\\n" "$@"\necho "key $VERDICT_API_KEY, server ${VERDICT_URL-none}"\nexit 7\n' >"orb/client/$1"
  program node 'exec sh "$@"'
}

verdict_test() { run bash -eo pipefail "$scripts/test.sh"; }

has() { for line in "${lines[@]}"; do [ "$line" != "$1" ] || return 0; done; echo "no line $1 in: $output"; return 1; }

@test "test: leaves with the client's exit code, gives it the key of the named variable" {
  client verdict.mjs
  verdict_test
  [ "$status" -eq 7 ]
  has "key the-key, server none"
}

@test "test: url wins over VERDICT_URL" {
  client verdict.mjs
  VERDICT_URL=http://other VERDICT_ORB_URL=http://this verdict_test
  has "key the-key, server http://this"
}

@test "test: takes booleans as CircleCI gives them, 1 and 0, and as words" {
  client verdict.mjs
  for on in 1 true; do
    VERDICT_ORB_STORED=$on verdict_test
    has "[--stored]"
  done
  for off in 0 false ''; do
    VERDICT_ORB_WAIT=$off verdict_test
    has "[--no-wait]"
  done
}

@test "test: splits suites and secrets at blanks, commas and lines, and expands no glob" {
  client verdict.mjs
  touch smoke-file
  VERDICT_ORB_SUITES=$'a, smoke-*\n  b\n' VERDICT_ORB_SECRETS='ONE TWO' verdict_test
  [[ $output == *$'[--secret=ONE]\n[--secret=TWO]\n[--]\n[a]\n[smoke-*]\n[b]\n'* ]]
}

@test "test: keeps a variable's and a label's line as it is" {
  client verdict.mjs
  VERDICT_ORB_VARIABLES=$'A=1, 2 = "3"\n\nB=$(touch x) `id` %s' VERDICT_ORB_LABELS='night  build' verdict_test
  has '[--variable=A=1, 2 = "3"]'
  has '[--variable=B=$(touch x) `id` %s]'
  has '[--label=night  build]'
  [ ! -e x ]
}

@test "test: results go to an absolute folder, whatever lay there is gone" {
  client verdict.mjs
  mkdir -p out/artifacts && touch out/junit.xml
  VERDICT_ORB_RESULTS_DIR=out verdict_test
  has "[--junit-file=$PWD/out/junit.xml]"
  has "[--artifacts-dir=$PWD/out/artifacts]"
  [ -d out ] && [ ! -e out/junit.xml ] && [ ! -e out/artifacts ]
}

@test "test: asks of verdict.sh only what it has" {
  client verdict.sh
  verdict_test
  [ "$status" -eq 7 ]
  [[ $output == *--junit-file* ]]
  [[ $output != *--summary-file* && $output != *--artifacts-dir* ]]
}

@test "test: without the key it says which variable to add" {
  client verdict.mjs
  unset TEAM_KEY
  verdict_test
  [ "$status" -eq 3 ]
  [[ $output == *"there is no TEAM_KEY"*"context"* ]]
}

@test "test: without a client it says so" {
  verdict_test
  [ "$status" -eq 2 ]
  [[ $output == *"no client is installed"* ]]
}

@test "choose: writes the pinned digest in small letters and asks nobody" {
  program curl 'echo "curl was called"; exit 1'
  program node 'echo 24'
  VERDICT_URL=https://verdict.example.com VERDICT_ORB_CLI_SHA256=$(printf 'A%.0s' {1..64}) run bash -eo pipefail "$scripts/choose.sh"
  [ "$status" -eq 0 ]
  [ "$(cat orb/wanted)" = "server verdict.mjs $(printf 'a%.0s' {1..64})" ]
}

@test "choose: takes verdict.sh where Node is missing or too old" {
  program curl 'printf "%064d  %s\n" 1 "$9"'
  program node 'echo 18'
  VERDICT_URL=https://verdict.example.com run bash -eo pipefail "$scripts/choose.sh"
  [ "$status" -eq 0 ]
  [[ $output == *"no Node 20"* ]]
  [[ $(cat orb/wanted) == "server verdict.sh 0"* ]]
}

@test "choose: refuses what is no digest, no address and no package" {
  program node 'echo 24'
  for wrong in 'abc' '<html>' ''; do
    program curl "printf '%s' '$wrong'"
    VERDICT_URL=https://verdict.example.com run bash -eo pipefail "$scripts/choose.sh"
    [ "$status" -eq 2 ]
  done
  VERDICT_URL='https://x/$(id)' run bash -eo pipefail "$scripts/choose.sh"
  [ "$status" -eq 2 ]
  VERDICT_URL=https://x VERDICT_ORB_INSTALL_FROM=npm VERDICT_ORB_NPM_PACKAGE='a b' run bash -eo pipefail "$scripts/choose.sh"
  [ "$status" -eq 2 ]
}

@test "install: does not download what the cache held" {
  printf 'whole' >orb/client/verdict.mjs
  echo "server verdict.mjs $(printf whole | sha256sum | cut -d ' ' -f 1)" >orb/wanted
  program curl 'exit 99'
  VERDICT_URL=https://x run bash -eo pipefail "$scripts/install.sh"
  [ "$status" -eq 0 ]
}

@test "install: downloads again what is broken, and keeps nothing that has another digest" {
  printf 'broken' >orb/client/verdict.mjs
  echo "server verdict.mjs $(printf whole | sha256sum | cut -d ' ' -f 1)" >orb/wanted
  program curl "printf whole >'$PWD/orb/client/verdict.mjs'"
  VERDICT_URL=https://x run bash -eo pipefail "$scripts/install.sh"
  [ "$status" -eq 0 ]
  echo "server verdict.mjs $(printf 'b%.0s' {1..64})" >orb/wanted
  VERDICT_URL=https://x run bash -eo pipefail "$scripts/install.sh"
  [ "$status" -eq 4 ]
  [ ! -e orb/client/verdict.mjs ]
}
