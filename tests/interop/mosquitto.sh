#!/usr/bin/env bash
# mosquitto's command-line clients as devices: with and without TLS, let in and refused.
# Source: IoT Hub documentation, "Communicate with your IoT hub using the MQTT protocol".
# shellcheck disable=SC2016 # the dollars of topics and JSON members are meant as they are
# shellcheck source=tests/interop/lib.sh
. "$(dirname "$0")/lib.sh"

need mosquitto_pub mosquitto_sub mosquitto_rr jq openssl timeout
start_emulator --mqtts-port 0 --https-port 0 --mqtt-port 0 --http-port 0
device_key=$(create_device d1)
device_token=$(sas_token "$HOST/devices/d1" "$device_key" 3600)

as_device=(-h "$HOST" -V mqttv311 -i d1 -u "$HOST/d1/?$API")
tls=(-p "$mqtts_port" --cafile "$ca_file")
plain=(-p "$mqtt_port")

# What a client prints and how it ends; a client that hangs is ended with 124.
run() {
    code=0
    output=$(timeout 20 "$@" 2>&1) || code=$?
}

# ---- telemetry ----------------------------------------------------------------------------------

about "telemetry over TLS"
run mosquitto_pub "${as_device[@]}" "${tls[@]}" -P "$device_token" -q 1 \
    -t 'devices/d1/messages/events/%24.ct=application%2Fjson&kind=test' -m '{"temperature":21.5}'
expect "it is acknowledged" 0 "$code"
expect "nothing is complained of" "" "$output"

about "telemetry without TLS"
run mosquitto_pub "${as_device[@]}" "${plain[@]}" -P "$device_token" -q 1 \
    -t devices/d1/messages/events/ -m ''
expect "an empty message is acknowledged" 0 "$code"
run mosquitto_pub "${as_device[@]}" "${plain[@]}" -P "$device_token" -q 1 \
    -t devices/d1/messages/events/ --repeat 200 -m x
expect "many messages on one connection are acknowledged" 0 "$code"

about "telemetry where it does not belong"
run mosquitto_pub "${as_device[@]}" "${plain[@]}" -P "$device_token" -q 1 \
    -t devices/d2/messages/events/ -m x -d
expect_like "the connection is closed without PUBACK" "PUBLISH" "$output"
[[ "$output" != *PUBACK* ]] || fail "there was a PUBACK"
run mosquitto_pub "${as_device[@]}" "${plain[@]}" -P "$device_token" -q 2 \
    -t devices/d1/messages/events/ -m x -d
[[ "$output" != *PUBREC* ]] || fail "QoS 2 was answered"
echo "ok - $check: QoS 2 is not answered"

# ---- who is refused -----------------------------------------------------------------------------

about "refusals"
wrong_token=$(sas_token "$HOST/devices/d1" "d3JvbmdrZXl3cm9uZ2tleQ==" 3600)
expired_token=$(sas_token "$HOST/devices/d1" "$device_key" -3600)
foreign_token=$(sas_token "$HOST/devices/d2" "$device_key" 3600)
refused() {
    local what=$1 token=$2
    shift 2
    run mosquitto_pub "${as_device[@]}" "$@" -P "$token" -q 1 -t devices/d1/messages/events/ -m x
    expect "$what: CONNACK 5" 5 "$code"
    expect_like "$what: not authorised" "not authorised" "$output"
}
refused "a wrong key over TLS" "$wrong_token" "${tls[@]}"
refused "a wrong key" "$wrong_token" "${plain[@]}"
refused "an expired token" "$expired_token" "${plain[@]}"
refused "a token for another device" "$foreign_token" "${plain[@]}"
refused "no token" "" "${plain[@]}"
refused "another client id" "$device_token" "${plain[@]}" -i other
refused "another hub" "$device_token" "${plain[@]}" -u "other.example.test/d1/?$API"
run mosquitto_pub -h "$HOST" -V mqttv311 "${plain[@]}" -i nobody -u "$HOST/nobody/?$API" \
    -P "$(sas_token "$HOST/devices/nobody" "$device_key" 3600)" -t devices/nobody/messages/events/ -m x
