#!/usr/bin/env bash
# in_namespace.sh COMMAND [ARGUMENT...]: run it in a network of its own, with nothing in it but
# loopback: there the ports that SDKs have built in are free, whatever runs on this machine.
# Ends with 77 where that is not permitted.
set -euo pipefail

skip() {
    echo "skipped: $1"
    if [[ "${CI:-}" == true ]]; then
        echo "in CI everything must be there"
        exit 1
    fi
    exit 77
}

command -v unshare > /dev/null || skip "there is no unshare"
command -v ip > /dev/null || skip "there is no ip"
new_network=(unshare --net)
if [[ $(id -u) -ne 0 ]]; then
    new_network=(unshare --user --map-root-user --net)
fi
"${new_network[@]}" ip link set lo up 2> /dev/null || skip "a network namespace is not permitted"
# shellcheck disable=SC2016 # for the inner shell
exec "${new_network[@]}" bash -c 'ip link set lo up && exec "$@"' bash "$@"
