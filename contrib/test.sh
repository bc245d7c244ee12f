#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Builds msmailgw in every way that matters and runs every test, on a Debian 12 machine on which
# nothing of ours is installed yet. Leaves nothing running. Ends with "N passed, N failed".
#
#   contrib/test.sh            everything
#   contrib/test.sh quick      one build, unit tests, short end-to-end runs
#
# Logs stay in $MSMAILGW_TEST_DIR (default: a new directory under /tmp, removed when all passed).
set -u
top=$(cd "$(dirname "$0")/.." && pwd)
mode=${1:-all}
work=${MSMAILGW_TEST_DIR:-$(mktemp -d /tmp/msmailgw-test.XXXXXX)}
mkdir -p "$work/logs" "$work/counts"
chmod 711 "$work"
. "$top/contrib/install.sh"

# step NAME COMMAND...: runs it with its output in a log and counts what it says it counted: lines
# "... N passed, N failed", automake's "# PASS: N" and "# FAIL: N"; else the step itself is one test.
step() {
    local name=$1 log=$work/logs/$1.log status=0 begin=$SECONDS counts
    shift
    "$@" >"$log" 2>&1 </dev/null || status=$?
    counts=$(python3 "$top/contrib/count.py" "$status" "$log")
    echo "$counts" >"$work/counts/$name"
    printf '%-28s %s  (%d s)\n' "$name" "$counts" $((SECONDS - begin))
    case $counts in
    *" 0 failed") return 0 ;;
    esac
    echo "---- the end of $log"
    tail -n 60 "$log"
    echo "----"
    return 1
}

configure_in() {
    mkdir -p "$1" && cd "$1" && shift && "$source/configure" --quiet "$@"
}

build() { # DIR CONFIGURE-ARGUMENTS...
    local dir=$1
    # One goal after the other: two at once would build the same objects side by side.
    configure_in "$@" && make -s -C "$dir" -j2 all && make -s -C "$dir" -j2 check TESTS=
}

# A build whose unit tests are those of another one.
build_programs() { configure_in "$@" && make -s -C "$1" -j2 all; }

# Tests read and write beside the source: they get a copy of it of their own.
copy_source() {
    source=$work/source
    copy_tree "$source"
    (cd "$source" && autoreconf -i)
}

unit() { make -C "$1" check; }

e2e() { # BUILD-DIR PROGRAM ARGUMENTS...
    local dir=$1 program=$2
    shift 2
    cd "$source" && MSMAILGW="$dir/msmailgw" MSMAILGWD="$dir/msmailgwd" \
        ASAN_OPTIONS=detect_leaks=1:abort_on_error=1 UBSAN_OPTIONS=print_stacktrace=1 \
        PEERS_CACHE="$work/peers" TMPDIR="$work" python3 "tests/e2e/$program.py" "$@"
}

distcheck() { make -C "$work/gcc" distcheck; }

lint() { "$source/contrib/lint.sh" "$work/gcc"; }

