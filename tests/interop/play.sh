#!/usr/bin/env bash
# play.sh PEER...: a program that others' library makes a device, through all that a device does.
#
# PEER is run with HOST PORT CA_FILE DEVICE_ID PASSWORD behind its own arguments.  Over TLS it
# connects, subscribes to messages, methods, twin answers and desired properties with QoS 1, says
# "subscribed", sends one message, asks for its twin and reports {"colour":"blue"}.  It prints each
# message it gets as "TOPIC PAYLOAD", answers methods with status 299 and the payload they came
# with, and leaves when a cloud-to-device message has come.  It ends with 77 where its library is
# not installed.
# Source: IoT Hub documentation, "Communicate with your IoT hub using the MQTT protocol".
# shellcheck disable=SC2016 # the dollars of topics are meant as they are
# shellcheck source=tests/interop/lib.sh
. "$(dirname "$0")/lib.sh"

need jq openssl curl
start_emulator --mqtts-port 0 --https-port 0 --mqtt-port 0 --http-port 0
device_token=$(sas_token "$HOST/devices/d1" "$(create_device d1)" 3600)
owner_token=$(sas_token "$HOST" "$owner_key" 3600 iothubowner)

service() {
    "$IOTHUB_SERVICE_PROGRAM" "$@" --output json
}

about "$(basename "${!#}")"
mkfifo "$folder/said"
# Opened both ways it waits for nobody; the end is seen when only the peer has it open.
exec {both}<> "$folder/said"
timeout 60 "$@" "$HOST" "$mqtts_port" "$ca_file" d1 "$device_token" \
    > "$folder/said" 2> "$folder/peer.err" {both}>&- &
peer=$!
children+=("$peer")
exec {said}< "$folder/said" {both}>&-

# The next line of the peer.
line=""
hear() {
    local code=0
    IFS= read -r -t 30 -u "$said" line && return 0
    wait "$peer" || code=$?
    [[ $code -ne 77 ]] || skip "$(< "$folder/peer.err")"
    fail "it ended with $code: $(< "$folder/peer.err")"
}

hear
expect "it subscribes" subscribed "$line"

hear
expect "its twin is as new" \
    '$iothub/twin/res/200/?$rid=1 {"desired":{"$version":1},"reported":{"$version":1}}' "$line"
hear
expect "its report is taken" '$iothub/twin/res/204/?$rid=2&$version=2 ' "$line"
expect "the back end sees the report" blue \
    "$(service twin get d1 | jq -r .properties.reported.colour)"

events=$(curl -sS --fail -H "authorization: $owner_token" \
    "http://$HOST:$http_port/_emulator/events?after=0&wait=20&$API")
expect "its message has its properties" \
    '["d1","{\"temperature\":21.5}",{"alert":"true","place":"a b/c&d"},"application/json","utf-8","m 1"]' \
    "$(jq -c '.[0] | [.deviceId, .body, .properties, .systemProperties.contentType,
        .systemProperties.contentEncoding, .systemProperties.messageId]' <<< "$events")"
expect "it came once" 1 "$(jq length <<< "$events")"

service twin update d1 --desired '{"floor":3}' > /dev/null
hear
expect "it hears of desired properties" \
    '$iothub/twin/PATCH/properties/desired/?$version=2 {"floor":3,"$version":2}' "$line"

answer=$(service method invoke d1 lockDoor --payload '{"lockTime":"10m"}')
hear
expect_like "it is called" \
    '^\$iothub/methods/POST/lockDoor/\?\$rid=[0-9a-f]+ \{"lockTime":"10m"\}$' "$line"
expect "its answer comes back" '{"status":299,"payload":{"lockTime":"10m"}}' \
    "$(jq -c . <<< "$answer")"

service c2d send d1 --data 'come home' --message-id m1 --property colour=red > /dev/null
hear
expect_like "it gets a message with its properties" \
    '^devices/d1/messages/devicebound/.*%24\.mid=m1.* come home$' "$line"
expect_like "also with those of the application" '&colour=red' "$line"
code=0
wait "$peer" || code=$?
expect "it leaves" 0 "$code"

stop_emulator
