#!/usr/bin/env bash
# curl as the back end: identities, twins, queries, methods and jobs by HTTPS, and how errors look.
# Source: IoT Hub REST reference, api-version 2021-04-12.
# shellcheck disable=SC2016 # the dollars of JSON members are meant as they are
# shellcheck source=tests/interop/lib.sh
. "$(dirname "$0")/lib.sh"

need curl jq openssl
start_emulator --mqtts-port 0 --https-port 0 --mqtt-port 0 --http-port 0
token=$(sas_token "$HOST" "$owner_key" 3600 iothubowner)
base=https://$HOST:$https_port

# request METHOD PATH [CURL_OPTION...]: sets status, body and headers (names in lower case).
request() {
    local method=$1 path=$2
    shift 2
    [[ "$path" == *\?* ]] || path="$path?$API"
    status=$(curl --silent --show-error --max-time 60 --cacert "$ca_file" --request "$method" \
        --header "Authorization: $token" --header 'Content-Type: application/json; charset=utf-8' \
        --dump-header "$folder/headers" --output "$folder/body" --write-out '%{http_code}' "$@" \
        "$base$path") || fail "curl ended with $?"
    body=$(cat "$folder/body" 2> /dev/null || true)
    rm -f "$folder/body"
}

# A header of the last answer; names are compared without case, as everybody may.
header() {
    sed -n "s/^$1: *//Ip" "$folder/headers" | tr -d '\r'
}

# in_body FILTER: what jq makes of the last body.
in_body() {
    jq -c "$1" <<< "$body"
}

# expect_error STATUS NAME [TEXT]: the envelope that all SDKs read.
expect_error() {
    expect "status" "$1" "$status"
    expect "iothub-errorcode" "$2" "$(header iothub-errorcode)"
    expect_like "Message" "^ErrorCode:$2;${3:-}" "$(jq -r .Message <<< "$body")"
    expect_like "ExceptionMessage" '^Tracking ID:[0-9A-Fa-f]{32}(-G:[0-9]+)?-TimeStamp:[0-9/]{10} [0-9:]{8}$' \
        "$(jq -r .ExceptionMessage <<< "$body")"
    expect_like "Content-Type" '^application/json' "$(header content-type)"
}

# ---- identities ---------------------------------------------------------------------------------

about "create a device"
request PUT /devices/d1 --data '{"deviceId":"d1"}'
expect "status" 200 "$status"
expect_like "Content-Type" '^application/json' "$(header content-type)"
expect "id, status, state" '["d1","enabled","Disconnected","sas"]' \
    "$(in_body '[.deviceId, .status, .connectionState, .authentication.type]')"
expect_like "keys of 32 bytes" '^"[A-Za-z0-9+/]{43}="$' \
    "$(in_body .authentication.symmetricKey.primaryKey)"
expect "the ETag is the body's in quotes" "\"$(jq -r .etag <<< "$body")\"" "$(header etag)"
created=$body

about "create it again"
request PUT /devices/d1 --data '{"deviceId":"d1"}'
expect_error 409 DeviceAlreadyExists "A device with ID 'd1' is already registered"

about "get a device"
request GET /devices/d1
expect "status" 200 "$status"
expect "what creating answered" "$(jq -cS . <<< "$created")" "$(in_body . | jq -cS .)"
request GET /devices/nobody
expect_error 404 DeviceNotFound nobody

about "change a device"
request PUT /devices/d1 --header 'If-Match: "bm90IGl0"' --data '{"deviceId":"d1"}'
expect_error 412 PreconditionFailed
request PUT /devices/d1 --header 'If-Match: *' --data "$(jq '.statusReason = "why"' <<< "$created")"
expect "status" 200 "$status"
expect "reason and kept keys" "[\"why\",$(jq .authentication.symmetricKey.primaryKey <<< "$created")]" \
    "$(in_body '[.statusReason, .authentication.symmetricKey.primaryKey]')"

about "list devices"
for i in 2 3 4 5; do
    request PUT "/devices/d$i" --data "{\"deviceId\":\"d$i\"}"
done
request GET "/devices/?top=3&$API"
expect "a slash before the query does no harm" '["d1","d2","d3"]' "$(in_body '[.[].deviceId]')"

about "an id with characters of all kinds"
request PUT '/devices/a%23%3F%25%24%27%28%3D%40%3B' --data '{}'
expect "status" 200 "$status"
expect "id" "\"a#?%\$'(=@;\"" "$(in_body .deviceId)"
request DELETE '/devices/a%23%3F%25%24%27%28%3D%40%3B' --header 'If-Match: *'
expect "it is deleted" 204 "$status"
expect "without a body" "" "$body"

about "modules"
request PUT /devices/d1/modules/m1 --data '{"moduleId":"m1","deviceId":"d1","managedBy":"me"}'
expect "status" 200 "$status"
request GET /devices/d1/modules
expect "list" '[["m1","me"]]' "$(in_body '[.[] | [.moduleId, .managedBy]]')"

