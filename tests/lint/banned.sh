#!/usr/bin/env bash
# Functions that are not to be called, and words that say that something is not finished.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/lint/sources.sh

# They know no length, hide errors, or keep state that nobody sees.
functions='strcpy|strcat|stpcpy|sprintf|vsprintf|gets|strtok|atoi|atol|atoll|atof|alloca'
functions+='|tmpnam|mktemp|rand|srand|asctime|ctime|gmtime|localtime|setjmp|longjmp'
words='TODO|FIXME|XXX|HACK|[Nn]ot implemented'

# PATTERN: fail if it is in one of the files on stdin.
refuse() {
    xargs -0 awk -v pattern="$1" '
        $0 ~ pattern && FILENAME != "tests/lint/banned.sh" {
            print FILENAME ":" FNR ": " $0
            n_bad++
        }
        END { exit n_bad > 0 }'
}

code=0
sources | refuse "(^|[^A-Za-z0-9_])($functions)[ \t]*[(]" || code=1
sources -name '*.[ch]' -o -name '*.js' -o -name '*.sh' -o -name '*.cmake' -o \
    -name CMakeLists.txt | refuse "(^|[^A-Za-z0-9_])($words)([^A-Za-z0-9_]|$)" || code=1
exit $code
