# SPDX-License-Identifier: BSD-2-Clause
# Sourced by demo.sh and test.sh, with the top of the tree in $top. install_packages build|tests
# [PACKAGE...] installs what contrib/packages lists, and those named besides, when something of it
# is missing. Only that needs to be root.

wanted_packages() {
    if [ "$1" = build ]; then
        sed -e '/^# tests/,$d' -e 's/#.*//' "$top/contrib/packages"
    else
        sed -e 's/#.*//' "$top/contrib/packages"
    fi
    shift
    echo "$@"
}

missing_packages() {
    for package in $(wanted_packages "$@"); do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' ||
            echo "$package"
    done
}

install_packages() {
    missing=$(missing_packages "$@")
    if [ -z "$missing" ]; then
        return 0
    fi
    if [ "$(id -u)" -ne 0 ]; then
        echo "these Debian packages are needed; install them as root:" $missing >&2
        return 1
    fi
    export DEBIAN_FRONTEND=noninteractive
    echo "postfix postfix/main_mailer_type select No configuration" | debconf-set-selections
    # policy-rc.d: no server that is installed here may start by itself.
    policy=/usr/sbin/policy-rc.d
    made_policy=no
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod 755 "$policy"
        made_policy=yes
    fi
    status=0
    { apt-get -q update && apt-get -q install -y --no-install-recommends $missing; } || status=$?
    if [ "$made_policy" = yes ]; then
        rm -f "$policy"
    fi
    return "$status"
}

# copy_tree DIR: the source of this release, or the tracked files of this checkout, into DIR.
copy_tree() {
    mkdir -p "$1"
    if git -c safe.directory="$top" -C "$top" rev-parse --git-dir >/dev/null 2>&1; then
        (cd "$top" && git -c safe.directory="$top" ls-files -z | tar --null -T - -cf -) |
            tar -C "$1" -xf -
    else
        tar -C "$top" --exclude=.git -cf - . | tar -C "$1" -xf -
    fi
}
