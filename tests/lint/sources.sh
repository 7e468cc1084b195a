# Sourced by its neighbours: what they read.
# shellcheck shell=bash

# Print the names of files, each with a NUL behind it: sources [FIND_TEST…], C files by default.
sources() {
    [ $# -gt 0 ] || set -- -name '*.[ch]'
    find common emulator device service tests -name node_modules -prune -o \
        -type f '(' "$@" ')' -print0 | LC_ALL=C sort -z
}