expect "an unknown device: CONNACK 5" 5 "$code"
run mosquitto_pub "${as_device[@]}" "${plain[@]}" -V mqttv31 -P "$device_token" \
    -t devices/d1/messages/events/ -m x
expect "MQTT 3.1: CONNACK 1" 1 "$code"

about "certificates"
run mosquitto_pub "${as_device[@]}" -p "$mqtts_port" -P "$device_token" \
    --capath /etc/ssl/certs -t devices/d1/messages/events/ -m x
[[ $code -ne 0 ]] || fail "a client that does not trust the CA went on"
echo "ok - $check: a client that does not trust the CA does not go on"

# ---- policies -----------------------------------------------------------------------------------

about "a policy that speaks for devices"
run mosquitto_pub "${as_device[@]}" "${tls[@]}" -q 1 -t devices/d1/messages/events/ -m x \
    -P "$(sas_token "$HOST" "$owner_key" 3600 iothubowner)"
expect "iothubowner is let in" 0 "$code"
run mosquitto_pub "${as_device[@]}" "${tls[@]}" -q 1 -t devices/d1/messages/events/ -m x \
    -P "$(sas_token "$HOST" "$owner_key" 3600 service)"
expect "a policy without DeviceConnect is not: CONNACK 5" 5 "$code"

# ---- twins --------------------------------------------------------------------------------------

about "a twin that is asked for"
run mosquitto_rr "${as_device[@]}" "${tls[@]}" -P "$device_token" -q 1 \
    -t '$iothub/twin/GET/?$rid=1' -e '$iothub/twin/res/200/?$rid=1' -n -F '%t %p'
expect "the one answer comes on the one topic that was subscribed to" \
    '$iothub/twin/res/200/?$rid=1 {"desired":{"$version":1},"reported":{"$version":1}}' "$output"

about "a twin change and its answer"
run mosquitto_rr "${as_device[@]}" "${plain[@]}" -P "$device_token" \
    -t '$iothub/twin/PATCH/properties/reported/?$rid=a' \
    -e '$iothub/twin/res/204/?$rid=a&$version=2' -m '{"on":false}' -F '%t %p'
expect "the answer has the request's id and the new version" \
    '$iothub/twin/res/204/?$rid=a&$version=2 ' "$output"
run mosquitto_rr "${as_device[@]}" "${plain[@]}" -P "$device_token" \
    -t '$iothub/twin/PATCH/properties/reported/?$rid=b' \
    -e '$iothub/twin/res/400/?$rid=b' -m 'no JSON' -F '%p'
expect_like "a refused one is told why" '"errorCode":400' "$output"

about "reported properties"
run mosquitto_pub "${as_device[@]}" "${tls[@]}" -P "$device_token" -q 1 \
    -t '$iothub/twin/PATCH/properties/reported/?$rid=1' -m '{"on":true,"speed":1.50}'
expect "a change is acknowledged" 0 "$code"
expect "the back end sees it" '{"on":true,"speed":1.5,"$version":3}' \
    "$("$IOTHUB_SERVICE_PROGRAM" twin get d1 --output json |
        jq -c '.properties.reported | del(."$metadata")')"
run mosquitto_pub "${as_device[@]}" "${plain[@]}" -P "$device_token" -q 1 \
    -t '$iothub/twin/PATCH/properties/reported/?$rid=2' -m 'no JSON'
expect "what is not JSON is acknowledged, too" 0 "$code"
expect "and changes nothing" 3 \
    "$("$IOTHUB_SERVICE_PROGRAM" twin get d1 --output json | jq '.properties.reported."$version"')"

# ---- what the hub tells a device ----------------------------------------------------------------

