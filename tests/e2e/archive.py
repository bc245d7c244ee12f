#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""`drain --to maildir`: all mail of a postoffice, or of a backup, in an archive that Python's mailbox and
Dovecot read; each message of each mailbag once, however often and however it is cut off; and nothing
is changed in the postoffice or in the spool."""
import collections
import mailbox
import os
import subprocess
import sys
import time
import zoneinfo

import gateway
from gateway import Case, Gateway, Office
import readers
from sweep import tree

ZONE = "Europe/Berlin"
SPECIAL = ("ADMINSCH", "$SYSTEM", "*SPECIAL", "*MAILBAG")


class Archive(Case):
    def setUp(self):
        name = self.id().rpartition("test_")[2]
        self.office = Office(self.base, name, seed=44, users=12, messages=60, queues=1,
                             local_share=0.6, domain=name + ".test")
        relay = {"hosts": ["127.0.0.1:1"], "tls": "none"}   # nobody: none is needed
        self.gate = Gateway(self.base, name + ".gw", relay,
                            [self.office.native(timezone=ZONE)], [self.office.map])
        self.archive = os.path.join(self.base, name + ".archive")

    def drain(self, source=None, *words, **options):
        row, = self.gate.json("drain", "--postoffice", source or self.office.title, "--to", "maildir",
                              self.archive, *words, **options)
        return row

    def wanted(self, queues=True):
        """Counter of (MAI, NET/PO/USER or address) that the archive has to have."""
        bags = {bag: "NORTH/HQ/" + box for box, bag in self.office.reader().users().items()
                if box not in SPECIAL}
        queue_bags = {queue["mailbag"] for queue in self.office.truth["queues"]} if queues else ()
        found = collections.Counter()
        for message in self.office.truth["messages"]:
            for place in message["places"]:
                if place["live"] and place["mailbag"] in bags:
                    found[message["mai"], bags[place["mailbag"]].upper()] += 1
            for item in message["items"]:
                if item["mailbag"] in queue_bags:
                    for address in item["recipients"]:
                        found[message["mai"], address.upper()] += 1
        return found

    def seen(self):
        """The same of what Python's mailbox reads, each file compared with the truth."""
        box, found = mailbox.Maildir(self.archive, create=False), collections.Counter()
        options = gateway.compare.arguments(
            ["--truth", self.office.truth_file, "--received", "-", "--encap-domain", gateway.HOSTNAME,
             "--zone", ZONE])
        wants = [gateway.compare.Wanted(self.office.truth, message, options)
                 for message in self.office.truth["messages"]]
        # two files of one name, in new and in cur, are one key
        self.assertEqual(len(box.keys()), self.files())
        for key in box.keys():
            raw = box.get_bytes(key)
            copy = gateway.maildir.Received(key, gateway.maildir.network_form(raw), [], None)
            what = gateway.compare.Seen(copy, zoneinfo.ZoneInfo(ZONE))
            alike = [want for want in wants
                     if not gateway.compare.differences(want, what, options)]
            self.assertEqual(len(alike), 1, "%s: like %d messages" % (key, len(alike)))
            date = copy.message["Date"].datetime.timestamp()
            self.assertEqual(os.stat(os.path.join(self.archive, box._lookup(key))).st_mtime, date)
            for name in copy.message.get_all("X-MSMail-Recipient"):
                found[alike[0].mai, name.upper()] += 1
        return found

    def test_postoffice(self):
        """All mailbags and queues; a second run, and one after a reader was there, write nothing."""
        before = tree(self.office.root)
        row = self.drain()
        self.assertEqual((row["damaged"], row["known"]), (0, 0))
        self.assertEqual(self.seen(), self.wanted())
        self.assertEqual(row["written"], len(os.listdir(self.archive + "/new")))
        self.read_some()
        again = self.drain()
        self.assertEqual((again["written"], again["known"]), (0, row["written"]))
        self.assertEqual(sum(len(os.listdir(os.path.join(self.archive, name)))
                             for name in ("new", "cur")), row["written"] - 1)
        self.assertEqual(tree(self.office.root), before)
        self.assertFalse(os.path.exists(self.gate.spool), "the spool was made")
        self.assertEqual(os.listdir(self.archive + "/tmp"), [])

    def read_some(self):
        """What a reader does: marks as seen, deletes one."""
        names = sorted(os.listdir(self.archive + "/new"))
        for name in names[: len(names) // 2]:
            os.rename(os.path.join(self.archive, "new", name),
                      os.path.join(self.archive, "cur", name + ":2,S"))
        os.unlink(os.path.join(self.archive, "new", names[-1]))

    def test_backup(self):
        """A directory: mailbags only, those of the named users; then also the queues."""
        backup = self.office.before
        user = next(name for (_, name), _ in sorted(self.wanted(False).items()))
        self.drain(backup, "--user", user)
        only = {key: count for key, count in self.wanted(False).items() if key[1] == user}
        self.assertEqual(self.seen(), only)
        self.drain(backup)
        self.assertEqual(self.seen(), self.wanted(False))
        self.drain(backup, "--include-outbound")
        self.assertEqual(self.seen(), self.wanted())

    def test_dovecot(self):
        """Dovecot reads each message, with the subject that it has."""
        row = self.drain()
        copies = []
        for name in sorted(os.listdir(self.archive + "/new")):
            with open(os.path.join(self.archive, "new", name), "rb") as source:
                copies.append(gateway.maildir.Received(name, source.read(), [], None))
        rows = readers.dovecot(self.base, {number: copy.raw for number, copy in enumerate(copies)})
        self.assertEqual(len(rows), row["written"])
        subjects = collections.Counter(str(copy.message["Subject"]).strip() for copy in copies)
        self.assertEqual(collections.Counter((r["hdr.subject.utf8"] or "").strip() for r in rows),
                         subjects)

    def files(self):
        return sum(len(os.listdir(os.path.join(self.archive, name))) for name in ("new", "cur")
                   if os.path.isdir(os.path.join(self.archive, name)))

    def test_killed(self):
        """Killed while it writes, and some of what was written is moved by a reader: each is there
        once."""
        argv = [self.gate.command, "-c", self.gate.settings_file, "drain", "--postoffice",
                self.office.title, "--to", "maildir", self.archive]
        for number, more in enumerate((1, 2, 5, 1, 9, 3, 1, 4, 2, 7)):
            wanted = self.files() + more
            process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            deadline = time.monotonic() + 60
            while process.poll() is None and self.files() < wanted and time.monotonic() < deadline:
                pass
            process.kill()
            process.wait()
            new = self.archive + "/new"
            for name in sorted(os.listdir(new))[number % 2::2]:
                os.rename(os.path.join(new, name), os.path.join(self.archive, "cur", name + ":2,S"))
        self.drain()
        self.assertEqual(self.seen(), self.wanted())

    def test_refused(self):
        """Not into the postoffice, a directory of something else, or without a source."""
        inside = os.path.join(self.office.root, "archive")
        other = os.path.join(self.base, "other")
        os.makedirs(os.path.join(other, "thing"))
        for words in (("--postoffice", self.office.title, "--to", "maildir", inside),
                      ("--postoffice", self.office.title, "--to", "maildir", other),
                      ("--to", "maildir", self.archive),
                      ("--postoffice", self.office.title, "--to", "mbox", self.archive),
                      ("--postoffice", self.office.title, "--to", "maildir"),
                      ("--postoffice", self.office.title, self.archive)):
            self.gate.run("drain", *words, expect=2)
        self.assertFalse(os.path.exists(inside))
        self.assertEqual(os.listdir(other), ["thing"])


def main():
    options = gateway.parser_for(__doc__.split("\n")[0]).parse_args()
    return gateway.run_program("archive", sys.modules[__name__], options)


if __name__ == "__main__":
    sys.exit(main())
