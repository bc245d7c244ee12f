#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# doc/LAYERS and doc/BUDGET hold.
exec python3 "${srcdir:-.}/tests/structure.py" "${srcdir:-.}"
