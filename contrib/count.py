#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""count.py STATUS LOG: prints "N passed, N failed" for a test step.

Takes what the log says: lines "NAME: N passed, N failed", or automake's "# PASS: N" and so on, or
unittest's "Ran N tests". A step that failed never counts as without a failure, and one that says
nothing is one test."""

import re
import sys


def said(log):
    """Our own programs' last lines."""
    found = re.findall(r"(?m)^(?:[\w./-]+: )?(\d+) passed, (\d+) failed$", log)
    return (sum(int(p) for p, _ in found), sum(int(f) for _, f in found)) if found else None


def automake(log):
    found = re.findall(r"(?m)^# (PASS|FAIL|XPASS|ERROR): +(\d+)", log)
    good = sum(int(n) for word, n in found if word == "PASS")
    return (good, sum(int(n) for _, n in found) - good) if found else None


def unittests(log):
    ran = sum(int(n) for n in re.findall(r"(?m)^Ran (\d+) tests? in", log))
    bad = sum(int(n) for n in re.findall(r"(?m)(?:failures|errors)=(\d+)", log))
    return (ran - bad, bad) if ran else None


def main():
    status, log = int(sys.argv[1]), open(sys.argv[2], encoding="utf-8", errors="replace").read()
    passed, failed = said(log) or automake(log) or unittests(log) or (0, 0)
    if passed + failed == 0:
        passed = 1 if status == 0 else 0
    if status != 0 and failed == 0:
        failed = 1
    print(f"{passed} passed, {failed} failed")


if __name__ == "__main__":
    main()
