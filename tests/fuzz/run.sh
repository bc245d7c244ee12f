#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# run.sh BUILD-DIR [SECONDS]: runs every fuzzer of a build made with --enable-fuzzers for SECONDS
# each (default 600), beginning with the corpus in the tree. What it finds is left in BUILD-DIR/findings.
set -u
here=$(cd "$(dirname "$0")" && pwd)
build=$1
seconds=${2:-600}
passed=0
failed=0
mkdir -p "$build/findings"
for source in "$here"/fuzz_*.c; do
    name=$(basename "$source" .c)
    corpus=$build/corpus/$name
    mkdir -p "$corpus"
    if "$build/tests/fuzz/$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 \
        -max_len=20000 -artifact_prefix="$build/findings/$name-" -print_final_stats=1 \
        "$corpus" "$here/corpus/${name#fuzz_}" >"$build/findings/$name.log" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        tail -n 40 "$build/findings/$name.log"
    fi
    grep -E '^stat::number_of_executed_units' "$build/findings/$name.log" | sed "s/^/$name: /"
done
echo "fuzz: $passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
