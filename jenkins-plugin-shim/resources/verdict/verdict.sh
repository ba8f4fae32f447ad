#!/bin/sh
# Runs a stored suite on a Verdict server and exits with its verdict, where there is no Node: POSIX sh, its tools, and curl.
# What it takes and how it exits is what `verdict run --stored` does (verdict.mjs); see usage() below.
set +x # a traced shell would print the key
set -u
umask 077
# No program that is started here needs to see the key; curl is given it by its standard input.
key=${VERDICT_API_KEY-} key_is_set=${VERDICT_API_KEY+yes}
unset VERDICT_API_KEY
# That of package.json (a test compares them).
version=0.1.0
# Bytes are bytes, whatever the agent's language.
LC_ALL=C
export LC_ALL

usage() {
  cat <<'END'
verdict.sh run <suite> [options]   run a stored suite, wait, and exit with its verdict

  VERDICT_URL, VERDICT_API_KEY     the server and a key, from the environment; a key is never an option
  --variable <KEY=VALUE>           set a variable that the suite declares (repeatable)
  --secret <NAME>                  pass on the environment variable NAME as a secret (repeatable)
  --label <text>                   label the run (repeatable)
  --timeout <duration>             the run's own limit, such as 10m (default: the suite's)
  --no-wait                        exit once the run is accepted
  --wait-timeout <duration>        wait so long at most, then cancel the run (exit code 5)
  --junit-file <path>              write the results as JUnit XML
  --callback-url <url>             have the server tell this address how the run ends
  --idempotency-key <key>          calls with the same key start the same run once
  --url <url>                      the server, instead of VERDICT_URL
  --directory <folder>             work as if started in this folder
  --stored                         taken for the CLI's sake: only stored suites are run

Exit codes: 0 passed, 1 failed, 2 wrong use, 3 not authorised, 4 no verdict, 5 timed out, 6 cancelled, 130 and 143 signals.
Several suites, suites of this checkout, summaries, artifacts and --json need Node 20 and verdict.mjs.
END
}

say() { printf '%s\n' "$*"; }
warn() { printf 'verdict: %s\n' "$*" >&2; }
die() {
  code=$1
  shift
  warn "$*"
  leave "$code"
}

leave() {
  trap '' HUP INT TERM
  end_child
  exit "$1"
}

# Tests and other people's output, made harmless for terminals and CI logs much as `neutral` of report/terminal.ts does.
neutral() {
  tr -d '\000-\010\013-\037\177' | sed -e 's/^\([[:blank:]]*\):\(:\)/\1:.\2/' -e 's/##\([[vt]\)/#.#\1/g'
}

# The environment variable $1 as a JSON string; of the environment, so that no secret is ever on a command line.
json_of() {
  awk 'BEGIN {
    for (i = 1; i < 32; i++) code[sprintf("%c", i)] = sprintf("\\u%04x", i)
    code["\\"] = "\\\\"
    code["\""] = "\\\""
    text = ENVIRON[ARGV[1]]
    count = length(text)
    printf "\""
    for (i = 1; i <= count; i++) {
      c = substr(text, i, 1)
      printf "%s", (c in code) ? code[c] : c
    }
    printf "\""
  }' "$1"
}

json() {
  text=$1
  export text
  json_of text
}

# JSON of standard input as lines "path<tab>value": state, results.total, items.0.name. Blanks stand for control characters.
flatten() {
  awk '
    { text = text $0 " " }
    END { value("") }
    function next_is(pattern) {
      sub(/^[ \t\r]+/, "", text)
      if (!match(text, pattern)) return 0
      found = substr(text, 1, RLENGTH)
      text = substr(text, RLENGTH + 1)
      return 1
    }
    function decoded(string,   out, at, c) {
      string = substr(string, 2, length(string) - 2)
      while (at = index(string, "\\")) {
        c = substr(string, at + 1, 1)
        out = out substr(string, 1, at - 1) (c == "u" ? "?" : index("nrtbf", c) ? " " : c)
        string = substr(string, at + (c == "u" ? 6 : 2))
      }
      return out string
    }
    function value(path,   key, count) {
      if (next_is("^{")) {
        while (next_is("^\"[^\"\\\\]*(\\\\.[^\"\\\\]*)*\"")) {
          key = decoded(found)
          if (!next_is("^:")) exit 1
          value(path == "" ? key : path "." key)
          if (!next_is("^,")) break
        }
        if (!next_is("^}")) exit 1
      } else if (next_is("^\\[")) {
        if (next_is("^\\]")) return
        do value(path "." count++); while (next_is("^,"))
        if (!next_is("^\\]")) exit 1
      } else if (next_is("^\"[^\"\\\\]*(\\\\.[^\"\\\\]*)*\"")) print path "\t" decoded(found)
      else if (next_is("^[-+.0-9a-zA-Z]+")) print path "\t" found
      else exit 1
    }'
}

