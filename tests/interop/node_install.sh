#!/usr/bin/env bash
# node_install.sh SOURCE TARGET: install the packages that SOURCE/package-lock.json pins into
# TARGET/node_modules, unless they are there already.
# Ends with 77 when there is no npm, or no network to fetch them from.
set -euo pipefail

source=$1
target=$2

skip() {
    echo "skipped: $1"
    if [[ "${CI:-}" == true ]]; then
        echo "in CI everything must be there"
        exit 1
    fi
    exit 77
}

command -v node > /dev/null || skip "there is no node"
command -v npm > /dev/null || skip "there is no npm"
wanted=$(cat "$source/package.json" "$source/package-lock.json" | sha256sum | cut -d ' ' -f 1)
stamp=$target/node_modules/.installed
if [[ -f $stamp && $(< "$stamp") == "$wanted" ]]; then
    echo "the packages are there already"
    exit 0
fi

mkdir -p "$target"
cp "$source/package.json" "$source/package-lock.json" "$source/.npmrc" "$target/"
cd "$target"
# The lock file's hashes decide what is taken; no package's own scripts are run.
if ! npm ci --ignore-scripts --prefer-offline --no-progress --fetch-retries=2 > npm.log 2>&1; then
    cat npm.log
    if grep -Eq 'ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ERR_SOCKET_TIMEOUT' npm.log; then
        skip "the packages cannot be fetched"
    fi
    exit 1
fi
printf '%s' "$wanted" > "$stamp"
