#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Answers, receipts and failure reports name what they are about: In-Reply-To, References,
Original-Message-ID, from a made postoffice (tests/oracle/makethread.py) through the native door to a
server, as Python's email package reads them."""
import base64
import re
import shutil
import sys

import gateway
from gateway import Case, Gateway, Office, Sink

import makethread

IDS = re.compile(r"<[^<>\s]+>")


def ids_of(message, name):
    """The Message-IDs of a header; None when it is not there."""
    values = message.get_all(name)
    if values is None:
        return None
    return IDS.findall(" ".join(str(value) for value in values))


def original_of(message):
    """Original-Message-ID of a notification (RFC 8098 3.2.5)."""
    for part in message.walk():
        if part.get_content_type() == "message/disposition-notification":
            fields = part.get_payload()
            return str(fields[0]["Original-Message-ID"] or "").strip()
    return ""


def problems_of(entry, message, ids):
    """What is wrong with the message of that entry of the truth; IDS: {name: Message-ID}."""
    thread = entry["thread"]
    wanted = [ids[name] for name in thread["references"]] or None
    report = message.get_param("report-type") or "" if message.get_content_type() == (
        "multipart/report") else ""
    found = {
        "References": (ids_of(message, "References"), wanted),
        "In-Reply-To": (ids_of(message, "In-Reply-To"), wanted and wanted[-1:]),
        "report": (report, thread["report"]),
        "Thread-Index": (base64.b64decode(str(message["Thread-Index"] or "")).hex(), thread["index"]),
    }
    if report == "disposition-notification":
        found["Original-Message-ID"] = (original_of(message), wanted[-1] if wanted else "")
    return ["%s: %s %s, not %s" % (thread["name"], name, got, right)
            for name, (got, right) in found.items() if got != right]


class Threads(Case):
    def office(self, name):
        return Office(self.base, name, threads=True, later=makethread.LATER, queues=2, people=8,
                      domain=name + ".test", mapped_share=1.0)

    def gateway(self, name, office, sink, root, **settings):
        """A gateway whose section reads the directory ROOT."""
        section = office.native(**{"timezone": "Europe/Berlin", "header-block": "use",
                                   "tnef": "decode", **settings})
        section[1]["path"] = root
        return Gateway(self.base, name, sink.relay(), [section], [office.map])

    def entries(self, office, later):
        """{MAI: entry} of what is relayed when the later ones are there, or not."""
        return {
            message["mai"]: message
            for message in office.truth["messages"]
            if (later or not message.get("later")) and any(i["relay"] for i in message["items"])
        }

    def check(self, office, gate, sink, later):
        """All that came, against the truth."""
        entries = self.entries(office, later)
        ids = {row["mai"]: row["msgid"] for row in gate.events("queued")}
        self.assertEqual(set(ids), set(entries))
        by_name = {entries[mai]["thread"]["name"]: ident for mai, ident in ids.items()}
        copies = {copy.id: copy.message for copy in sink.copies()}
        self.assertEqual(set(copies), set(ids.values()))
        found = []
        for mai, entry in entries.items():
            found += problems_of(entry, copies[ids[mai]], by_name)
        self.assert_none(found, "what arrived")
        return by_name

    def test_first_and_later(self):
        """In one sweep, in batches of any size, and later from the journal."""
        for batch in (2, 200):
            name = "batch%d" % batch
            office = self.office(name)
            with Sink(self.base, name + ".sink", tls=False) as sink:
                gate = self.gateway(name + ".gw", office, sink, office.root + ".early", batch=batch)
                gate.drain()
                before = self.check(office, gate, sink, False)
                gate.write_settings(
                    gate.settings_text().replace(office.root + ".early", office.root))
                gate.drain()
                after = self.check(office, gate, sink, True)
                self.assertEqual({name: after[name] for name in before}, before)

    def test_backup(self):
        """The later ones from a backup: what they answer was relayed from the live postoffice."""
        office = self.office("backup")
        with Sink(self.base, "backup.sink", tls=False) as sink:
            gate = self.gateway("backup.gw", office, sink, office.root + ".early")
            gate.drain()
            self.check(office, gate, sink, False)
            gate.drain("--postoffice", office.root, "--read-only", "--include-outbound")
            self.check(office, gate, sink, True)

    def test_block_is_kept(self):
        """Where the block is left in the text nothing is taken from it, and Message-IDs are the
        same."""
        office = self.office("kept")
        shutil.copytree(office.root + ".early", office.root + ".twin")
        runs = []
        for block, root in (("use", ".early"), ("keep", ".twin")):
            with Sink(self.base, block + ".sink", tls=False) as sink:
                gate = self.gateway(block + ".gw", office, sink, office.root + root,
                                    **{"header-block": block})
                gate.drain()
                copies = {copy.id: copy.message for copy in sink.copies()}
            runs.append({row["mai"]: row["msgid"] for row in gate.events("queued")})
        self.assertEqual(runs[0], runs[1])
        for mai, entry in self.entries(office, False).items():
            name = entry["thread"]["name"]
            if name.startswith("chain"):
                self.assertIsNone(copies[runs[1][mai]]["References"], name)


def main():
    return gateway.run_program(
        "thread", sys.modules[__name__], gateway.parser_for(__doc__.split("\n")[0]).parse_args())


if __name__ == "__main__":
    sys.exit(main())