manuals() {
    local page
    for page in "$source"/doc/*.[158]; do
        mandoc -T lint -W warning "$page" || return 1
    done
}

python_tests() { cd "$source" && PEERS_CACHE="$work/peers" TMPDIR="$work" python3 -X dev "$1"; }

fuzz() { "$source/tests/fuzz/run.sh" "$work/fuzz" 20; }

# Two lanes, one a core. Each stops at a build that fails; other failures do not stop it.
lane_release() {
    step build-gcc build "$work/gcc" --enable-werror || return
    step unit-gcc unit "$work/gcc"
    step lint lint
    step manuals manuals
    step distcheck distcheck
    step e2e-native e2e "$work/gcc" native
    step e2e-fidelity e2e "$work/gcc" fidelity
    step e2e-body e2e "$work/gcc" body
    step e2e-smuggling e2e "$work/gcc" smuggling
    step e2e-archive e2e "$work/gcc" archive
    step e2e-fidelity-page e2e "$work/gcc" fidelity_page
    step e2e-roundtrip e2e "$work/gcc" roundtrip
    step e2e-thread e2e "$work/gcc" thread
    step e2e-crash e2e "$work/gcc" crash
    step e2e-cli e2e "$work/gcc" cli
    step e2e-user e2e "$work/gcc" user
    step e2e-ldap e2e "$work/gcc" ldap
    step e2e-sweep e2e "$work/gcc" sweep
    step e2e-addresses e2e "$work/gcc" addresses
    step e2e-route e2e "$work/gcc" route
    step e2e-reported e2e "$work/gcc" reported
    step e2e-reports e2e "$work/gcc" reports
    step e2e-calibrate e2e "$work/gcc" calibrate
    step e2e-check e2e "$work/gcc" check
    step e2e-tnef e2e "$work/gcc" tnef
    step e2e-winmail e2e "$work/gcc" winmail
    step e2e-share e2e "$work/gcc" share
    step e2e-calibrate-key e2e "$work/gcc" calibrate_key
    step bench bench
    step bench-calibrate bench_calibrate
}

bench() {
    # That it runs is tested, and that all arrives; numbers of a machine that does other things are none.
    cd "$source" && MSMAILGW="$work/gcc/msmailgw" MSMAILGWD="$work/gcc/msmailgwd" TMPDIR="$work" \
        PEERS_CACHE="$work/peers" tests/bench/compare.sh --count 300 --few 20 --many 2000 \
        --large 2000000 --rows 3000 --runs 1 &&
        MSMAILGW="$work/gcc/msmailgw" MSMAILGWD="$work/gcc/msmailgwd" TMPDIR="$work" \
            tests/bench/sweep.sh 200 10 &&
        MSMAILGW="$work/gcc/msmailgw" TMPDIR="$work" python3 tests/bench/map.py
}

bench_calibrate() {
    cd "$source" && MSMAILGW="$work/gcc/msmailgw" TMPDIR="$work" tests/bench/calibrate.sh 2000
}

lane_sanitizers() {
    step oracle python_tests tests/oracle/selftest.py
    step peers python_tests tests/peers/selftest.py
    step build-clang build "$work/clang" CC=clang CFLAGS='-O1 -g' --enable-werror \
        --enable-sanitizers || return
    step unit-sanitizers unit "$work/clang"
    step e2e-native-sanitizers e2e "$work/clang" native --seeds 1-4
    step e2e-ffapi-sanitizers e2e "$work/clang" ffapi
    step e2e-badserver-sanitizers e2e "$work/clang" badserver
    step e2e-damaged-sanitizers e2e "$work/clang" damaged
    step e2e-crash-sanitizers e2e "$work/clang" crash --cycles 20
    step e2e-reports-sanitizers e2e "$work/clang" reports
    step e2e-cli-sanitizers e2e "$work/clang" cli
    step e2e-user-sanitizers e2e "$work/clang" user
    step e2e-ldap-sanitizers e2e "$work/clang" ldap --users 500
    step e2e-sweep-sanitizers e2e "$work/clang" sweep
    step e2e-addresses-sanitizers e2e "$work/clang" addresses
    step e2e-tnef-sanitizers e2e "$work/clang" tnef
    step e2e-archive-sanitizers e2e "$work/clang" archive
    step e2e-smuggling-sanitizers e2e "$work/clang" smuggling --only wire
    step build-steps build_programs "$work/steps" CC=clang CFLAGS='-O1 -g' --enable-werror \
        --enable-sanitizers --enable-steps && step e2e-steps e2e "$work/steps" steps
    step build-fuzzers build "$work/fuzz" CC=clang CFLAGS='-O1 -g' --enable-werror \
        --enable-sanitizers --enable-fuzzers && step fuzz fuzz
}

quick() {
    step build-gcc build "$work/gcc" --enable-werror || return
    step unit-gcc unit "$work/gcc"
    step e2e-native e2e "$work/gcc" native --seeds 1-2
    step e2e-cli e2e "$work/gcc" cli
}

install_packages tests >"$work/logs/packages.log" 2>&1 || {
    tail -n 20 "$work/logs/packages.log"
    echo "0 passed, 1 failed"
    exit 1
}
source=$work/source
step source copy_source
if [ "$mode" = quick ]; then
    quick
else
    lane_release &
    lane_sanitizers &
    wait
fi

passed=0
failed=0
for file in "$work"/counts/*; do
    read -r p _ f _ <"$file"
    passed=$((passed + p))
    failed=$((failed + f))
done
if [ "$failed" -eq 0 ] && [ -z "${MSMAILGW_TEST_DIR:-}" ]; then
    rm -rf "$work"
else
    echo "logs: $work/logs"
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