# From here to the verdict, what other programs say is read from files and not by $(…): bash 5.2 loses a signal whose trap
# comes while it expands one.

# $value: what stands at path $1 of the answer; empty where it has none or null.
field() {
  value=''
  while IFS='	' read -r name found; do
    [ "$name" = "$1" ] || continue
    [ "$found" = null ] || value=$found
    return 0
  done <"$folder/fields"
}

# $value: the answer's header $1.
header() {
  tr -d '\r' <"$folder/head" | awk -v name="$1" '
    tolower($1) == name ":" { $1 = ""; sub(/^ /, ""); value = $0 } END { print value }' >"$folder/said"
  read -r value <"$folder/said" || value=''
}

# $now: seconds since 1970.
look_at_clock() {
  date +%s >"$folder/said"
  read -r now <"$folder/said"
}

# Seconds of 45s, 10m, 1h30m; nothing for what is no such duration.
seconds_of() {
  printf '%s\n' "$1" | awk '/^([0-9]+h)?([0-9]+m)?([0-9]+s)?$/ && /^[0-9]/ {
    rest = $0
    if (split(rest, part, "h") > 1) { total += part[1] * 3600; rest = part[2] }
    if (split(rest, part, "m") > 1) { total += part[1] * 60; rest = part[2] }
    sub(/s/, "", rest)
    if (total + rest > 0) printf "%d\n", total + rest
  }'
}

# Signals only note themselves and end what is being waited for; heed_signal does the rest, between two requests. A run that
# is being made is spared: it must be known, or it could not be cancelled.
# shellcheck disable=SC2329 # called by the traps
interrupted() {
  caught=$1
  [ -n "$spared" ] || [ -z "$child" ] || kill -9 "$child" 2>/dev/null
}

# A shell heeds signals only while it waits: so whatever takes time runs in the background.
waiting() {
  child=$!
  ended=0
  [ -n "$caught" ] || wait "$child" 2>/dev/null || ended=$?
}

# By a signal that cannot be lost: one that comes between fork and exec may still meet this shell's own traps.
end_child() {
  [ -n "$child" ] && kill -9 "$child" 2>/dev/null && wait "$child" 2>/dev/null
  child=''
}

nap() {
  sleep "$1" &
  waiting
  end_child
}

# One request: $1 method, $2 path, $3 seconds it may take, then further arguments of curl. $status is 000 without an answer.
# What is secret comes by standard input.
send() {
  method=$1 path=$2 limit=$3
  shift 3
  for file in status head body fields problem; do : >"$folder/$file"; done
  status=000 ended=0
  # Once a signal has come, nothing new is begun before it is heeded.
  [ -z "$caught" ] || return 0
  [ "$path" = /v1/runs ] && spared=yes
  printf '%s\n' "$credential" | curl -q -gsS --config - --request "$method" --url "$url$path" --connect-timeout 10 \
    --max-time "$limit" --proto '=http,https' --user-agent "verdict-sh/$version" --dump-header "$folder/head" \
    --output "$folder/body" --write-out '%{http_code}' "$@" >"$folder/status" 2>"$folder/problem" &
  waiting
  patience=5
  while [ -n "$spared" ] && [ -n "$caught" ] && [ "$patience" -gt 0 ] && kill -0 "$child" 2>/dev/null; do
    patience=$((patience - 1))
    sleep 1
  done
  end_child
  spared=''
  read -r status <"$folder/status" || [ -n "$status" ] || status=000
  case $path in */log | */junit) ;; *) flatten <"$folder/body" >"$folder/fields" ;; esac
}