# ---- twins --------------------------------------------------------------------------------------

about "twin"
request GET /twins/d1
expect "status" 200 "$status"
etag=$(jq -r .etag <<< "$body")
expect "its etag is in the body only" "AAAAAAAAAAE=" "$etag$(header etag)"

about "change a twin under its etag"
request PATCH /twins/d1 --header "If-Match: \"$etag\"" \
    --data '{"tags":{"floor":3},"properties":{"desired":{"speed":1.5,"n":12345678901}}}'
expect "status" 200 "$status"
expect "tags and desired properties" '[{"floor":3},1.5,12345678901,2]' \
    "$(in_body '[.tags, .properties.desired.speed, .properties.desired.n,
                 .properties.desired."$version"]')"
request PATCH /twins/d1 --header "If-Match: \"$etag\"" --data '{"tags":{"floor":4}}'
expect_error 412 PreconditionFailed
request PATCH /twins/d1 --header 'If-Match: *' --data '{"tags":{"floor":null}}'
expect "null removes" '{}' "$(in_body '.tags // {}')"

about "replace a twin"
request PUT /twins/d1 --header 'If-Match: *' \
    --data '{"tags":{"a":1},"properties":{"desired":{"only":true}}}'
expect "what is not given is gone" '[{"a":1},["$metadata","$version","only"]]' \
    "$(in_body '[.tags, (.properties.desired | keys)]')"

about "a twin that is not allowed"
request PATCH /twins/d1 --data '{"properties":{"desired":{"a.b":1}}}'
expect "status" 400 "$status"
request PATCH /twins/d1 --data 'no JSON'
expect "status" 400 "$status"
request GET /twins/nobody
expect_error 404 DeviceNotFound

# ---- queries ------------------------------------------------------------------------------------

about "query in pages"
query='{"query":"SELECT deviceId FROM devices"}'
request POST /devices/query --header 'x-ms-max-item-count: 2' --data "$query"
expect "status" 200 "$status"
expect "item type" Raw "$(header x-ms-item-type)"
expect "first page" '["d1","d2"]' "$(in_body '[.[].deviceId]')"
pages=1
while next=$(header x-ms-continuation) && [[ -n "$next" ]]; do
    request POST /devices/query --header 'x-ms-max-item-count: 2' \
        --header "x-ms-continuation: $next" --data "$query"
    pages=$((pages + 1))
done
expect "last page" '["d5"]' "$(in_body '[.[].deviceId]')"
expect "pages" 3 "$pages"
expect "header names are in lower case, as the Java SDK wants them" 1 \
    "$(grep -c '^x-ms-item-type: ' "$folder/headers")"
request POST /devices/query --data '{"query":"SELECT * FROM devices WHERE tags.a = 1"}'
expect "twins" '["Twin",["d1"]]' \
    "$(jq -c --arg type "$(header x-ms-item-type)" '[$type, [.[].deviceId]]' <<< "$body")"
expect "no further page, no header" "" "$(header x-ms-continuation)"

about "a query that is none"
request POST /devices/query --data '{"query":"SELECT * FROM"}'
expect_error 400 ArgumentInvalid 'SQL query parse failed'
request POST /devices/query --data '{}'
expect_error 400 ArgumentNull
request POST /devices/query --header 'x-ms-continuation: nonsense' --data "$query"
expect "a token that is none: status" 400 "$status"

# ---- methods ------------------------------------------------------------------------------------

about "a method of a device that is offline"
request POST /twins/d1/methods --data '{"methodName":"lockDoor","payload":{"lockTime":"10m"}}'
expect "status" 404 "$status"
expect "iothub-errorcode" DeviceNotOnline "$(header iothub-errorcode)"
expect "the number is in the message" 404103 "$(jq -r '.Message | fromjson | .errorCode' <<< "$body")"

about "a method with a time-out that is not allowed"
request POST /twins/d1/methods --data '{"methodName":"lockDoor","responseTimeoutInSeconds":1000}'
expect "status" 400 "$status"

# ---- jobs ---------------------------------------------------------------------------------------

about "a twin job"
request PUT /jobs/v2/job-1 --data '{"jobId":"job-1","type":"scheduleUpdateTwin",
    "updateTwin":{"etag":"*","properties":{"desired":{"building":43,"floor":3}}},
    "queryCondition":"deviceId IN ['"'d1','d2'"']","startTime":null,"maxExecutionTimeInSeconds":60}'
expect "status" 200 "$status"
expect "answer" '{"jobId":"job-1","type":"scheduleUpdateTwin","status":"queued"}' "$(in_body .)"
deadline=$((SECONDS + 30))
until request GET /jobs/v2/job-1 && [[ $(in_body .status) == '"completed"' ]]; do
    ((SECONDS < deadline)) || fail "it is not completed: $body"
done
expect "statistics" '{"deviceCount":2,"failedCount":0,"succeededCount":2,"runningCount":0,"pendingCount":0}' \
    "$(in_body .deviceJobStatistics)"
