#!/usr/bin/env bash
# Let libFuzzer at one target for FUZZ_SECONDS.
#
#   run.sh PROGRAM CORPUS FOLDER MAX_LEN    CORPUS is the tree's; what is new is kept in FOLDER
#
# With FUZZ_SEED the inputs are the same in every run that begins with the same corpora.
# What failed before is tried again first.
set -euo pipefail
program=$1 corpus=$2 folder=$3 max_len=$4
seconds=${FUZZ_SECONDS:-30}
mkdir -p "$folder/found" "$folder/failed"

options=(-max_total_time="$seconds" -max_len="$max_len" -timeout=25 -rss_limit_mb=2048
    -artifact_prefix="$folder/failed/")
[ -z "${FUZZ_SEED:-}" ] || options+=(-seed="$FUZZ_SEED")
dictionary=$(dirname "$0")/$(basename "$corpus").dict
[ ! -f "$dictionary" ] || options+=(-dict="$dictionary")

# A check of the fixtures that fails is a finding too, and its stack is wanted.  Hubs allocate much:
# smaller stacks and less of what is freed kept aside make them faster by a quarter.
export CMOCKA_TEST_ABORT=1 ASAN_OPTIONS=${ASAN_OPTIONS-quarantine_size_mb=4:max_malloc_fill_size=0:malloc_context_size=8}
before=$(mktemp)
trap 'rm -f "$before"' EXIT
if "$program" "${options[@]}" "$folder/found" "$corpus" "$folder/failed" >"$folder/log" 2>&1; then
    exit 0
fi
tail -n 60 "$folder/log" >&2
find "$folder/failed" -type f -newer "$before" -printf "to repeat it: $program %p\n" >&2
exit 1
