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
install() {
    npm ci --ignore-scripts --no-progress "$@" > npm.log 2>&1
}

# First from npm's cache, which needs no network; then with one request to see whether there is one.
if ! install --offline; then
    npm view mqtt name --fetch-retries=0 > npm.log 2>&1 || {
        cat npm.log
        skip "the packages are not in npm's cache, and there is no registry to fetch them from"
    }
    install --prefer-offline || {
        cat npm.log
        exit 1
    }
fi
printf '%s' "$wanted" > "$stamp"
