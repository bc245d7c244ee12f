#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# sweep.sh [USERS [CHANGED]]: what a sweep of 2000 mailbags opens and reads, 20 of them changed; see
# sweep.py. MSMAILGW and MSMAILGWD name the programs (default ./msmailgw, ./msmailgwd).
exec python3 "$(dirname "$0")/sweep.py" "$@"
