#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Situations that administrators of MS Mail reported, each as a whole run. doc/TESTED.md lists them.

Those that other programs cover (damaged.py, steps.py, crash.py, route.py) are not repeated here."""
import collections
import os
import re
import shutil
import sys
import time

import gateway
from damage_tables import UNPRIVILEGED
from gateway import Case, Gateway, Office, Sink, postoffice

MANY_FILES = 200000


def tree(root):
    """{relative name: octets} of all files."""
    found = {}
    for top, _, files in os.walk(root):
        for name in files:
            with open(os.path.join(top, name), "rb") as source:
                found[os.path.relpath(os.path.join(top, name), root)] = source.read()
    return found


class Reported(Case):
    def setUp(self):
        self.name = self.id().rsplit(".", 1)[1].removeprefix("test_")
        self.directory = os.path.join(self.base, self.name)
        os.mkdir(self.directory, 0o711)

    def office(self, **more):
        return Office(self.directory, "po", **dict({"seed": 5, "messages": 20}, **more))

    def gate(self, sink, office, section=None, **settings):
        return Gateway(self.directory, "gw", sink.relay(), [office.native(**(section or {}))],
                       [office.map], **settings)

    def sink(self, **more):
        return Sink(self.directory, tls=False, **more)

    def wrapped(self, gate, words):
        """The command is started by these words of a shell line."""
        path = os.path.join(gate.directory, "wrapped")
        gateway.write_file(path, "#!/bin/sh\n%s %s \"$@\"\n" % (words, gate.command), 0o755)
        command, gate.command = gate.command, path
        return command

    def check_all(self, gate, office, sink, **more):
        """Everything has arrived, once, and the postoffice is as it has to be."""
        self.assert_none(office.compare(sink.copies(), **more), "what arrived")
        self.assert_none(office.check(), "the postoffice")
        self.assertEqual(set(gate.states()), {"sent"})

    # ---- T10

    def lose_one(self, office):
        """Takes the file of one message away that is in one mailbag only; its place and number."""
        found = [(message, item) for message, item in gateway.checkpo.truth_items(office.truth)
                 if item["relay"] and message["counter"] == 1 and not message["attachments"]]
        message, item = found[0]
        path = os.path.join(office.root, postoffice.mai_name(message["mai"]))
        os.rename(path, path + ".away")
        return path, message, (item["mailbag"], item["record"])

    def reports(self, gate):
        return [row for row in gate.queue() if row["report_of"]]

    def test_missing_message_is_reported_once(self):
        """A header whose message is missing: told to the postmaster by the second sweep, once."""
        office = self.office()
        with self.sink() as sink:
            gate = self.gate(sink, office)
            path, message, place = self.lose_one(office)
            gate.drain(expect=1)
            remains = {(row["mailbag"], row["record"]): row
                       for row in gate.json("status", "--remains") if row["cause"] == "damaged"}
            self.assertEqual(list(remains), [place])
            self.assertRegex(remains[place]["reason"], "No such file.*; from .*, of 19")
            self.assertEqual(self.reports(gate), [], "one failure is no reason to tell")
            for _ in range(3):
                gate.drain(expect=1)
                self.assertEqual(len(self.reports(gate)), 1)
            self.assertIn(place, office.live())
            told = [c for c in sink.copies() if c.rcpts == ["postmaster@corp.example"]]
            self.assertEqual(len(told), 1)
            self.assertIn("%s/%s" % (place[0], message["mai"]), told[0].raw.decode())
            # the file comes back from a backup
            os.rename(path + ".away", path)
            gate.drain(expect=None)
            copies = [c for c in sink.copies() if c not in told]
            self.assert_none(office.compare(copies), "what arrived")
            self.assert_none(office.check(), "the postoffice")

    def test_missing_message_comes_back(self):
        """It is back before the second sweep: nobody is told, and it is relayed."""
        office = self.office()
        with self.sink() as sink:
            gate = self.gate(sink, office)
            path, _, _ = self.lose_one(office)
            gate.drain(expect=1)
            os.rename(path + ".away", path)
            gate.drain()
            self.assertEqual(self.reports(gate), [])
            self.check_all(gate, office, sink)

    def test_missing_message_is_removed(self):
        """lost = remove: the header goes with the report, and nothing else does."""
        office = self.office()
        with self.sink() as sink:
            gate = self.gate(sink, office, {"lost": "remove"})
            path, message, place = self.lose_one(office)
            gate.drain(expect=1)
            self.assertIn(place, office.live())
            gate.drain(expect=1)
            self.assertNotIn(place, office.live())
            self.assertEqual(len(self.reports(gate)), 1)
            gate.drain(expect=None)
            self.assertEqual(len(self.reports(gate)), 1)
            os.unlink(path + ".away")
            self.assert_none(office.check(), "the postoffice")
            copies = [c for c in sink.copies() if c.rcpts != ["postmaster@corp.example"]]
            missing = [t for t in office.compare(copies) if message["mai"] not in t]
            self.assert_none(missing, "what arrived")

    # ---- T18, T19

    def test_full_mailbag(self):
        """4,096 records, most of them vacant: only what KEY says counts, and it gets less."""
        office = self.office()
        bag = next(q["mailbag"] for q in office.truth["queues"] if q["items"])
        name = os.path.join(office.root, "MBG", bag + ".MBG")
        with open(name, "rb") as source:
            records = source.read()
        with open(name, "ab") as out:
            out.write(records[:postoffice.RECORD_SIZE] * (4096 - len(records) // 116))
        shutil.copy(name, os.path.join(office.before, "MBG", bag + ".MBG"))
        with self.sink() as sink:
            gate = self.gate(sink, office)

            def row():
                return next(row for row in gate.json("postoffice", "mailbags", "po")
                            if row["id"] == bag)

            live = sum(place[0] == bag for place in office.live())
            self.assertEqual((row()["records"], row()["live"]), (4096, live))
            gate.drain()
            self.check_all(gate, office, sink)
            left = sum(place[0] == bag for place in office.live())
            self.assertEqual((row()["records"], row()["live"]), (4096, left))
            self.assertLess(left, live)

    # ---- T27

    def test_many_files(self):
        """200,000 files in MAI and ATT, and no right to list them: each is opened by its name."""
        office = self.office()
        empty = os.path.join(self.directory, "empty")
        gateway.write_file(empty, "")
        folders = ["%s/%s%X" % (kind, kind[:2], digit) for kind in ("MAI", "ATT")
                   for digit in range(16)]
        made = []
        for number in range(MANY_FILES):
            folder = folders[number % len(folders)]
            ident = "%07X%s" % (0xF000000 // 16 + number, folder[-1])
            path = os.path.join(office.root, folder, "%s.%s" % (ident, folder[:3]))
            if number % 60000 == 0:  # a file has so many names at most
                empty = path
                gateway.write_file(path, "")
            else:
                os.link(empty, path)
            made.append(path)
        for folder in folders:
            os.chmod(os.path.join(office.root, folder), 0o311)
        try:
            with self.sink() as sink:
                gate = self.gate(sink, office)
                plain = self.wrapped(gate, "exec " + " ".join(UNPRIVILEGED))
                began = time.monotonic()
                gate.drain()
                self.assertLess(time.monotonic() - began, 20)
                gate.command = plain
                for path in made:
                    os.unlink(path)
                for folder in folders:
                    os.chmod(os.path.join(office.root, folder), 0o755)
                self.check_all(gate, office, sink)
        finally:
            for folder in folders:
                os.chmod(os.path.join(office.root, folder), 0o755)

    # ---- T28

    def test_leftovers_of_our_own(self):
        """Work files without content, or cut off, stop nothing."""
        office = self.office()
        with self.sink() as sink:
            gate = self.gate(sink, office)
            gate.drain("--dry-run")
            bag = next(q["mailbag"] for q in office.truth["queues"] if q["items"])
            prefix = os.path.join(gate.spool, "native", office.name.replace("/", "_") + "." + bag)
            for path, text in ((prefix + ".removal", ""), (prefix + ".released", ""),
                               (prefix + ".released.new", "half a li"),
                               (os.path.join(gate.spool, "tmp", "left"), ""),
                               (gate.database() + ".AbCdEf", "")):
                os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
                os.chmod(gate.spool, 0o700)
                gateway.write_file(path, text, 0o600)
            gate.drain()
            self.check_all(gate, office, sink)

    # ---- T31, T32

    def test_little_memory(self):
        """Out of memory at every place: mail stays where it is, and all of it goes later."""
        office = self.office(messages=60)
        with self.sink() as sink:
            gate = self.gate(sink, office)
            failed = 0
            command = gate.command
            for megabytes in list(range(16, 64, 3)) + [64, 96]:
                gate.command = command
                self.wrapped(gate, "ulimit -v %d; exec" % (megabytes * 1024))
                failed += gate.drain(expect=None).status != 0
                self.check_nothing_lost(gate, command, office)
            self.assertGreater(failed, 3, "memory was never short")
            gate.command = command
            self.finish(gate, office, sink)

    def finish(self, gate, office, sink):
        """The rest, without limits."""
        gate.drain(expect=None)
        for ident in {row["id"] for row in gate.queue("queued")}:
            gate.run("queue", "retry", ident)
        gate.drain()
        allowed = {row["msgid"] for row in gate.events("possible-duplicate")}
        self.check_all(gate, office, sink, allowed=allowed)

    def check_nothing_lost(self, gate, command, office):
        """What is not on the postoffice any more is in the queue."""
        queued = {row["mai"] for row in self.queued(gate, command)}
        live = set(office.live())
        lost = [message["mai"] for message, item in gateway.checkpo.truth_items(office.truth)
                if (item["mailbag"], item["record"]) not in live and message["mai"] not in queued]
        self.assertEqual(lost, [])

    def queued(self, gate, command):
        """Rows of the queue, asked without limits."""
        limited, gate.command = gate.command, command
        rows = gate.queue()
        gate.command = limited
        return rows

    def test_full_spool(self):
        """No room in the spool: nothing is taken from the postoffice, and the error is told."""
        office = self.office(messages=60)
        before = tree(office.root)
        with self.sink() as sink:
            gate = self.gate(sink, office)
            gate.drain("--dry-run")
            command = gate.command
            untouched = 0
            for blocks in (0, 8, 40, 100, 200, 400, 900):  # of 512 octets
                gate.command = command
                # the relay keeps what servers answered until there is room: it is ended then
                self.wrapped(gate, "trap '' XFSZ; ulimit -f %d; exec timeout -s KILL 3" % blocks)
                done = gate.drain(expect=None)
                self.assertIn(done.status, (0, 1, 2, 137, -9))
                if done.status != 0 and not self.queued(gate, command):
                    self.assertEqual(tree(office.root), before)
                    self.assertRegex(done.err, r"full|File too large|cannot|can not")
                    untouched += 1
                self.check_nothing_lost(gate, command, office)
            self.assertGreater(untouched, 1, "the spool was never full")
            gate.command = command
            self.finish(gate, office, sink)

    # ---- T42, T45

    def test_tries_do_not_use_up_the_time(self):
        """Many tries in a short time: the mail expires by the clock, not by their number."""
        office = self.office(messages=8)
        with self.sink(rules=[{"at": "mail", "do": [["reply", "451 4.3.0 later"]]}]) as sink:
            gate = self.gate(sink, office)
            gate.drain(expect=1)
            expires = {row["id"]: row["expires"] for row in gate.queue()}
            for _ in range(15):
                for ident in expires:
                    gate.run("queue", "retry", ident)
                gate.drain(expect=1)
            rows = gate.queue()
            self.assertEqual({row["state"] for row in rows}, {"queued"})
            self.assertGreaterEqual(min(row["tries"] for row in rows), 10)
            self.assertEqual({row["id"]: row["expires"] for row in rows}, expires)
            sink.server.recover()
            for ident in expires:
                gate.run("queue", "retry", ident)
            gate.drain()
            self.check_all(gate, office, sink)

    def test_sent_is_logged_once(self):
        """One `sent` for each recipient, with the 250 of the server, and none before it."""
        office = self.office()
        rules = [{"at": "dot", "do": [["reply", "451 4.3.0 later"]], "last_conn": 1}]
        with self.sink(rules=rules) as sink:
            gate = self.gate(sink, office)
            gate.drain(expect=1)
            self.assertEqual(len(gate.events("sent")), sum(len(c.rcpts) for c in sink.copies()))
            for row in gate.queue("queued"):
                gate.run("queue", "retry", row["id"])
            gate.drain()
            sent = gate.events("sent")
            self.assertEqual(collections.Counter((r["mai"], r["rcpt"].lower()) for r in sent),
                             collections.Counter(office.wanted_copies()))
            self.assertTrue(all(re.match("250", row["reply"]) for row in sent))
            deferred = {(r["mai"], r["rcpt"].lower()) for r in gate.events("deferred")}
            self.assertTrue(deferred, "the server refused nothing")
            self.check_all(gate, office, sink)


def main():
    options = gateway.parser_for(__doc__.partition("\n")[0]).parse_args()
    return gateway.run_program("reported", sys.modules[__name__], options)


if __name__ == "__main__":
    sys.exit(main())
