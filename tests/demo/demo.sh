#!/usr/bin/env bash
# The tutorial "Schedule and broadcast jobs" on one screen: a hub, a device and a back end, each
# with its name before its lines.  Exit code 0 means that all of it happened.
#
#   demo.sh FOLDER    the folder that holds the three programs
set -euo pipefail

bin=$(cd "${1:?"usage: demo.sh FOLDER"}" && pwd)
work=$(mktemp -d)
pids=()

# Settings of the caller's own must not lead elsewhere.
unset "${!IOTHUB_@}"
export IOTHUB_READY_FILE=$work/ready.json

say() {
    printf '%-8s| %s\n' demo "$*"
}

# NAME COMMAND…: run it in the background; its lines are kept in NAME.log, too.
start() {
    local name=$1 prefix
    shift
    printf -v prefix '%-8s| ' "$name"
    mkfifo "$work/$name.pipe"
    tee "$work/$name.log" <"$work/$name.pipe" | sed -u "s/^/$prefix/" &
    "$@" >"$work/$name.pipe" 2>&1 &
    pids+=($!)
}

# End what runs, in the opposite order, and wait for the last lines.
stop() {
    local i
    for ((i = ${#pids[@]} - 1; i >= 0; i--)); do
        kill "${pids[i]}" 2>/dev/null || continue
        wait "${pids[i]}" || true
    done
    wait
    pids=()
}

finish() {
    trap - EXIT
    trap '' INT TERM HUP
    stop
    rm -rf "$work"
    exit "$1"
}
trap 'finish $?' EXIT
trap 'finish 130' INT
trap 'finish 143' TERM HUP

# PID COMMAND…: wait until it succeeds; not longer than ten seconds or than the process lives.
await() {
    local pid=$1 i
    shift
    for ((i = 0; i < 100; i++)); do
        "$@" 2>/dev/null && return
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.1
    done
    "$@" 2>/dev/null
}

give_up() {
    stop
    say "did not happen: $*"
    finish 1
}

say "iothub-emulator, in memory and on free ports"
start hub "$bin/iothub-emulator" run --in-memory --data-dir "$work/data" \
    --ready-file "$IOTHUB_READY_FILE" --mqtt-port 0 --mqtts-port 0 --http-port 0 --https-port 0 \
    --max-connections 100
hub=${pids[-1]}
await "$hub" test -e "$IOTHUB_READY_FILE" || give_up "the hub was not ready"

say "iothub-service device create myDeviceId"
"$bin/iothub-service" device create myDeviceId >"$work/created" 2>&1 ||
    give_up "the device was not created: $(cat "$work/created")"
connection_string=$("$bin/iothub-service" device connection-string myDeviceId)

say "iothub-device run"
start device env IOTHUB_DEVICE_CONNECTION_STRING="$connection_string" \
    "$bin/iothub-device" run --wait 10
device=${pids[-1]}
await "$device" grep -q 'waiting for commands' "$work/device.log" ||
    give_up "the device did not connect"

options=(--device-id myDeviceId --method-wait 4 --twin-wait 2 --poll-every 1)
say "iothub-service schedule-jobs ${options[*]}"
start service timeout 40 "$bin/iothub-service" schedule-jobs "${options[@]}"
code=0
wait "${pids[-1]}" || code=$?

# What the device was told may still be on its way to the screen.
await "$device" grep -qx 'Locking Door!' "$work/device.log" || true
await "$device" grep -q '^{"building"' "$work/device.log" || true
stop

# FILE REGEX SENTENCE: what should stand in a log, and what to say if it does not.
n_missing=0
expect() {
    if ! grep -qxE "$2" "$work/$1.log"; then
        say "did not happen: $3"
        n_missing=$((n_missing + 1))
    fi
}
expect device 'Locking Door!' "the device locking its door"
expect device '\{"building":43,"floor":3,"[$]version":[0-9]+\}' \
    "the device receiving the desired properties"
expect service 'Direct method lockDoor, job [^ ]+: completed' "the method job completing"
expect service 'Device twin update, job [^ ]+: completed' "the twin job completing"
if [ "$code" != 0 ]; then
    say "iothub-service schedule-jobs ended with code $code"
    n_missing=$((n_missing + 1))
fi
[ "$n_missing" = 0 ] || finish 1
say "the device locked its door and received its desired properties; both jobs completed"
finish 0
