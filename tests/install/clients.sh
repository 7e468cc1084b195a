#!/usr/bin/env bash
# Install the client libraries aside, and build and run programs against one, the other and both.
#
#   clients.sh BUILD_FOLDER COMPILER [FLAG…]
set -euo pipefail

build=${1:?"usage: clients.sh BUILD_FOLDER COMPILER [FLAG…]"}
compiler=${2:?"usage: clients.sh BUILD_FOLDER COMPILER [FLAG…]"}
flags=(-std=c17 -Wall -Wextra -Werror "${@:3}")
here=$(cd "$(dirname "$0")" && pwd)
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

for part in device service; do
    DESTDIR=$root cmake --install "$build/$part" >/dev/null
done
found=$(find "$root" -name iothub_device.pc)
packages=${found%/*}
libraries=${packages%/pkgconfig}

# pkg-config reads the installed files as if the folder were the root of the file system.
export PKG_CONFIG_SYSROOT_DIR=$root PKG_CONFIG_PATH=$packages

# NAME PACKAGE…: NAME_user.c builds with these packages and runs.
use() {
    local options
    read -ra options < <(pkg-config --cflags --libs "${@:2}")
    "$compiler" "${flags[@]}" -o "$root/$1" "$here/$1_user.c" "${options[@]}"
    LD_LIBRARY_PATH=$libraries "$root/$1"
}
use device iothub_device
use service iothub_service
use both iothub_device iothub_service

# What is no part of the interface must not meet a user's own names.
for part in device service; do
    nm -D --defined-only "$libraries/libiothub_$part.so" | awk -v part="$part" '
        $3 !~ "^iothub_(status|" part ")_" { print "libiothub_" part " shows " $3; n_bad++ }
        $3 ~ "^iothub_status_" { n_statuses++ }
        END { exit n_bad > 0 || n_statuses != 4 }'
done
