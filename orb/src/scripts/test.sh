#!/bin/sh
# Gives the parameters of the command, which come by environment, to the client, and leaves with its exit code.
# Tracing would print them: it is off from here on, whatever came before.
set +x
set -f

die() {
  code=$1
  shift
  printf 'verdict: %s\n' "$*" >&2
  exit "$code"
}

is_on() { case $1 in 1 | true) return 0 ;; *) return 1 ;; esac; }

home=/tmp/verdict-orb
[ -f "$home/wanted" ] || die 2 "no client is installed: leave out \`install: false\`, or put verdict/install before this step"
read -r from name _ <"$home/wanted"
file=$home/client/$name
[ "$from" = npm ] && file=$home/client/node_modules/.bin/verdict

VERDICT_API_KEY=$(printenv "$VERDICT_ORB_API_KEY") ||
  die 3 "there is no $VERDICT_ORB_API_KEY: add it to the project's environment variables or to a context of this job; \`verdict keys create\` prints a key (builds of forks get none, unless the project passes secrets to them)"
export VERDICT_API_KEY
[ -z "${VERDICT_ORB_URL-}" ] || export VERDICT_URL="$VERDICT_ORB_URL"

results=$VERDICT_ORB_RESULTS_DIR
case $results in /*) ;; *) results=$PWD/$results ;; esac

set -- run
! is_on "$VERDICT_ORB_STORED" || set -- "$@" --stored
[ -z "$VERDICT_ORB_DIRECTORY" ] || set -- "$@" "--directory=$VERDICT_ORB_DIRECTORY"
[ -z "$VERDICT_ORB_TIMEOUT" ] || set -- "$@" "--timeout=$VERDICT_ORB_TIMEOUT"
[ -z "$VERDICT_ORB_WAIT_TIMEOUT" ] || set -- "$@" "--wait-timeout=$VERDICT_ORB_WAIT_TIMEOUT"
[ -z "$VERDICT_ORB_CALLBACK_URL" ] || set -- "$@" "--callback-url=$VERDICT_ORB_CALLBACK_URL"
[ -z "$VERDICT_ORB_IDEMPOTENCY_KEY" ] || set -- "$@" "--idempotency-key=$VERDICT_ORB_IDEMPOTENCY_KEY"
if is_on "$VERDICT_ORB_WAIT"; then
  mkdir -p "$results"
  # What an earlier step left there is not the result of this one.
  rm -rf "$results/junit.xml" "$results/summary.md" "$results/artifacts"
  set -- "$@" "--junit-file=$results/junit.xml"
  [ "$name" = verdict.sh ] || set -- "$@" "--summary-file=$results/summary.md" "--artifacts-dir=$results/artifacts"
else
  set -- "$@" --no-wait
fi
lines='
'
IFS=$lines
for line in $VERDICT_ORB_VARIABLES; do set -- "$@" "--variable=$line"; done
for line in $VERDICT_ORB_LABELS; do set -- "$@" "--label=$line"; done
IFS=" ,$lines"
for word in $VERDICT_ORB_SECRETS; do set -- "$@" "--secret=$word"; done
set -- "$@" --
for word in $VERDICT_ORB_SUITES; do set -- "$@" "$word"; done

if [ "$name" = verdict.sh ]; then exec sh "$file" "$@"; fi
exec node "$file" "$@"
