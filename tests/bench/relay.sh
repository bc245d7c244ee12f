#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# relay.sh [N [RUNS]]: N messages (2000) of 5 KB, msmailgw and Postfix side by side; see relay.py.
# MSMAILGW names the program (default ./msmailgw). Needs root, for Postfix.
exec python3 "$(dirname "$0")/relay.py" "$@"
