#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Shows msmailgw at work on a Debian 12 machine: installs what is missing, builds, makes a postoffice
# whose layout and cipher key are random and given to nobody, with three outbound mailbags of 40
# messages, 31 of them for people who moved; starts a mail server with TLS and AUTH on loopback; lets
# the postoffice teach its layout; drains it, and proves that a second run relays nothing.
#
#   contrib/demo.sh                      as root; ends with status 0 when all of it was so
#   MSMAILGW_DEMO_BUILD=DIR contrib/demo.sh    uses the programs in DIR instead of building
#
# Everything is in one temporary directory, which is removed at the end; nothing is left running.
set -euo pipefail
export LC_ALL=C.UTF-8
top=$(cd "$(dirname "$0")/.." && pwd)
. "$top/contrib/install.sh"

say() { printf '\n== %s\n' "$*"; }

fail() {
    echo "demo: $*" >&2
    exit 1
}

# run COMMAND...: shows it, runs it, and keeps its output in $work/last.
run() {
    printf '\n$ %s\n' "$*"
    "$@" 2>&1 | tee "$work/last"
}

expect() { # PATTERN WHAT: a line of the last output
    grep -Eq -- "$1" "$work/last" || fail "$2"
}

# logged COMMAND...: its output only when it fails.
logged() {
    "$@" >"$work/log" 2>&1 </dev/null || {
        tail -n 40 "$work/log"
        fail "this failed: $*"
    }
}

clean_up() {
    local status=$?
    trap - EXIT
    if [ -n "$server_pid" ]; then
        exec 3>&- # its end, and that of Postfix with it
        wait "$server_pid" || status=1
    fi
    rm -rf "$work"
    exit "$status"
}

build() {
    copy_tree "$work/source"
    cd "$work/source"
    logged autoreconf -i
    logged ./configure
    logged make -s -j"$(nproc)"
    cd "$work"
}

start_server() {
    local answer
    head -c 18 /dev/urandom | base64 >"$work/password"
    mkfifo "$work/questions" "$work/answers"
    python3 "$top/contrib/demo/mailserver.py" "$work" <"$work/questions" >"$work/answers" &
    server_pid=$!
    exec 3>"$work/questions" 4<"$work/answers"
    if ! read -r answer port ca_file maildir <&4 || [ "$answer" != ready ]; then
        fail "the mail server does not start"
    fi
}

# delivered N: the number of messages in its mailbox, once there are N and none is under way.
delivered() {
    local count
    echo "$1" >&3
    read -r count <&4 || fail "the mail server did not get $1 messages"
    echo "$count"
}

write_settings() {
    cat >"$work/demo.conf" <<END
spool = spool
hostname = gw.corp.example
postmaster = postmaster@corp.example
map = po.map.tsv
log = relay.log

postoffice HQ {
    name = NORTH/HQ
    path = po
    profile = hq.profile
    codepage = 850
    queues = { "NORTH/SALES", "NORTH/WORKS", "SOUTH/LAB" }
    timezone = Europe/Berlin
}

relay {
    hosts = { "127.0.0.1:$port" }
    tls = starttls
    ca-file = "$ca_file"
    server-name = mail.test
    user = gateway
    password-file = password
}
END
}

[ "$(id -u)" -eq 0 ] || fail "run it as root: it installs packages and starts a Postfix on loopback"
umask 022
work=$(mktemp -d /tmp/msmailgw-demo.XXXXXX)
chmod 711 "$work"
server_pid=
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

say "installing what is missing"
logged install_packages build postfix
if [ -n "${MSMAILGW_DEMO_BUILD:-}" ]; then
    PATH=$(cd "$MSMAILGW_DEMO_BUILD" && pwd):$PATH
else
    say "building (a minute or two)"
    build
    PATH=$work/source:$PATH
fi
export PATH=$top/contrib/demo:$PATH
cd "$work"
run msmailgw --version

say "a postoffice of a random layout and key, the map of those who moved, and a mail server"
seed=$(od -An -N3 -tu4 /dev/urandom | tr -d ' ')
period=$((40 + seed % 200))
python3 "$top/tests/mkpostoffice.py" --demo --layout random --language english --codepage 850 \
    --archive 300 --seed "$seed" --period "$period" --profile truth.profile po
(umask 077 && touch password)
start_server
write_settings
run cat demo.conf

say "the postoffice teaches its layout and its key"
run msmailgw -c demo.conf postoffice calibrate HQ --write hq.profile
expect '^Verdict: +proven$' "the layout of the postoffice is not proven"

say "is everything in order?"
run msmailgw -c demo.conf check
run msmailgw -c demo.conf postoffice mailbags HQ

say "the first run"
run msmailgw -c demo.conf drain
expect '^31 relayed, 9 left on the postoffice, 0 waiting, 0 failed$' "the first run is not 31 and 9"
run msmailgw -c demo.conf queue list --limit 5
[ "$(msmailgw --json -c demo.conf queue list --state sent | wc -l)" -eq 31 ] ||
    fail "the queue does not have 31 sent"

say "one message, from the mailbag to the mail server's last reply"
mai=$(msmailgw --json -c demo.conf queue list --limit 1 |
    python3 -c 'import json, sys; print(json.loads(sys.stdin.readline())["mai"])')
run msmailgw -c demo.conf trace "$mai"

say "what arrived at the mail server"
[ "$(delivered 31)" -eq 31 ] || fail "not 31 messages arrived"
run arrived.py "$maildir" po.truth.json

say "a second run relays nothing"
run msmailgw -c demo.conf drain
expect '^0 relayed, 9 left on the postoffice, 0 waiting, 0 failed$' "the second run is not 0 and 9"
[ "$(delivered 31)" -eq 31 ] || fail "the second run relayed something"

say "what is left, and why"
run msmailgw -c demo.conf status --remains
[ "$(msmailgw --json -c demo.conf status --remains | grep -c '"unmapped"')" -eq 9 ] ||
    fail "not 9 items are left"

say "done: layout and key learnt, 31 relayed, 9 left, 0 on the second run"
