#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# calibrate.sh [N [SEED]]: calibrates a made postoffice of N messages (20000); see calibrate.py.
# MSMAILGW names the program (default ./msmailgw).
exec python3 "$(dirname "$0")/calibrate.py" "$@"
