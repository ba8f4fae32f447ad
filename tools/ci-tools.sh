#!/usr/bin/env bash
# Installs the tools of tools/versions.json that tests of the CI integrations need, once: into
# ${XDG_CACHE_HOME:-$HOME/.cache}/verdict-tools/<name>-<version>. test/support/ci-tools.ts finds them there.
# With names it installs only those: tools/ci-tools.sh check-jsonschema bats
set -euo pipefail
cd "$(dirname "$0")/.."
cache=${XDG_CACHE_HOME:-$HOME/.cache}/verdict-tools
mkdir -p "$cache"
wanted=("$@")

# The entries of a group of tools/versions.json, as lines "name version".
entries() {
  python3 -c 'import json, sys; [print(n, v) for n, v in json.load(open("tools/versions.json")).get(sys.argv[1], {}).items()]' "$1"
}

is_wanted() {
  [ ${#wanted[@]} -eq 0 ] && return 0
  local name
  for name in "${wanted[@]}"; do [ "$name" = "$1" ] && return 0; done
  return 1
}

# Runs "$2 <folder> <name> <version>" to fill the tool's folder; a folder that is there is whole, since it is renamed last.
# An installer returns at its first failure itself: bash heeds no `set -e` in a function whose result is asked for.
once() {
  local name=$1 install=$2 version=$3 folder=$cache/$1-$3
  [ -d "$folder" ] && return 0
  echo "installing $name $version"
  rm -rf "$folder.new"
  mkdir -p "$folder.new"
  "$install" "$folder.new" "$name" "$version" >"$cache/$name.log" 2>&1 || {
    echo "$name $version could not be installed; the end of $cache/$name.log says:" >&2
    tail -n 20 "$cache/$name.log" >&2
    return 1
  }
  mv "$folder.new" "$folder"
}

# Scripts of a venv name its folder, which is renamed after the installation: so pip installs beside a launcher of ours.
from_python() {
  python3 -m pip install --quiet --disable-pip-version-check --no-warn-script-location --only-binary :all: \
    --target "$1/lib" "$2==$3" || return
  mkdir "$1/bin"
  local script
  for script in "$1"/lib/bin/*; do
    [ -f "$script" ] || continue
    # shellcheck disable=SC2016 # the launcher expands these itself
    printf '#!/bin/sh\nhere=$(dirname "$(dirname "$0")")\nPYTHONPATH=$here/lib exec %s "$here/lib/bin/%s" "$@"\n' \
      "$(head -c 2 "$script" | grep -q '#!' && echo python3)" "$(basename "$script")" >"$1/bin/$(basename "$script")"
    chmod +x "$1/bin/$(basename "$script")"
  done
}

from_npm() {
  npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$1" "$2@$3" || return
  ln -s node_modules/.bin "$1/bin"
}

from_go() {
  GOBIN=$1/bin go install "$(entries goPackages | sed -n "s/^$2 //p")@v$3"
}

# The MongoDB-compatible server of the tests where there is no mongod: some minutes of CPU, once.
from_cargo() {
  cargo install "$(entries cargoCrates | sed -n "s/^$2 //p")" --version "$3" --locked --ignore-rust-version --root "$1"
}

# What a build of jenkins-plugin-shim/ asks for, so that its tests need no network: Maven keeps it in a place of its own.
from_maven() {
  grep -q "<version>$3</version>" jenkins-plugin-shim/pom.xml || {
    echo "jenkins-plugin-shim/pom.xml names another version of $2 than $3"
    return 1
  }
  mvn -q -B -f jenkins-plugin-shim test -DskipTests -Dmaven.repo.local="$1/repository" || return
  mkdir "$1/bin"
  # shellcheck disable=SC2016 # the launcher expands these itself
  printf '#!/bin/sh\nexec mvn -o -q -B "-Dmaven.repo.local=$(dirname "$(dirname "$0")")/repository" "$@"\n' >"$1/bin/$2"
  chmod +x "$1/bin/$2"
}

# Keycloak, built once for a database in memory: what its start-dev does for a minute at every start.
from_archive() {
  local artifact
  artifact=$(entries archiveArtifacts | sed -n "s/^$2 //p"):$3:tar.gz
  mvn -q -B dependency:get -Dtransitive=false -Dartifact="$artifact" -Dmaven.repo.local="$1/repository" || return
  tar -xzf "$1/repository/$(echo "${artifact%%:*}" | tr . /)"/*/"$3"/*.tar.gz --strip-components 1 -C "$1" || return
  rm -r "$1/repository"
  "$1/bin/kc.sh" build --db=dev-mem --cache=local
}

missing=()
while read -r package program; do
  is_wanted "$program" || continue
  command -v "$program" >/dev/null || missing+=("$package")
done < <(entries apt)
if [ ${#missing[@]} -gt 0 ]; then
  echo "installing ${missing[*]} by apt"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi
for kind in python npm go cargo maven archive; do
  while read -r name version; do
    if is_wanted "$name"; then once "$name" "from_$kind" "$version" || exit 1; fi
  done < <(entries "$kind")
done
