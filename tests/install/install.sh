#!/usr/bin/env bash
# Install a build aside, and look at what is there.
#
#   install.sh BUILD_FOLDER
set -euo pipefail

build=${1:?"usage: install.sh BUILD_FOLDER"}
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

DESTDIR=$root cmake --install "$build" >/dev/null

# PATTERN: exactly one installed file has a path that ends so.
find_one() {
    local found
    mapfile -t found < <(find "$root" -path "*$1")
    if [ ${#found[@]} != 1 ]; then
        echo "there are ${#found[@]} files $1, not one" >&2
        exit 1
    fi
    echo "${found[0]}"
}

for program in iothub-emulator iothub-device iothub-service; do
    path=$(find_one "/bin/$program")
    "$path" --version
    manual=$(find_one "/man/man1/$program.1")
    grep -q '^\.SH NAME' "$manual"
done
schema=$(find_one /share/iothub-emulator/config.schema.json)
[ -s "$schema" ]
