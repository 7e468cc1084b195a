#!/usr/bin/env bash
# node.sh TARGET FOLDER: the tests of FOLDER with the packages in TARGET/node_modules, in a network of
# their own (see in_namespace.sh), where the emulator and Azurite listen on the standard ports.
# shellcheck source=tests/interop/lib.sh
. "$(dirname "$0")/lib.sh"

target=$1
suite=$2
need node jq openssl
[[ -f $target/node_modules/.installed ]] || skip "the packages are not installed"
major=$(node --print 'process.versions.node.split(".")[0]')
[[ $major -ge 20 ]] || skip "node $major is older than 20"

# The devices' CA; their certificates are made by node/certificates.js.
mkdir "$folder/device-ca"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=devices" \
    -days 2 -keyout "$folder/device-ca/key.pem" -out "$folder/device-ca/cert.pem" 2> /dev/null

# On the standard ports.
export IOTHUB_EMULATOR_STORAGE_CONNECTION_STRING=$STORAGE
start_emulator --device-ca "$folder/device-ca/cert.pem" --token-grace-seconds 2
start_azurite "$target"
about "standard ports"
expect "MQTT over TLS, HTTPS" "8883 443" "$mqtts_port $https_port"

code=0
IOTHUB_CONNECTION_STRING=$(ready connectionString) NODE_EXTRA_CA_CERTS=$ca_file \
    IOTHUB_DEVICE_CA_FOLDER=$folder/device-ca NODE_PATH=$target/node_modules NODE_NO_WARNINGS=1 \
    node --test "$(dirname "$0")/$suite"/*.test.js || code=$?
stop_emulator
exit "$code"