expect "members that are not set are not there" '[]' \
    "$(in_body '[to_entries[] | select(.value == null) | .key]')"
request GET /twins/d2
expect "the twin is changed" '[43,3]' \
    "$(in_body '[.properties.desired.building, .properties.desired.floor]')"
request POST /devices/query \
    --data '{"query":"SELECT * FROM devices.jobs WHERE devices.jobs.jobId = '"'job-1'"'"}'
expect "rows" '["DeviceJob",[["d1","completed"],["d2","completed"]]]' \
    "$(jq -c --arg type "$(header x-ms-item-type)" \
        '[$type, ([.[] | [.deviceId, .status]] | sort)]' <<< "$body")"

about "job errors"
request PUT /jobs/v2/job-1 --data '{"jobId":"job-1","type":"scheduleUpdateTwin",
    "updateTwin":{"etag":"*","tags":{"x":1}},"queryCondition":"*"}'
expect_error 409 JobAlreadyExists
request GET /jobs/v2/nothing
expect "an unknown job is answered as the hub does" '{"jobId":"nothing","type":"unknown","status":"unknown"}' \
    "$(in_body .)"
request POST /jobs/v2/nothing/cancel
expect_error 404 JobNotFound
request POST /jobs/v2/job-1/cancel
expect_error 405 OperationNotAllowedInCurrentState

about "a job that is cancelled"
later=$(date -u -d '+1 hour' +%FT%TZ)
request PUT /jobs/v2/job-2 --data '{"jobId":"job-2","type":"scheduleDeviceMethod",
    "cloudToDeviceMethod":{"methodName":"lockDoor","payload":null},
    "queryCondition":"*","startTime":"'"$later"'"}'
expect "status" 200 "$status"
request POST /jobs/v2/job-2/cancel
expect "it is cancelled" '[200,"cancelled"]' "[$status,$(in_body .status)]"
request GET "/jobs/v2/query?jobType=scheduleDeviceMethod&jobStatus=cancelled&$API"
expect "it is in the list" '["job-2"]' "$(in_body '[.[].jobId]')"

# ---- what comes before all that -----------------------------------------------------------------

about "no api-version"
request GET '/devices/d1?x=1'
expect_error 400 InvalidProtocolVersion
about "no token"
token="" request GET /devices/d1
expect "status" 401 "$status"
about "a wrong key"
token=$(sas_token "$HOST" "d3JvbmdrZXl3cm9uZ2tleQ==" 3600 iothubowner) request GET /devices/d1
expect_error 401 IotHubUnauthorizedAccess Unauthorized
about "an expired token"
token=$(sas_token "$HOST" "$owner_key" -3600 iothubowner) request GET /devices/d1
expect "status" 401 "$status"
about "a policy without the right"
token=$(sas_token "$HOST" "$owner_key" 3600 registryRead) request PUT /devices/d9 --data '{}'
expect_error 401 IotHubUnauthorizedAccess
about "an unknown path"
request GET /nothing/here
expect "status" 404 "$status"
about "a known path, another method"
request POST /devices/d1 --data '{}'
expect "status" 405 "$status"
about "a body in pieces"
request PUT /devices/chunked --header 'Transfer-Encoding: chunked' --data '{"deviceId":"chunked"}'
expect "status" 200 "$status"
about "a body that waits for 100 Continue"
request PUT /devices/continued --header 'Expect: 100-continue' --data '{"deviceId":"continued"}'
expect "it is served" '"continued"' "$(in_body .deviceId)"
about "a body that is too large"
head -c 3000000 /dev/zero | tr '\0' ' ' > "$folder/large"
request PUT /devices/large --data-binary "@$folder/large"
expect "status" 413 "$status"

about "many requests on a connection"
expect "one connection" 1 "$(curl --silent --cacert "$ca_file" --header "Authorization: $token" \
    --output /dev/null --write-out '%{num_connects}\n' \
    "$base/devices/d1?$API&n=[1-50]" | awk '{ n += $1 } END { print n }')"
about "plain HTTP"
expect "health" 200 "$(curl --silent --output /dev/null --write-out '%{http_code}' \
    "http://$HOST:$http_port/health")"
about "TLS"
expect "TLS 1.1 is refused" 000 "$(curl --silent --cacert "$ca_file" --tls-max 1.1 --output /dev/null \
    --write-out '%{http_code}' "$base/health" || true)"
expect "a client that does not trust the CA stops" 60 \
    "$(code=0; curl --silent --output /dev/null "$base/health" || code=$?; echo "$code")"
expect "localhost is in the certificate, too" 200 "$(curl --silent --cacert "$ca_file" \
    --output /dev/null --write-out '%{http_code}' "https://localhost:$https_port/health")"

about "delete"
request DELETE /devices/d1 --header 'If-Match: *'
expect "status" 204 "$status"
request GET /twins/d1
expect_error 404 DeviceNotFound

stop_emulator