# The same until it succeeds, fails for good, or $deadline (seconds since 1970) is reached. Returns 1 without a good answer;
# $trouble then says why and $trouble_code is the exit code. A new token is fetched when the old one has ended.
call() {
  tries=0 renewed=''
  while :; do
    credential="header = \"Authorization: Bearer $token\""
    send "$@"
    [ "$status" != 000 ] && answered=1
    case $status in
      2?? | 304) return 0 ;;
      401)
        field code
        if [ -z "$renewed" ] && [ "$value" = invalid_token ]; then
          renewed=1
          exchange || return 1
          continue
        fi
        ;;
    esac
    if ! worth_another_try; then
      explain call
      return 1
    fi
  done
}

# Key for token (RFC 8693). The form comes from standard input as well: the key is in it.
exchange() {
  tries=0
  grant=urn:ietf:params:oauth:grant-type:token-exchange
  type=urn:verdict:params:oauth:token-type:api-key
  while :; do
    credential="data = \"grant_type=$grant&subject_token_type=$type&subject_token=$key\""
    send POST /oauth/token 30
    [ "$status" != 000 ] && answered=1
    if [ "$status" = 200 ]; then
      field access_token
      token=$value
      case $token in
        '' | *[!A-Za-z0-9._-]*)
          trouble="$url answered 200, and not as a Verdict server does: is VERDICT_URL right?" trouble_code=2
          return 1
          ;;
      esac
      return 0
    fi
    if ! worth_another_try; then
      explain exchange
      return 1
    fi
  done
}

# Pauses before another try, with full jitter, or as the server asks; fails where another try is of no use.
worth_another_try() {
  heed_signal
  case $status in
    000)
      # No certificate becomes a good one.
      case $ended in 51 | 58 | 60 | 77 | 83 | 90 | 91) return 1 ;; esac
      ;;
    429 | 502 | 503 | 504) ;;
    *) return 1 ;;
  esac
  end=$deadline
  [ -z "$answered" ] && [ "$end" -gt "$((started + 60))" ] && end=$((started + 60))
  look_at_clock
  [ "$now" -ge "$end" ] && return 1
  tries=$((tries + 1))
  header retry-after
  case $value in
    '' | *[!0-9]* | ?????*)
      awk -v t="$tries" -v s="$$$now" 'BEGIN { srand(s); printf "%d\n", 1 + rand() * (t < 5 ? t : 5) }' >"$folder/said"
      read -r value <"$folder/said"
      ;;
  esac
  pause=$value
  [ "$pause" -gt 120 ] && pause=120
  [ "$((now + pause))" -gt "$end" ] && pause=$((end - now))
  if [ "$tries" -eq 1 ]; then
    no_answer
    warn "$trouble; trying again"
  fi
  nap "$pause"
}

no_answer() {
  trouble="$url answered $status"
  if [ "$status" = 000 ]; then
    tail -n 1 "$folder/problem" | neutral >"$folder/said"
    read -r value <"$folder/said"
    trouble="No answer from $url: $value"
  fi
}

# What a bad answer means, as client/api-error.ts and gate/exit-code.ts have it.
explain() {
  field detail
  [ -n "$value" ] || field error_description
  said=$(printf '%s' "$value" | neutral)
  field code
  [ -n "$value" ] || field error
  problem=$value
  case $status in
    000) trouble_code=4 ;;
    429 | 5??) trouble_code=4 ;;
    *) trouble_code=2 ;;
  esac
  if [ -z "$problem" ]; then
    no_answer
    case $status in
      000) ;;
      3??) trouble="$trouble, a redirect, which is not followed with a key: set VERDICT_URL to the server's own address" ;;
      *) trouble="$trouble, and not as a Verdict server does: is VERDICT_URL right, and is the server up behind its proxy?" ;;
    esac
    return
  fi
  trouble=${said:-$url answered $status ($problem)}
  header verdict-version
  case $problem:$value in
    *:"$version") ;;
    invalid_request:?* | not_supported:?*)
      trouble="$trouble (the server is of version $value, this verdict.sh of $version: take the one from $url/cli/verdict.sh)"
      ;;
  esac
  case $1:$status:$problem in
    exchange:429:* | exchange:5??:*) ;;
    exchange:*) trouble_code=3 ;;
    call:401:*) trouble_code=3 ;;
    call:403:suite_locked) ;;
    call:403:*) trouble_code=3 ;;
  esac
}

