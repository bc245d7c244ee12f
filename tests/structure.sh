#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# doc/LAYERS, doc/BUDGET, doc/STEPS and doc/TESTED.md hold; the programs stop at steps in a build for
# that only.
if ! grep -q '^#define MSMAILGW_STEPS' config.h; then
    for program in msmailgw msmailgwd; do
        if grep -qE 'MSMAILGW_STEPS|removal-key-open' "$program"; then
            echo "$program has steps of the native door in it, without --enable-steps"
            exit 1
        fi
    done
fi
exec python3 "${srcdir:-.}/tests/structure.py" "${srcdir:-.}"
