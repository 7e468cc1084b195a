#!/usr/bin/env bash
# upload.sh TARGET: our own device app uploads files to Azurite from TARGET/node_modules, in a network
# of its own (see in_namespace.sh), and our service app is told of them.
# shellcheck source=tests/interop/lib.sh
. "$(dirname "$0")/lib.sh"

target=$1
: "${IOTHUB_DEVICE_PROGRAM:?}"
need node jq curl openssl
[[ -f $target/node_modules/.installed ]] || skip "the packages are not installed"

export IOTHUB_EMULATOR_STORAGE_CONNECTION_STRING=$STORAGE
start_emulator --mqtts-port 0 --https-port 0 --mqtt-port 0 --http-port 0
create_device d1 > "$folder/key"
device="HostName=$HOST;DeviceId=d1;SharedAccessKey=$(< "$folder/key")"

# upload CODE FILE [OPTION...]
upload() {
    local wanted=$1 code=0
    shift
    "$IOTHUB_DEVICE_PROGRAM" upload "$@" --connection-string "$device" \
        > "$folder/upload.out" 2> "$folder/upload.err" || code=$?
    expect "exit code" "$wanted" "$code$([[ $code == "$wanted" ]] || cat "$folder/upload.err")"
}

# The next notification, completed.
notification() {
    "$IOTHUB_SERVICE_PROGRAM" file-notification receive --output json
}

# What stands in the storage account, read with a place that the hub gives for the same blob.
download() {
    curl --silent --show-error --fail --cacert "$ca_file" "$(place_url "$1")"
}

# place_url NAME: where the hub wants the blob to be.
place_url() {
    curl --silent --show-error --cacert "$ca_file" --data "{\"blobName\":\"$1\"}" \
        --header "Authorization: $(sas_token "$HOST/devices/d1" "$(< "$folder/key")" 60)" \
        --header 'Content-Type: application/json' \
        "https://$HOST:$https_port/devices/d1/files?$API" > "$folder/place"
    jq -r '"https://\(.hostName)/\(.containerName)/" +
        (.blobName | split("/") | map(@uri) | join("/")) + .sasToken' "$folder/place"
}

about "storage that is not there"
printf 'hello' > "$folder/small"
upload 1 "$folder/small"
expect_like "the app says so" 'ServiceUnavailable' "$(< "$folder/upload.err")"

start_azurite "$target"

about "a small file"
upload 0 "$folder/small" --blob-name 'dir/small one.txt' --content-type text/plain
expect "its whole name is shown" 'd1/dir/small one.txt' "$(< "$folder/upload.out")"
expect "the service is told" \
    '["d1","d1/dir/small one.txt",5,"https://127.0.0.1:10000/devstoreaccount1/uploads/d1/dir/small%20one.txt"]' \
    "$(notification | jq -c '.[] | [.deviceId, .blobName, .blobSizeInBytes, .blobUri]')"
expect "once" '[]' "$(notification | jq -c .)"
expect "it is there" hello "$(download 'dir/small one.txt')"

about "an empty file"
: > "$folder/empty"
upload 0 "$folder/empty"
expect "the service is told" '[["d1/empty",0]]' \
    "$(notification | jq -c '[.[] | [.blobName, .blobSizeInBytes]]')"

about "a large file, in blocks"
head -c 9000000 /dev/urandom > "$folder/large"
upload 0 "$folder/large"
expect "the service is told" '[["d1/large",9000000]]' \
    "$(notification | jq -c '[.[] | [.blobName, .blobSizeInBytes]]')"
expect "it is there" "$(sha256sum < "$folder/large")" "$(download large | sha256sum)"

about "a raw PUT"
curl --silent --show-error --fail --cacert "$ca_file" --upload-file "$folder/small" \
    --header 'x-ms-blob-type: BlockBlob' "$(place_url raw)"
curl --silent --show-error --fail --cacert "$ca_file" --output /dev/null \
    --header "Authorization: $(sas_token "$HOST/devices/d1" "$(< "$folder/key")" 60)" \
    --data "$(jq -c '{correlationId, isSuccess: true}' "$folder/place")" \
    "https://$HOST:$https_port/devices/d1/files/notifications/?$API"
expect "the service is told" '[["d1/raw",5]]' \
    "$(notification | jq -c '[.[] | [.blobName, .blobSizeInBytes]]')"

about "a signature of another blob"
url=$(place_url mine)
expect "it is refused" 403 "$(curl --silent --cacert "$ca_file" --output /dev/null \
    --write-out '%{http_code}' --upload-file "$folder/small" --header 'x-ms-blob-type: BlockBlob' \
    "${url/mine/yours}")"

about "a blob that is not there"
expect "the hub looks" 400 "$(curl --silent --cacert "$ca_file" --output "$folder/body" \
    --header "Authorization: $(sas_token "$HOST/devices/d1" "$(< "$folder/key")" 60)" \
    --data "$(jq -c '{correlationId, isSuccess: true}' "$folder/place")" \
    --write-out '%{http_code}' "https://$HOST:$https_port/devices/d1/files/notifications?$API")"
expect_like "and says so" 'ErrorCode:InvalidStorageEndpointOrBlob;' "$(< "$folder/body")"

about "a file that cannot be uploaded"
upload 1 "$folder/small" --blob-name "$(printf 'x%.0s' {1..1100})"
expect "nobody is told" '[]' "$(notification | jq -c .)"

about "secrets"
expect "no key and no signature is in the log" 0 \
    "$(grep -c -e 'Eby8vdM02x' -e 'sig=' "$folder/emulator.err" || true)"
stop_emulator
