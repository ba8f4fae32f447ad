#!/bin/sh
# Says which client is to be installed: writes "<from> <name> <digest or package>" to /tmp/verdict-orb/wanted, which is also
# what the cache is keyed by.
set +x

die() {
  code=$1
  shift
  printf 'verdict: %s\n' "$*" >&2
  exit "$code"
}

url=${VERDICT_ORB_URL:-${VERDICT_URL-}}
url=${url%/}
case $url in
  '') die 2 "no server: give the parameter url, or add VERDICT_URL to the project's environment variables or a context" ;;
  *[!A-Za-z0-9._~:/%-]* | -*) die 2 "the server's address holds characters that no address has: it looks like https://verdict.example.com" ;;
esac

umask 077
home=/tmp/verdict-orb
mkdir -p "$home/client"
[ -n "$(find "$home" -prune -user "$(id -u)")" ] || die 4 "$home belongs to another user of this machine"

if command -v node >/dev/null && [ "$(node -p 'process.versions.node.split(".")[0]')" -ge 20 ]; then
  name=verdict.mjs
else
  name=verdict.sh
  echo "There is no Node 20 here: verdict.sh takes its place. It runs one suite that was pushed, without summary and artifacts."
fi

if [ "${VERDICT_ORB_INSTALL_FROM-}" = npm ]; then
  [ "$name" = verdict.mjs ] || die 2 "install_from npm needs Node 20: use an image with Node, or install_from server"
  case ${VERDICT_ORB_NPM_PACKAGE-} in
    '' | *[[:space:]]*) die 2 "npm_package names one package, without blanks, as verdict-cli@1.2.3" ;;
  esac
  printf 'npm %s %s\n' "$name" "${VERDICT_ORB_NPM_PACKAGE-}" >"$home/wanted"
  exit 0
fi

digest=${VERDICT_ORB_CLI_SHA256-}
if [ -z "$digest" ]; then
  digest=$(curl -q -fsS --retry 5 --retry-connrefused --max-time 60 "$url/cli/$name.sha256") ||
    die 4 "$url does not tell the digest of its client: is the address right, and is the server up?"
  digest=${digest%% *}
fi
digest=$(printf '%s' "$digest" | tr 'A-F' 'a-f')
case $digest in
  *[!0-9a-f]*) die 2 "cli_sha256, or the answer of $url, is no SHA-256: 64 digits of 0-9 and a-f" ;;
esac
[ "${#digest}" -eq 64 ] || die 2 "cli_sha256, or the answer of $url, is no SHA-256: it has ${#digest} digits instead of 64"
printf 'server %s %s\n' "$name" "$digest" >"$home/wanted"