# What a signal means: the run is cancelled, and the exit code is the signal's.
heed_signal() {
  [ -z "$caught" ] && return 0
  code=$caught
  caught=''
  trap 'leave "$code"' HUP INT TERM
  if [ -n "$run" ]; then
    warn "interrupted: cancelling $run (once more to leave at once)"
    cancel
  fi
  [ -n "$run" ] && write_junit "The build was interrupted before there was a verdict"
  leave "$code"
}

# Cancels the run and sees it final, in 5 s at most.
cancel() {
  look_at_clock
  cancel_end=$((now + 5))
  credential="header = \"Authorization: Bearer $token\""
  send POST "/v1/runs/$run/cancel" 4
  if [ "$status" = 401 ]; then
    # The token had just ended.
    deadline=$cancel_end
    exchange && credential="header = \"Authorization: Bearer $token\"" && send POST "/v1/runs/$run/cancel" 2
  fi
  case $status in
    2??)
      field state
      case $value in queued | running) ;; *) return 0 ;; esac
      look_at_clock
      [ "$now" -lt "$cancel_end" ] && send GET "/v1/runs/$run" "$((cancel_end - now))" --header "Prefer: wait=$((cancel_end - now))"
      field state
      case $value in passed | failed | errored | timed_out | cancelled) return 0 ;; esac
      ;;
  esac
  warn "$suite could not be seen cancelled in time: look at $run"
}

xml() {
  printf '%s' "$1" | tr -d '\000-\037' | sed -e 's/&/\&amp;/g' -e 's/</\&lt;/g' -e 's/>/\&gt;/g' -e 's/"/\&quot;/g'
}

# The server's JUnit file; without one an errored case, so that no CI's view is green without a verdict.
write_junit() {
  [ -z "$junit_file" ] && return 0
  mkdir -p "$(dirname "$junit_file")" 2>/dev/null
  if [ "$#" -eq 0 ]; then
    look_at_clock
    deadline=$((now + 30))
    if call GET "/v1/runs/$run/junit" 30 && grep -q '</testsuites>' "$folder/body"; then
      cat "$folder/body" >"$junit_file" || return 1
      say "wrote $junit_file"
      return 0
    fi
    set -- "${reason:-The results could not be read}"
  fi
  message=$(xml "$1") name=$(xml "$suite")
  printf '%s\n' '<?xml version="1.0" encoding="UTF-8"?>' \
    '<testsuites name="verdict" tests="1" failures="0" errors="1" skipped="0">' \
    "  <testsuite name=\"$name\" tests=\"1\" failures=\"0\" errors=\"1\" skipped=\"0\">" \
    "    <testcase name=\"verdict of $name\" classname=\"$name\"><error message=\"$message\" type=\"error\"/></testcase>" \
    '  </testsuite>' '</testsuites>' >"$junit_file" || return 1
  say "wrote $junit_file"
}

# The first of the named variables that is set.
first_of() {
  awk 'BEGIN { for (i = 1; i < ARGC; i++) if (ENVIRON[ARGV[i]] != "") { print ENVIRON[ARGV[i]]; exit } }' "$@"
}

