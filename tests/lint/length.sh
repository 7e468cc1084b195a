#!/usr/bin/env bash
# C files past 1000 lines are two modules; past 600 it is time to look.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/lint/sources.sh

sources | xargs -0 awk '
    FNR == 600 { print FILENAME " has more than 600 lines" }
    FNR == 1001 { print FILENAME " has more than 1000 lines: split it"; n_bad++ }
    END { exit n_bad > 0 }'
