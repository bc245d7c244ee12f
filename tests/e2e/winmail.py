#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Messages with a WINMAIL.DAT of every kind, from the postoffice through a real Postfix into a Maildir:
what arrives is what winmail.spec means, with `tnef` decode, pass, drop and keep, and nothing is lost.

Read by Python's email package and a strict reader; streams that are sent on by ytnef and tnef, too.
Needs root, for Postfix."""
import os
import shutil
import subprocess
import sys

import gateway
from gateway import Case, Gateway, Office, peer_relay
from native import Peers

import compare
import comparetnef

ZONE = "Europe/Berlin"
SPEC = os.path.join(gateway.TESTS, "oracle", "winmail.spec")
# it takes no file of no octets, and no name of 300
BEYOND_YTNEF = ("hidden-files", "odd-names")
RUNS = ("decode", "shown", "russian", "pass", "drop", "keep")


def tearDownModule():
    Peers.stop()


def head_problems(truth, message, received, options):
    """What is not said by the stream arrives as in any message."""
    want = compare.Wanted(truth, message, options)
    seen = compare.Seen.__new__(compare.Seen)
    seen.sender, seen.to, seen.cc = (
        compare.addresses(received.message, name) for name in ("From", "To", "Cc"))
    out = []
    for name, one, two in (("From", want.sender, seen.sender), ("To", want.to, seen.to),
                           ("Cc", want.cc, seen.cc)):
        out += compare.address_differences(name, one, two)
    if str(received.message["Subject"] or "") != want.subject:
        out.append("Subject: %r wanted, %r came" % (want.subject, str(received.message["Subject"])))
    if compare.local_minute(received.message, options.zone_info) != want.date:
        out.append("Date: %s wanted, %s came" % (want.date, received.message["Date"]))
    return out


def others_read(base, name, octets, message):
    """ytnef and tnef take the stream that is sent on without a complaint, and find its files."""
    folder = os.path.join(base, "others", name)
    os.makedirs(folder)
    path = os.path.join(folder, "winmail.dat")
    with open(path, "wb") as out:
        out.write(octets)
    facts = comparetnef.Facts(message["winmail"]["effects"])
    files = [one["data"] for one in facts.files if one["kind"] == "file" and one.get("data")]
    kind = message["winmail"]["kind"]
    found = []
    commands = [["tnef", "-C", os.path.join(folder, "t"), path]]
    if kind not in BEYOND_YTNEF:
        commands.append(["ytnef", "-f", os.path.join(folder, "y"), path])
    for command in commands:
        if shutil.which(command[0]) is None:
            raise gateway.GatewayError("%s is not installed" % command[0])
        os.mkdir(os.path.join(folder, command[0][0]))
        done = subprocess.run(command, capture_output=True, timeout=60, cwd=folder)
        said = (done.stdout + done.stderr).decode("utf-8", "replace")
        if done.returncode < 0 or "ERROR" in said or "orrupt" in said or "checksum" in said.lower():
            found.append("%s (%s): status %d: %s" % (command[0], kind, done.returncode, said[-300:]))
        got = []
        for top, _, names in os.walk(os.path.join(folder, command[0][0])):
            for one in names:
                with open(os.path.join(top, one), "rb") as file:
                    got.append(file.read())
        missing = [one for one in files if one not in got]
        if missing:
            found.append("%s (%s): %d files not found: %s" % (command[0], kind, len(missing), said[-300:]))
    return found


class Winmail(Case):
    """All pairs of winmail.spec with each setting."""

    def test_decode(self):
        self.run_corpus("decode", "850", schedule="both")

    def test_decode_by_default(self):
        self.run_corpus("shown", "1252", default=True)

    def test_objects_as_text(self):
        self.run_corpus("russian", "866", layout="random", language="russian", ole="text",
                        schedule="ical")

    def test_pass(self):
        self.run_corpus("pass", "850", tnef="pass")

    def test_drop(self):
        self.run_corpus("drop", "437", tnef="drop")

    def test_keep(self):
        self.run_corpus("keep", "850", tnef="keep")

    def run_corpus(self, run, page, tnef="decode", schedule="text", ole="keep", default=False, **made):
        inbox, domain = Peers.get_postfix(), "%s.test" % run
        office = Office(self.base, run, corpus=SPEC, codepage=page, queues=2, people=14,
                        messages=self.options.messages, domain=domain, seed=int(page), **made)
        settings = {} if default else {"tnef": tnef, "schedule": schedule, "ole": ole}
        gate = Gateway(self.base, run + ".gw", peer_relay(inbox.peer),
                       [office.native(timezone=ZONE, **settings)], [office.map],
                       postmaster="pm@" + domain)
        gate.drain(timeout=300)
        wanted = office.wanted_copies()
        copies = inbox.wait(domain, len(wanted), 120)
        self.assert_none(office.check(), "the postoffice")
        came = {(copy.id, rcpt) for copy in copies for rcpt in copy.rcpts}
        self.assertEqual(len(came), len(wanted))
        self.check_copies(office, gate, {copy.id: copy for copy in copies},
                          comparetnef.Settings(ZONE, gateway.HOSTNAME, office.truth["map"], tnef,
                                               schedule, ole), run == "decode")

    def check_copies(self, office, gate, copies, settings, others):
        ids = {row["msgid"]: row["mai"] for row in gate.events("queued")}
        noted = {row["msgid"] for row in gate.events("winmail-damaged")}
        truth = {message["mai"]: message for message in office.truth["messages"]}
        options = gateway.compare.arguments(
            ["--truth", office.truth_file, "--received", "-", "--encap-domain", gateway.HOSTNAME,
             "--zone", ZONE])
        options.zone_info = settings.zone
        found, kinds = [], set()
        for copy in copies.values():
            message = truth[ids[copy.id]]
            kind = message["winmail"]["kind"] if "winmail" in message else "none"
            kinds.add(kind)
            wanted = comparetnef.expected(message, settings)
            one = comparetnef.differences(wanted, comparetnef.Shown(copy.message), settings.zone)
            one += head_problems(office.truth, message, copy, options)
            one += compare.defects(copy.message) + compare.second_opinion(copy)
            one += damage_problems(message, copy.id in noted, settings)
            if wanted.passed and not one:
                stream = comparetnef.Shown(copy.message).parts[-1][3]
                one += others_read(self.base, message["mai"] + ".sent", stream, message)
            if "winmail" in message and not comparetnef.is_damaged(message, settings) and others:
                one += others_read(self.base, message["mai"], comparetnef.stream_of(message), message)
            found += ["%s (%s): %s" % (message["mai"], kind, text) for text in one]
        self.assert_none(found, "what arrived")
        self.assertEqual(kinds, set(comparetnef.kinds(SPEC)))


def damage_problems(message, noted, settings):
    """The log tells of each stream that could not be read whole, and of no other."""
    damaged = settings.tnef in ("decode", "pass") and comparetnef.is_damaged(message, settings)
    return [] if noted == damaged else ["the log %s of damage" % ("tells" if noted else "does not tell")]


def main():
    parser = gateway.parser_for(__doc__.split("\n")[0])
    parser.add_argument("--messages", type=int, default=80)
    options = parser.parse_args()
    Peers.domains = ["%s.test" % run for run in RUNS]
    return gateway.run_program("winmail", sys.modules[__name__], options)


if __name__ == "__main__":
    sys.exit(main())