# What CI systems say of a build, as far as it needs no knowledge of each (gate/ci-facts.ts has that).
facts() {
  pairs=
  for fact in \
    "commit GITHUB_SHA CI_COMMIT_SHA CIRCLE_SHA1 GIT_COMMIT BUILDKITE_COMMIT BITBUCKET_COMMIT TRAVIS_COMMIT BUILD_SOURCEVERSION" \
    "branch GITHUB_HEAD_REF CI_MERGE_REQUEST_SOURCE_BRANCH_NAME CHANGE_BRANCH TRAVIS_PULL_REQUEST_BRANCH GITHUB_REF_NAME CI_COMMIT_REF_NAME CIRCLE_BRANCH BUILDKITE_BRANCH BITBUCKET_BRANCH TRAVIS_BRANCH BRANCH_NAME" \
    "buildUrl CI_JOB_URL CIRCLE_BUILD_URL BUILDKITE_BUILD_URL TRAVIS_BUILD_WEB_URL BUILD_URL"; do
    # shellcheck disable=SC2086 # words are meant: a name and the variables that may hold it
    value=$(first_of ${fact#* })
    [ -n "$value" ] && pairs="$pairs,\"${fact%% *}\":$(json "$value")"
  done
  printf '{%s}' "${pairs#,}"
}

# --- the command line ---------------------------------------------------------------------------------------------------

folder='' child='' spared='' caught='' run='' answered='' token='' reason=''
suite='' variables='' secrets='' labels='' timeout='' wait_timeout='' wait=1
junit_file='' callback_url='' idempotency_key='' directory='' url=${VERDICT_URL-}

take_suite() {
  [ -n "$suite" ] && die 2 "verdict.sh runs one suite at a time: give one name, or use verdict.mjs (it needs Node 20)"
  suite=$1
}

take_duration() {
  duration=$(seconds_of "$2")
  [ -n "$duration" ] || die 2 "$1 takes a duration such as 45s, 10m or 1h30m"
}

is_name() { case $1 in '' | [0-9]* | *[!A-Za-z0-9_]*) return 1 ;; esac; }

take_option() {
  case $1 in
    --variable)
      name=${2%%=*}
      case $2 in *=*) ;; *) die 2 "--variable takes KEY=VALUE" ;; esac
      is_name "$name" || die 2 "--variable takes KEY=VALUE, and its KEY is no variable's name"
      case $variables in *",\"$name\":"*) die 2 "--variable: $name is given twice" ;; esac
      variables="$variables,\"$name\":$(json "${2#*=}")"
      ;;
    --secret)
      is_name "$2" ||
        die 2 "a secret is never an option: --secret takes the name of an environment variable that holds it (\`export SHOP_TOKEN=…\`, then \`--secret SHOP_TOKEN\`)"
      [ -n "$(first_of "$2")" ] ||
        die 2 "--secret $2: the environment has no $2, or it is empty; check the secret in your CI system (a build of a pull request from a fork gets none)"
      secrets="$secrets,\"$2\":$(json_of "$2")"
      ;;
    --label) labels="$labels,$(json "$2")" ;;
    --timeout) take_duration "$@" && timeout=$duration ;;
    --wait-timeout) take_duration "$@" && wait_timeout=$duration ;;
    --junit-file) junit_file=$2 ;;
    --callback-url) callback_url=$2 ;;
    --idempotency-key) idempotency_key=$2 ;;
    --url) url=$2 ;;
    --directory) directory=$2 ;;
    --summary-file | --artifacts-dir | --json) die 2 "$1 needs Node 20 and verdict.mjs: verdict.sh has it not" ;;
    *) die 2 "unknown option $1 (verdict.sh --help lists all)" ;;
  esac
}

case "$*" in
  *vdt_????????*)
    die 2 "there is an API key on the command line, where others can see it: a key is never an option. Revoke it (\`verdict keys revoke\`), make a new one and set VERDICT_API_KEY"
    ;;
esac
case ${1---help} in
  -h | --help | help) usage && exit 0 ;;
  run) shift ;;
  *) die 2 "there is no command \"$1\" here: verdict.sh knows \`run\`, verdict.mjs all others (it needs Node 20)" ;;
