#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# run.sh BUILD-DIR [SECONDS [FUZZER...]]: runs the fuzzers of a build made with --enable-fuzzers, one
# after the other, for SECONDS each (default 600), beginning with the corpus in the tree. FUZZER is a
# name without "fuzz_"; default all. What it finds is left in BUILD-DIR/findings, inputs that reach
# new code in BUILD-DIR/corpus.
#
# run.sh --minimise BUILD-DIR [FUZZER...]: adds to the corpus in the tree what of BUILD-DIR/corpus
# reaches code that it does not reach yet (how often does not count), in few and short inputs.
set -u
here=$(cd "$(dirname "$0")" && pwd)

names() {
    if [ $# -gt 0 ]; then
        echo "$@"
    else
        (cd "$here" && ls fuzz_*.c) | sed 's/^fuzz_//; s/\.c$//'
    fi
}

limits=(-timeout=10 -rss_limit_mb=1024 -max_len=20000)

minimise() {
    local build=$1 name
    shift
    for name in $(names "$@"); do
        [ -d "$build/corpus/fuzz_$name" ] || continue
        "$build/tests/fuzz/fuzz_$name" "${limits[@]}" -set_cover_merge=1 -use_counters=0 \
            "$here/corpus/$name" "$build/corpus/fuzz_$name" >"$build/findings/merge-$name.log" 2>&1 ||
            tail -n 20 "$build/findings/merge-$name.log"
        echo "$name: $(find "$here/corpus/$name" -type f | wc -l) inputs"
    done
}

if [ "$1" = --minimise ]; then
    shift
    minimise "$@"
    exit
fi
build=$1
seconds=${2:-600}
shift $(($# < 2 ? $# : 2))
passed=0
failed=0
mkdir -p "$build/findings"
for name in $(names "$@"); do
    log=$build/findings/fuzz_$name.log
    mkdir -p "$build/corpus/fuzz_$name"
    if "$build/tests/fuzz/fuzz_$name" -max_total_time="$seconds" "${limits[@]}" \
        -artifact_prefix="$build/findings/fuzz_$name-" -print_final_stats=1 \
        "$build/corpus/fuzz_$name" "$here/corpus/$name" >"$log" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        tail -n 40 "$log"
    fi
    grep -E '^stat::number_of_executed_units' "$log" | sed "s/^/$name: /"
done
echo "fuzz: $passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
