#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""How long calibration takes on a large postoffice, and how much memory: made in a random layout,
calibrated without and with a message of known text, what it learnt compared with the truth.

A wrong value fails; so do more than 60 seconds or 200 MB at 20,000 messages (fewer: in proportion,
but at least 10 seconds)."""
import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
for part in ("e2e", "oracle", ""):
    sys.path.insert(0, os.path.join(TESTS, part))

import calibrate_key  # noqa: E402
import mkpostoffice  # noqa: E402
from calibrate import untrue  # noqa: E402

MESSAGES, SECONDS, MEGABYTES = 20000, 60, 200
PER_QUEUE = 500  # messages a queue: a mailbag has 4,096 records at most


def make(root, count, seed):
    """The postoffice, the file of the known text, and how long it took."""
    text = root + ".known"
    with open(text, "w", encoding="ascii", newline="") as file:
        file.write(calibrate_key.known_text(seed))
    began = time.monotonic()
    mkpostoffice.make(mkpostoffice.arguments(
        [root, "--layout", "random", "--seed", str(seed), "--messages", str(count), "--queues",
         str(max(6, count // PER_QUEUE)), "--max-attachments", "1", "--known-text", text]))
    return text, time.monotonic() - began


# A process of its own: the peak of a child counts what its parent had when it was forked.
RUNNER = """import os, sys, time
began = time.monotonic()
null = os.open(os.devnull, os.O_WRONLY)
pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ,
                     file_actions=[(os.POSIX_SPAWN_DUP2, null, 1)])
_, status, usage = os.wait4(pid, 0)
print(os.waitstatus_to_exitcode(status), time.monotonic() - began, usage.ru_maxrss)"""


def measured(argv):
    """(status, seconds, octets at the peak) of a command."""
    done = subprocess.run([sys.executable, "-c", RUNNER] + argv, stdout=subprocess.PIPE,
                          check=True)
    status, seconds, peak = done.stdout.split()
    return int(status), float(seconds), int(peak) * 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("messages", type=int, nargs="?", default=MESSAGES)
    parser.add_argument("seed", type=int, nargs="?", default=7)
    parser.add_argument("--keep", metavar="DIR", help="make the postoffice there, or use it again")
    options = parser.parse_args()
    program = os.path.abspath(os.environ.get("MSMAILGW", "msmailgw"))
    base = options.keep or tempfile.mkdtemp(prefix="msmailgw-bench-")
    root, failed = os.path.join(base, "po"), 0
    text = root + ".known"
    if not os.path.exists(root + ".profile"):
        text, took = make(root, options.messages, options.seed)
        print("%d messages, made in %.0f s" % (options.messages, took))
    limit = max(10, SECONDS * options.messages / MESSAGES)
    for title, words in (("statistics", []), ("known text", ["--known-text", text])):
        status, seconds, peak = measured([program, "postoffice", "calibrate", root,
                                          "--write", root + ".learnt"] + words)
        wrong = ["status %d" % status]
        if status in (0, 1):
            wrong = untrue(root + ".learnt", root + ".profile", "/".join(mkpostoffice.OWN))
        late = seconds > limit or peak > MEGABYTES << 20
        print("%-10s %6.1f s  %6.1f MB  %s" % (title, seconds, peak / (1 << 20),
                                               "; ".join(wrong) or "nothing wrong"))
        failed += bool(wrong) or late
    if not options.keep:
        shutil.rmtree(base)
    print("%d passed, %d failed" % (2 - failed, failed))
    return int(failed != 0)


if __name__ == "__main__":
    sys.exit(main())
