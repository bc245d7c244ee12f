#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# compare.sh [SCENARIO...] [OPTION...]: msmailgw beside Postfix, Exim and OpenSMTPD; see compare.py.
# MSMAILGW and MSMAILGWD name the programs. Needs root, for the servers.
exec python3 "$(dirname "$0")/compare.py" "$@"
