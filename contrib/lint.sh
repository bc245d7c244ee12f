#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# lint.sh BUILD-DIR: clang-tidy and cppcheck over gateway/ and queue/, without a finding.
set -u
top=$(cd "$(dirname "$0")/.." && pwd)
build=$1
cd "$top" || exit 1
mapfile -t files < <(find gateway queue -name '*.c' | sort)
flags="-std=gnu11 -DHAVE_CONFIG_H -DMSMAILGW_STEPS=1 -I$build -Igateway -I. -DSYSCONFDIR=\"/etc\""
flags="$flags $(pkg-config --cflags gmime-3.0 libical sqlite3 libsasl2 libevent openssl libconfuse jansson libsystemd)"
status=0
printf '%s\n' "${files[@]}" |
    xargs -P2 -n1 sh -c 'flags=$1; shift; clang-tidy --quiet "$@" -- $flags' lint "$flags" || status=1
cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr \
    --suppress=missingIncludeSystem --error-exitcode=1 -j2 -Igateway -I. "${files[@]}" || status=1
exit $status
