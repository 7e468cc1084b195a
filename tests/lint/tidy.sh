#!/usr/bin/env bash
# clang-tidy over every file that the build knows, several at once; .clang-tidy has the checks.
#
#   tidy.sh BUILD          the checks that need no more than the text: seconds
#   tidy.sh BUILD --deep   also clang's analyzer, which follows paths: minutes at first; files
#                          that were clean are looked at again once they or a header change
#
# 77 without clang-tidy 14, whose findings are others than those of its successors.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/lint/sources.sh

build=$1
deep=${2:-}
program=clang-tidy-14
command -v "$program" >/dev/null || program=clang-tidy
if ! "$program" --version 2>/dev/null | grep -q 'version 14\.'; then
    echo "there is no clang-tidy of version 14"
    exit 77
fi

# Only what the build knows can be parsed; what it made itself is nobody's.
known() {
    sources -name '*.c' | while IFS= read -rd '' file; do
        grep -qF "$PWD/$file\"" "$build/compile_commands.json" && printf '%s\0' "$file"
    done
}

# The build is gcc's as well as clang's: options of the other are no mistake.
tidy=("$program" -p "$build" --quiet --extra-arg=-Wno-unknown-warning-option)
if [ "$deep" != --deep ]; then
    # clang counts the warnings that it does not show.
    known | xargs -0 -r -n 8 -P "$(nproc)" "${tidy[@]}" '--checks=-clang-analyzer-*' 2>/dev/null
    exit
fi

# A file is known to be clean by its own text, that of all headers, and the checks.
clean=$build/tidy
mkdir -p "$clean"
common=$({ cat .clang-tidy && sources -name '*.h' | xargs -0 cat; } | sha256sum)
look() {
    local file=$1 mark
    mark=$clean/$({ echo "$common" "$file" && cat "$file"; } | sha256sum | cut -d ' ' -f 1)
    [ -e "$mark" ] && return
    "${tidy[@]}" "$file" 2>/dev/null && : >"$mark"
}
# shellcheck disable=SC2317 # called by xargs
one() {
    eval "$TIDY_STATE"
    look "$1"
}
TIDY_STATE=$(declare -p clean common tidy)
export TIDY_STATE
export -f look one
# shellcheck disable=SC2016 # that is for the shell it starts
known | xargs -0 -r -n 1 -P "$(nproc)" bash -c 'one "$1"' tidy
