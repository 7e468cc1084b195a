#!/usr/bin/env bash
# The layout of C files is what clang-format 14 makes of them; other versions differ.
#
#   format.sh          complain about files that are laid out otherwise; 77 without clang-format 14
#   format.sh --fix    lay them out
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/lint/sources.sh

program=clang-format-14
command -v "$program" >/dev/null || program=clang-format
if ! "$program" --version 2>/dev/null | grep -q 'version 14\.'; then
    echo "there is no clang-format of version 14"
    exit 77
fi
if [ "${1:-}" = --fix ]; then
    sources | xargs -0 "$program" -i
else
    sources | xargs -0 "$program" --dry-run -Werror
fi
