#!/usr/bin/env bash
# cppcheck over every file that the build knows: cppcheck.sh BUILD; 77 without cppcheck.
# What was found is kept in the build folder, so that only changed files are looked at again.
set -euo pipefail
cd "$(dirname "$0")/../.."

build=$1
if ! command -v cppcheck >/dev/null; then
    echo "there is no cppcheck"
    exit 77
fi
mkdir -p "$build/cppcheck"
# ctunullpointer: across files it does not see that a check of a fuzz target ends the process.
exec cppcheck --quiet --error-exitcode=1 -j "$(nproc)" --project="$build/compile_commands.json" \
    --cppcheck-build-dir="$build/cppcheck" -i "$build" --inline-suppr \
    --enable=warning,performance,portability --suppress=ctunullpointer --template='{file}:{line}: {message} [{id}]'
