#!/bin/sh
# That everything can be measured, with few devices; what comes out is of no interest.
#
#     smoke.sh BENCH_COMPARE EMULATOR
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$1" --quick "$2" "$work" "$work/report.json" all
grep -q '"verdict": "' "$work/report.json"
