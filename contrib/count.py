#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""count.py STATUS LOG: prints "N passed, N failed" for a test step.

Sums what the log says: lines "NAME: N passed, N failed", automake's "# PASS: N" ... "# ERROR: N",
unittest's "Ran N tests". A step that failed never counts as without a failure, and one that says
nothing is one test."""

import re
import sys


def main():
    status, log = int(sys.argv[1]), open(sys.argv[2], encoding="utf-8", errors="replace").read()
    passed = failed = 0
    for p, f in re.findall(r"(?m)^(?:[\w./-]+: )?(\d+) passed, (\d+) failed", log):
        passed, failed = passed + int(p), failed + int(f)
    for word, number in re.findall(r"(?m)^# (PASS|FAIL|XPASS|ERROR): +(\d+)", log):
        if word == "PASS":
            passed += int(number)
        else:
            failed += int(number)
    for number in re.findall(r"(?m)^Ran (\d+) tests? in", log):
        bad = sum(int(n) for n in re.findall(r"(?m)^FAILED .*?(?:failures|errors)=(\d+)", log))
        passed, failed = passed + int(number) - bad, failed + bad
    if passed + failed == 0:
        passed = 1 if status == 0 else 0
    if status != 0 and failed == 0:
        failed = 1
    print(f"{passed} passed, {failed} failed")


if __name__ == "__main__":
    main()
