#!/bin/sh
# A command of the image is run; anything else is meant for the emulator.
case ${1:-} in
'' | -*) ;;
*) if command -v "$1" >/dev/null; then exec "$@"; fi ;;
esac
exec iothub-emulator "$@"
