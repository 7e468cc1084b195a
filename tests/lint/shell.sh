#!/usr/bin/env bash
# Shell scripts parse, and shellcheck, where there is one, has nothing to say.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/lint/sources.sh

mapfile -d '' scripts < <(sources -name '*.sh')
scripts+=(dev .ci/run docker/*.sh)
for script in "${scripts[@]}"; do
    bash -n "$script"
done
if command -v shellcheck >/dev/null; then
    shellcheck --external-sources --severity=warning "${scripts[@]}"
else
    echo "there is no shellcheck"
fi