esac
while [ "$#" -gt 0 ]; do
  argument=$1
  shift
  case $argument in
    -h | --help) usage && exit 0 ;;
    --)
      for argument; do take_suite "$argument"; done
      break
      ;;
    --stored) ;;
    --json) take_option --json '' ;;
    --no-wait) wait='' ;;
    --*=*) take_option "${argument%%=*}" "${argument#*=}" ;;
    -?*)
      [ "$#" -gt 0 ] || die 2 "$argument needs a value, or is unknown (verdict.sh --help lists all)"
      take_option "$argument" "$1"
      shift
      ;;
    *) take_suite "$argument" ;;
  esac
done

[ -z "$suite" ] && die 2 "which suite? verdict.sh runs one that was pushed (\`verdict suites push\`): verdict.sh run smoke"
case $suite in *[]*?[{}]*) die 2 "verdict.sh takes no globs: give the suite's name, or use verdict.mjs (it needs Node 20)" ;; esac
if [ -z "$wait" ]; then
  [ -n "$junit_file" ] && die 2 "--no-wait leaves before there are results: leave out --junit-file"
  [ -n "$wait_timeout" ] && die 2 "--no-wait leaves before there are results: leave out --wait-timeout"
fi
if [ -n "$directory" ]; then cd -- "$directory" 2>/dev/null || die 2 "--directory $directory is no folder that can be entered"; fi
command -v curl >/dev/null || die 2 "curl is missing: install it, or Node 20 and verdict.mjs"

url=${url%"${url##*[!/]}"}
case $url in
  '') die 2 "no server is configured: set VERDICT_URL, for example to https://verdict.example.com" ;;
  *[!][A-Za-z0-9._~:/%@?\#-]*) die 2 "VERDICT_URL is not an address: it must begin with https://" ;;
  http*://*[@?\#]*) die 2 "VERDICT_URL must hold no user name or password, and end before ? and #" ;;
  https://?*) ;;
  http://?*)
    host=${url#http://}
    case $host in \[::1\]*) host='[::1]' ;; *) host=${host%%[:/]*} ;; esac
    case $host in 127.*[!0-9.]*) ;; localhost | *.localhost | 127.* | '[::1]') VERDICT_ALLOW_HTTP=1 ;; esac
    [ "${VERDICT_ALLOW_HTTP-}" = 1 ] ||
      die 2 "VERDICT_URL is plain http, where anybody on the way could read the key: use https://, or set VERDICT_ALLOW_HTTP=1 if that network is your own"
    ;;
  *) die 2 "VERDICT_URL is not an address: it must begin with https://" ;;
esac

key=$(printf '%s' "$key" | tr -d ' \t\r\n')
case $key in
  '')
    [ -n "$key_is_set" ] &&
      die 3 "VERDICT_API_KEY is set but empty: check the name of the secret in your CI system (a build of a pull request from a fork gets no secrets)"
    die 3 "no key for $url: set VERDICT_API_KEY from a secret of your CI system; \`verdict keys create\` prints one"
    ;;
  vdt_*[!0-9A-Za-z]*) die 3 "VERDICT_API_KEY does not look like a Verdict key: it has characters that no key has" ;;
  vdt_????????????????????????????????????) ;;
  vdt_*) die 3 "VERDICT_API_KEY does not look like a Verdict key: it has ${#key} characters instead of 40; was it cut off or pasted twice?" ;;
  *) die 3 "VERDICT_API_KEY does not look like a Verdict key: it does not begin with vdt_" ;;
esac

# --- the run ------------------------------------------------------------------------------------------------------------

idempotency_key=${idempotency_key:-$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')}/$suite
case $idempotency_key in *[!!-~]*) die 2 "the idempotency key with \"/$suite\" after it must be visible ASCII characters without spaces" ;; esac
[ "${#idempotency_key}" -gt 255 ] && die 2 "the idempotency key with \"/$suite\" after it has over 255 characters"
body="{\"suite\":$(json "$suite"),\"ci\":$(facts)"
[ -n "$variables" ] && body="$body,\"variables\":{${variables#,}}"
[ -n "$secrets" ] && body="$body,\"secrets\":{${secrets#,}}"
[ -n "$labels" ] && body="$body,\"labels\":[${labels#,}]"
[ -n "$timeout" ] && body="$body,\"timeoutSeconds\":$timeout"
[ -n "$callback_url" ] && body="$body,\"callbackUrl\":$(json "$callback_url")"
[ -n "$wait" ] && body="$body,\"abandonAfterSeconds\":120"