# listen FILE TOPIC COUNT: as the device, until so many messages came; waits for the SUBACK.
listen() {
    local line both
    mkfifo "$1"
    # Opened both ways it waits for nobody; the end is seen when only the client has it open.
    exec {both}<> "$1"
    timeout 30 stdbuf -oL mosquitto_sub "${as_device[@]}" "${tls[@]}" -P "$device_token" -q 1 \
        -t "$2" -C "$3" -F '%t %p' -d > "$1" 2>&1 {both}>&- &
    listener=$!
    children+=("$listener")
    exec {debug}< "$1" {both}>&-
    while IFS= read -r -t 20 -u "$debug" line; do
        [[ "$line" != *"received SUBACK"* ]] || return 0
    done
    fail "no SUBACK"
}

# The messages themselves, without mosquitto's own lines.
heard() {
    grep -v '^Client \|^Subscribed ' <&"$debug" || true
}

about "desired change"
listen "$folder/desired" '$iothub/twin/PATCH/properties/desired/#' 2
"$IOTHUB_SERVICE_PROGRAM" twin update d1 --desired '{"floor":3,"speed":1.50}' > /dev/null
"$IOTHUB_SERVICE_PROGRAM" twin update d1 --tags '{"place":"here"}' > /dev/null
"$IOTHUB_SERVICE_PROGRAM" twin update d1 --desired '{"floor":null}' > /dev/null
expect "the device hears of each change of desired properties, and of nothing else" \
    '$iothub/twin/PATCH/properties/desired/?$version=2 {"floor":3,"speed":1.5,"$version":2}
$iothub/twin/PATCH/properties/desired/?$version=3 {"floor":null,"$version":3}' "$(heard)"
wait "$listener"

about "direct method"
listen "$folder/method" '$iothub/methods/POST/#' 1
"$IOTHUB_SERVICE_PROGRAM" method invoke d1 lockDoor --payload '{"lockTime":"10m"}' \
    --response-timeout 5 > "$folder/call" 2>&1 &
call=$!
children+=("$call")
expect_like "the device is called on its topic with the payload" \
    '^\$iothub/methods/POST/lockDoor/\?\$rid=[0-9a-f]+ \{"lockTime":"10m"\}$' "$(heard)"
wait "$listener"
code=0
wait "$call" || code=$?
expect "a device that only listens leaves the caller without answer" 1 "$code"
expect_like "which is told so" '^iothub-service: (GatewayTimeout|DeviceNotOnline): ' \
    "$(< "$folder/call")"

about "takeover"
listen "$folder/first" devices/d1/messages/devicebound/# 1
run mosquitto_pub "${as_device[@]}" "${plain[@]}" -P "$device_token" -q 1 \
    -t devices/d1/messages/events/ -m x
expect "the second connection is let in" 0 "$code"
expect_like "the first is closed" 'connection was lost|sending CONNECT' \
    "$(timeout 20 grep -m 1 'connection was lost\|sending CONNECT' <&"$debug")"
kill "$listener" 2> /dev/null || true

about "a module"
module_key=$("$IOTHUB_SERVICE_PROGRAM" module create d1 m1 --output json |
    jq -r .authentication.symmetricKey.primaryKey)
run mosquitto_pub -h "$HOST" -V mqttv311 "${tls[@]}" -i d1/m1 -u "$HOST/d1/m1/?$API" \
    -P "$(sas_token "$HOST/devices/d1/modules/m1" "$module_key" 3600)" -q 1 \
    -t devices/d1/modules/m1/messages/events/ -m x
expect "its telemetry is acknowledged" 0 "$code"

about "a will"
run mosquitto_pub "${as_device[@]}" "${plain[@]}" -P "$device_token" -q 1 \
    --will-topic devices/d1/messages/events/ --will-payload gone \
    -t devices/d1/messages/events/ -m x
expect "a client with a will is let in" 0 "$code"

stop_emulator
