#!/usr/bin/env bash
# The tutorial with each program under valgrind's memcheck: no error and nothing lost for good.
# Of the release build, for sanitizers look at the others.
#
#   valgrind.sh FOLDER    the folder that holds the three programs; 77 without valgrind
set -euo pipefail

bin=$(cd "${1:?"usage: valgrind.sh FOLDER"}" && pwd)
if ! command -v valgrind >/dev/null; then
    echo "there is no valgrind"
    exit 77
fi
work=$(mktemp -d)
unset "${!IOTHUB_@}"
export IOTHUB_READY_FILE=$work/ready.json
pids=()

finish() {
    local code=$?
    trap - EXIT
    [ ${#pids[@]} -eq 0 ] || kill "${pids[@]}" 2>/dev/null || true
    wait || true
    [ "$code" = 0 ] || tail -n 60 "$work"/*.log
    rm -rf "$work"
    exit "$code"
}
trap finish EXIT

# NAME PROGRAM ARGUMENT…: what it writes, valgrind's findings included, is in NAME.log.
checked() {
    local log=$work/$1.log
    shift
    valgrind --quiet --leak-check=full --show-leak-kinds=definite \
        --errors-for-leak-kinds=definite --error-exitcode=99 "$bin/$1" "${@:2}" >"$log" 2>&1
}

# NAME TEXT PID: wait until it has been written; not longer than the process lives.
await() {
    until grep -qs "$2" "$work/$1.log"; do
        kill -0 "$3"
        sleep 0.1
    done
}

checked hub iothub-emulator --data-dir "$work/data" --ready-file "$IOTHUB_READY_FILE" \
    --mqtts-port 0 --https-port 0 --mqtt-port 0 --http-port 0 &
pids+=($!)
await hub '  service  ' "${pids[0]}"
checked create iothub-service device create door-1
checked string iothub-service device connection-string door-1
checked device iothub-device run --connection-string "$(cat "$work/string.log")" \
    --exit-after-methods 1 --exit-after-patches 1 &
pids+=($!)
await device 'press Ctrl-C to exit' "${pids[1]}"
checked jobs iothub-service schedule-jobs --device-id door-1 --method-wait 0.5 --twin-wait 0 \
    --poll-every 0.2
grep -q 'lockDoor called successfully' "$work/jobs.log"
wait "${pids[1]}"
checked events iothub-service monitor-events --from-start --for 0.2
kill -INT "$(sed -n 's/.*"pid": *\([0-9]*\).*/\1/p' "$IOTHUB_READY_FILE")"
wait "${pids[0]}"
pids=()
