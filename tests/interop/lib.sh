# Sourced by the scripts of this folder: an emulator on free ports, tokens made by openssl, and
# checks that say what was expected.
#
# The programs under test come in IOTHUB_EMULATOR_PROGRAM and IOTHUB_SERVICE_PROGRAM.  A script ends
# with 0, with 1 at the first check that fails, or with 77 when something it needs is not there; in
# CI (CI=true) that is a failure, too.
# shellcheck shell=bash
# shellcheck disable=SC2034 # the scripts use what is set here
set -euo pipefail

: "${IOTHUB_EMULATOR_PROGRAM:?}" "${IOTHUB_SERVICE_PROGRAM:?}"

readonly API="api-version=2021-04-12"
readonly HOST=127.0.0.1

skip() {
    echo "skipped: $1"
    if [[ "${CI:-}" == true ]]; then
        echo "in CI everything must be there"
        exit 1
    fi
    exit 77
}

need() {
    local program
    for program; do
        command -v "$program" > /dev/null || skip "there is no $program"
    done
}

# ---- checks -------------------------------------------------------------------------------------

check=""

# Say what the next checks are about.
about() {
    check=$1
}

fail() {
    echo "not ok - $check: $1"
    exit 1
}

# expect WHAT WANTED GOT
expect() {
    [[ "$3" == "$2" ]] || fail "$1
    wanted: $2
    got:    $3"
    echo "ok - $check: $1"
}

# expect_like WHAT REGEX GOT
expect_like() {
    [[ "$3" =~ $2 ]] || fail "$1
    wanted: $2
    got:    $3"
    echo "ok - $check: $1"
}

# ---- the emulator -------------------------------------------------------------------------------

folder=$(mktemp -d "${TMPDIR:-/tmp}/iothub-interop-XXXXXX")
emulator_pid=""
children=()

clean_up() {
    local code=$? pid
    trap - EXIT
    for pid in "${children[@]}" $emulator_pid; do
        kill -KILL "$pid" 2> /dev/null || true
    done
    wait 2> /dev/null || true
    if [[ $code -ne 0 && $code -ne 77 && -f $folder/emulator.err ]]; then
        echo "---- the emulator's log"
        tail -n 50 "$folder/emulator.err"
    fi
    rm -rf "$folder"
    exit "$code"
}
trap clean_up EXIT
trap 'exit 1' INT TERM HUP

ready() {
    jq -r ".$1" "$folder/ready.json"
}

# Start it with these options besides the usual ones, and read where everything is.
start_emulator() {
    local line
    export ASAN_OPTIONS="exitcode=99" UBSAN_OPTIONS="exitcode=99"
    mkfifo "$folder/banner"
    # Opened both ways it waits for nobody.
    exec {banner}<> "$folder/banner"
    "$IOTHUB_EMULATOR_PROGRAM" --in-memory --data-dir "$folder/data" \
        --ready-file "$folder/ready.json" --log-level debug "$@" \
        > "$folder/banner" 2> "$folder/emulator.err" &
    emulator_pid=$!
    # The banner's last line is written when every listener accepts.
    while [[ "${line:-}" != "  service "* ]]; do
        IFS= read -r -t 30 -u "$banner" line || {
            cat "$folder/emulator.err"
            check="the emulator" fail "it did not start"
        }
    done
    mqtt_port=$(ready mqttPort)
    mqtts_port=$(ready mqttsPort)
    http_port=$(ready httpPort)
    https_port=$(ready httpsPort)
    ca_file=$(ready caFile)
    owner_key=$(ready connectionString)
    owner_key=${owner_key##*SharedAccessKey=}
    export IOTHUB_READY_FILE="$folder/ready.json"
}

# It must end cleanly: with a sanitizer, that is without leaks.
stop_emulator() {
    local code=0
    kill -TERM "$emulator_pid"
    wait "$emulator_pid" || code=$?
    emulator_pid=""
    about "the emulator"
    expect "it ends with 0" 0 "$code"
}

# ---- a storage emulator -------------------------------------------------------------------------

readonly STORAGE_PORT=10000
# The account that every storage emulator has, over TLS; it needs no key here.
readonly STORAGE="UseDevelopmentStorage=true;DevelopmentStorageProxyUri=https://$HOST"

# start_azurite PACKAGES: Azurite with the emulator's certificate on its standard port, which has to
# be free: in_namespace.sh.  The Node SDK sends headers that it takes only when it is --loose.
start_azurite() {
    local line
    mkfifo "$folder/azurite"
    exec {azurite}<> "$folder/azurite"
    node "$1/node_modules/azurite/dist/src/blob/main.js" --blobHost "$HOST" \
        --blobPort "$STORAGE_PORT" --inMemoryPersistence --disableTelemetry --loose \
        --cert "$folder/data/tls/server.pem" --key "$folder/data/tls/server.key" \
        > "$folder/azurite" 2>&1 &
    children+=($!)
    while [[ "${line:-}" != *"successfully listens on https:"* ]]; do
        IFS= read -r -t 60 -u "$azurite" line || {
            check="Azurite" fail "it did not start: ${line:-}"
        }
    done
}

# ---- tokens -------------------------------------------------------------------------------------

uri() {
    jq -rn --arg text "$1" '$text | @uri'
}

# sas_token RESOURCE KEY SECONDS [POLICY]: valid for so long.
sas_token() {
    local resource expiry key_hex signature
    resource=$(uri "$1")
    expiry=$(($(date +%s) + $3))
    key_hex=$(base64 -d <<< "$2" | od -An -v -tx1 | tr -d ' \n')
    signature=$(printf '%s\n%s' "$resource" "$expiry" |
        openssl dgst -sha256 -mac HMAC -macopt "hexkey:$key_hex" -binary | base64 -w 0)
    printf 'SharedAccessSignature sr=%s&sig=%s&se=%s' "$resource" "$(uri "$signature")" "$expiry"
    [[ $# -lt 4 ]] || printf '&skn=%s' "$4"
}

# Register a device by the service app and print its key.
create_device() {
    "$IOTHUB_SERVICE_PROGRAM" device create "$1" --output json |
        jq -r .authentication.symmetricKey.primaryKey
}