folder=$(mktemp -d "${TMPDIR:-/tmp}/verdict.XXXXXX") || die 4 "there is no room for temporary files in ${TMPDIR:-/tmp}"
trap 'rm -rf "$folder"' EXIT
trap 'interrupted 130' INT
trap 'interrupted 143' TERM HUP
look_at_clock
started=$now
deadline=$((started + 120))
printf '%s}' "$body" >"$folder/run"

exchange || die "$trouble_code" "$trouble"
call POST /v1/runs 30 --header 'Content-Type: application/json' --header "Idempotency-Key: $idempotency_key" \
  --data-binary "@$folder/run" || die "$trouble_code" "$trouble"
rm -f "$folder/run"
field id
run=$value
case ${run#run_} in "$run" | '' | *[!a-z0-9]*) die 4 "$url answered $status, but named no run: is it a Verdict server?" ;; esac
field revision
say "$suite, revision $value: $run"
header idempotent-replayed
[ -n "$value" ] && say "this idempotency key was used before: it is the run of then"
heed_signal
[ -z "$wait" ] && say "$run was accepted and is not waited for" && leave 0

look_at_clock
deadline=$((now + ${wait_timeout:-$((3600 + ${timeout:-86400} + 60))}))
state='' told=$now seen_version=''
while :; do
  if [ "$status" != 304 ]; then
    field version
    seen_version=$value
    field state
    if [ "$state" != "$value" ]; then
      state=$value told=$now
      case $state in queued | running) say "$suite is $state" ;; *) break ;; esac
    fi
  fi
  look_at_clock
  asked=$now
  [ "$((now - told))" -ge 60 ] && say "$suite is still $state" && told=$now
  left=$((deadline - now))
  if [ "$left" -le 0 ]; then
    warn "no verdict in time: cancelling $run"
    cancel
    write_junit "There was no verdict within the time that the build waits"
    leave 5
  fi
  [ "$left" -gt 25 ] && left=25
  if ! call GET "/v1/runs/$run" "$((left + 15))" --header "Prefer: wait=$left" --header "If-None-Match: \"$seen_version\""; then
    write_junit "$trouble"
    die "$trouble_code" "$trouble"
  fi
  # Something in between that does not hold requests must not make this a storm of them.
  look_at_clock
  field version
  if [ "$now" = "$asked" ] && { [ "$status" = 304 ] || [ "$value" = "$seen_version" ]; }; then nap 1; fi
done

field reason.message
reason=$(printf '%s' "$value" | neutral)
field reason.fault
fault=$value
field results.total
line="$suite $state"
if [ -n "$value" ]; then
  line="$line: $value tests"
  for kind in failed errored skipped; do
    field "results.$kind"
    line="$line, $value $kind"
  done
fi
field reason.code
why=$value
case $state in
  passed) code=0 ;;
  failed) code=1 ;;
  timed_out) code=5 ;;
  cancelled) code=6 ;;
  errored) [ "$fault" = suite ] && code=1 || code=4 ;;
  *) code=4 ;;
esac
say "$line${reason:+ ($reason)}"

# What went wrong: the tests that say it, else the end of the log.
if [ "$code" -ne 0 ]; then
  look_at_clock
  deadline=$((now + 30))
  if [ "$why" = tests_failed ]; then
    for bad in failed errored; do
      call GET "/v1/runs/$run/cases?state=$bad&limit=20" 30 && awk -F '\t' '
        $1 ~ /^items\.[0-9]+\.name$/ { name = $2 }
        $1 ~ /^items\.[0-9]+\.message$/ { print "  - " name ($2 == "null" ? "" : ": " $2) }' "$folder/fields" | neutral
    done
  else
    call GET "/v1/runs/$run/log" 30 && tail -n 40 "$folder/body" | neutral | sed 's/^/  | /'
  fi
fi
write_junit || die 2 "--junit-file $junit_file cannot be written"
leave "$code"
