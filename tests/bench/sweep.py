#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What the sweep of many users' mailbags opens and reads: the first one, one when nothing changed, and
one when a few mailbags got mail. Files that are opened are counted by inotify, from outside; what the
intake reads in all (its queue and map as well), its system calls for that and its time are what the
kernel has counted. A look at the times of a file is not an opening.

The exit status tells whether the work is proportional: an idle sweep opens no mailbag at all, and one
with N changed mailbags those N and their messages."""
import argparse
import json
import os
import shutil
import sqlite3
import sys
import tempfile
import time

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
for part in ("e2e", "oracle", ""):
    sys.path.insert(0, os.path.join(TESTS, part))

import gateway  # noqa: E402
from gateway import Gateway, Office, wait_until  # noqa: E402
from opened import Opened  # noqa: E402
from postman import Postman  # noqa: E402

LIMIT = 300  # seconds of one sweep
SETTLE = 5.5  # seconds: a stamp is believed when it has not changed for that long
FOLDERS = ["GLB", "XTN", "KEY", "MBG", "MAI", "ATT"] + [
    "%s/%s%X" % (top, name, digit)
    for top, name in (("MAI", "MA"), ("ATT", "AT")) for digit in range(16)]
ROW = "%-34s %8s %8s %6s %8s %9s %9s %8s"


class Bench:
    def __init__(self, base, users):
        self.office = Office(base, "po", seed=1, users=users, messages=users, queues=1,
                             local_share=0.97, max_attachments=0)
        self.post = Postman(self.office.root, self.office.profile)
        self.users = {box: bag for box, bag in self.office.reader().users().items()
                      if box != "ADMIN"}
        nowhere = {"hosts": ["127.0.0.1:1"], "tls": "none"}
        # one sweep at each start of the service
        section = self.office.native(queues=["NORTH/SALES"], interval=86400)
        self.gate = Gateway(base, "gw", nowhere, [section])
        self.gate.settings["log-level"] = "warn"
        self.gate.write_settings()
        self.opened = None

    def move_users(self):
        """All of them, with a baseline."""
        self.gate.drain(expect=None)  # makes the queue
        gateway.write_file(self.gate.map, "".join(
            "NORTH/HQ/%s\t%s@corp.example\n" % (box, box.lower()) for box in self.users))
        self.gate.run("user", "baseline", "--all", self.office.title, timeout=LIMIT)
        self.gate.run("user", "activate", "--all", self.office.title, timeout=LIMIT)
        self.opened = Opened(self.office.root, FOLDERS)

    def note(self):
        database = sqlite3.connect(self.gate.database(), timeout=30)
        rows = database.execute("SELECT value, at_ms FROM note WHERE name = ?",
                                ("postoffice." + self.office.title,)).fetchall()
        database.close()
        return rows[0] if rows else None

    def sweep(self, what):
        """One sweep; its row of the table. (mailbags opened, messages opened, listings)."""
        self.opened.taken()
        before, found = self.note(), None
        self.gate.start()
        wait_until(lambda: "intake" in self.gate.children(), 30, "the intake")
        pid = self.gate.children()["intake"]

        def done():
            nonlocal found
            new = self.opened.taken()
            found = new if found is None else found + new
            return self.note() != before

        wait_until(done, LIMIT, "a sweep", 0.02)
        with open("/proc/%d/io" % pid, encoding="ascii") as source:
            io = dict(line.split(": ") for line in source.read().splitlines())
        with open("/proc/%d/stat" % pid, encoding="latin-1") as source:
            parts = source.read().rpartition(")")[2].split()
        seconds = (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")
        self.gate.stop()
        found += self.opened.taken()
        count = {top: sum(times for name, times in found.items()
                          if name.startswith(top) and not name.endswith("/"))
                 for top in ("KEY", "MBG", "MAI")}
        queue = next(q["mailbag"] for q in self.office.truth["queues"]
                     if q["name"] == "NORTH/SALES")
        bags = {name[4:12] for name in found if name[:4] in ("KEY/", "MBG/")
                and not name.endswith("/")} - {queue}
        listed = [name for name in found if name.endswith("/") and name[:3] in ("MAI", "ATT")]
        print(ROW % (what, len(bags), count["KEY"] + count["MBG"], count["MAI"], len(listed),
                     "%d KB" % (int(io["rchar"]) // 1024), io["syscr"], "%.2f s" % seconds),
              flush=True)
        return bags, json.loads(self.note()[0]), listed

    def change(self, count):
        """New mail for so many users. Their mailbags."""
        boxes = sorted(self.users)[:: max(1, len(self.users) // count)][:count]
        for box in boxes:
            self.post.deliver([self.users[box]], ["NORTH/HQ/" + box], "News")
        return {self.users[box] for box in boxes}


def run(base, users, changed):
    bench = Bench(base, users)
    print("%d users, %d messages in the postoffice" % (len(bench.users),
                                                       len(bench.office.truth["messages"])))
    bench.move_users()
    print(ROW % ("sweep", "mailbags", "opened", "MAI", "listings", "read", "reads", "CPU"))
    wrong = []
    first, _, _ = bench.sweep("first")
    if len(first) != len(bench.users):
        wrong.append("the first sweep opens %d of %d mailbags" % (len(first), len(bench.users)))
    time.sleep(SETTLE)
    bench.sweep("second: stamps settle")
    idle, note, _ = bench.sweep("idle")
    if idle:
        wrong.append("an idle sweep opens %d mailbags" % len(idle))
    if note["unchanged"] != len(bench.users):
        wrong.append("an idle sweep finds %d mailbags unchanged" % note["unchanged"])
    wanted = bench.change(changed)
    found, note, listed = bench.sweep("%d mailbags with new mail" % changed)
    if found != wanted or note["queued"] != changed or listed:
        wrong.append("a sweep with %d changed mailbags opens %d, queues %d and lists %s" % (
            changed, len(found), note["queued"], listed))
    bench.sweep("after it: what was changed settles")
    time.sleep(SETTLE)
    bench.sweep("the same once more")
    again, _, _ = bench.sweep("idle again")
    if again:
        wrong.append("an idle sweep opens %d mailbags" % len(again))
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("users", type=int, nargs="?", default=2000)
    parser.add_argument("changed", type=int, nargs="?", default=20)
    options = parser.parse_args()
    base = tempfile.mkdtemp(prefix="msmailgw-bench-")
    try:
        wrong = run(base, options.users, options.changed)
    finally:
        shutil.rmtree(base)
    for line in wrong:
        print("wrong: " + line)
    print("sweep: %s" % ("not proportional" if wrong else "proportional to what changed"))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
