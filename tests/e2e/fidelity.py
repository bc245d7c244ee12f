#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The corpus of corpus.spec from the postoffice through a real Postfix into a Maildir: what arrives is
what was meant, as Python's email package, a strict reader, Dovecot and notmuch read it, and nothing
of it is malformed by SpamAssassin's rules about form.

  --messages N     of each code page, at least; all pairs need about 245

Needs root, for Postfix."""
import sys

import gateway
from gateway import Case, Gateway, Office, peer_relay
from native import Peers

import corpus
import makereports
import readers

ZONE = "Europe/Berlin"
PAGES = ("850", "437", "1252", "866", "852", "932")


def tearDownModule():
    Peers.stop()


def dovecot_problems(row, message, wanted):
    """What Dovecot reads otherwise than the truth has it."""
    found = []
    subject = row["hdr.subject.utf8"] or ""
    if subject.strip() != wanted.subject.strip():
        found.append("subject %r, not %r" % (subject, wanted.subject))
    envelope = row["imap.envelope"]
    for address, _ in wanted.sender + wanted.to + wanted.cc:
        local, _, domain = address.rpartition("@")
        if '"%s" "%s"' % (local, domain) not in envelope:
            found.append("%s is not in the envelope" % address)
    count = row["imap.bodystructure"].count('("attachment" ')
    if count != len(message["attachments"]):
        found.append("%d attachments, not %d" % (count, len(message["attachments"])))
    return ["Dovecot: %s: %s" % (message["mai"], text) for text in found]


def notmuch_problems(row, message, wanted):
    """What notmuch has in its index otherwise than the truth has it."""
    subject, count = row
    found = []
    if subject.strip() != wanted.subject.strip():
        found.append("subject %r, not %r" % (subject, wanted.subject))
    if count != len(message["attachments"]):
        found.append("%d attachments, not %d" % (count, len(message["attachments"])))
    return ["notmuch: %s: %s" % (message["mai"], text) for text in found]


class Corpus(Case):
    """All pairs of the corpus in each of four code pages."""

    def test_western(self):
        self.run_corpus("850")

    def test_american(self):
        self.run_corpus("437", block="keep")

    def test_windows(self):
        self.run_corpus("1252", reports=None)

    def test_russian(self):
        self.run_corpus("866", layout="random", language="russian", reports=None)

    def test_polish(self):
        self.run_corpus("852", layout="random", language="polish", seed=853)

    def test_japanese(self):
        self.run_corpus("932")

    def run_corpus(self, page, block="use", **options):
        inbox, domain = Peers.get_postfix(), "p%s.test" % page
        more = {"seed": int(page), "reports": makereports.SPEC, **options}
        office = Office(self.base, "p" + page, corpus=corpus.SPEC, codepage=page, queues=2, people=14,
                        messages=self.options.messages, domain=domain, **more)
        gate = Gateway(self.base, "p%s.gw" % page, peer_relay(inbox.peer),
                       [office.native(timezone=ZONE, **{"header-block": block})], [office.map],
                       postmaster="pm@" + domain)
        gate.drain(timeout=300)
        wanted = office.wanted_copies()
        self.assertGreaterEqual(len({mai for mai, _ in wanted}), self.options.messages * 8 // 10)
        copies = inbox.wait(domain, len(wanted), 120)
        self.assert_none(office.compare(copies, zone=ZONE, header_block=block), "what arrived")
        self.assert_none(office.check(), "the postoffice")
        self.check_others(office, gate, copies, block)

    def check_others(self, office, gate, copies, block):
        ids = {row["msgid"]: row["mai"] for row in gate.events("queued")}
        truth = {message["mai"]: message for message in office.truth["messages"]}
        options = gateway.compare.arguments(
            ["--truth", office.truth_file, "--received", "-", "--encap-domain", gateway.HOSTNAME,
             "--zone", ZONE, "--header-block", block])
        one_each = {copy.id: copy for copy in copies}
        octets = {ident: copy.raw for ident, copy in one_each.items()}
        wanted = {ident: gateway.compare.Wanted(office.truth, truth[ids[ident]], options)
                  for ident in one_each}
        found = []
        for row in readers.dovecot(self.base, octets):
            ident = row["hdr.message-id"]
            found += dovecot_problems(row, truth[ids[ident]], wanted[ident])
        for bare, row in readers.notmuch(self.base, octets).items():
            ident = "<%s>" % bare
            found += notmuch_problems(row, truth[ids[ident]], wanted[ident])
        found += readers.spamassassin(self.base, octets)
        self.assert_none(found, "other readers")


def main():
    parser = gateway.parser_for(__doc__.split("\n")[0])
    parser.add_argument("--messages", type=int, default=80)
    options = parser.parse_args()
    Peers.domains = ["p%s.test" % page for page in PAGES]
    return gateway.run_program("fidelity", sys.modules[__name__], options)


if __name__ == "__main__":
    sys.exit(main())
