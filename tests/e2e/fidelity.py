#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The corpus of corpus.spec from the postoffice through a real Postfix into a Maildir: what arrives is
what was meant, as Python's email package, a strict reader and Dovecot read it.

  --messages N     of each code page, at least; all pairs need about 245
  --spamassassin   its MIME checks, too: nothing is malformed

Needs root, for Postfix."""
import glob
import json
import os
import re
import shutil
import subprocess
import sys

import gateway
from gateway import PASSWORD, USER, Case, Gateway, Office, peer_relay
from native import Inbox

import corpus
import makereports
from postfix import PostfixPeer

ZONE = "Europe/Berlin"
NOBODY = 65534
PAGES = ("850", "437", "1252", "866", "852", "932")
DOVECOT = """base_dir = %(top)s/run
log_path = /dev/stderr
mail_location = maildir:%(top)s/Maildir
first_valid_uid = 1
mail_uid = %(user)d
mail_gid = %(user)d
ssl = no
"""
# rules of SpamAssassin that are about form, not about contents
MALFORMED = re.compile(
    r"MIME_(BAD|MALF|QP_LONG|BASE64_BLANKS|HEADER_CTYPE_ONLY)|MISSING_(MIME_HB_SEP|HB_SEP|DATE|MID|"
    r"FROM|HEADERS|MIMEOLE)|INVALID_(DATE|MSGID)|(SUBJ|FROM|HEAD)_ILLEGAL_CHARS|NULL_IN_BODY|"
    r"MPART_|CTYPE_NULL|BASE64_LENGTH|HEADER_COUNT|SUBJECT_NEEDS_ENCODING|FROM_NEEDS_ENC")


class Server:
    inbox = None

    @classmethod
    def get(cls):
        if cls.inbox is None:
            domains = ["p%s.test" % page for page in PAGES]
            peer = PostfixPeer(os.path.join(Case.base, "postfix"), domains, {USER: PASSWORD})
            cls.inbox = Inbox(peer.start())
        return cls.inbox


def tearDownModule():
    if Server.inbox is not None:
        Server.inbox.peer.stop()


def dovecot(base, copies):
    """{file name: fields} as Dovecot reads them."""
    top = os.path.join(base, "dovecot")
    shutil.rmtree(top, ignore_errors=True)
    for part in ("new", "cur", "tmp"):
        os.makedirs(os.path.join(top, "Maildir", part))
    for number, copy in enumerate(copies):
        name = os.path.join(top, "Maildir", "new", "%d.c%d.test" % (number + 1, number))
        with open(name, "wb") as out:
            out.write(copy.raw)
    config = os.path.join(top, "dovecot.conf")
    gateway.write_file(config, DOVECOT % {"top": top, "user": NOBODY})
    for path, _, files in os.walk(top):
        for one in [path] + [os.path.join(path, name) for name in files]:
            os.chown(one, NOBODY, NOBODY)
    argv = ["setpriv", "--reuid=%d" % NOBODY, "--regid=%d" % NOBODY, "--clear-groups", "doveadm",
            "-c", config, "-f", "json", "fetch",
            "guid hdr.subject.utf8 hdr.message-id imap.envelope imap.bodystructure body.1", "ALL"]
    done = subprocess.run(argv, capture_output=True, timeout=300,
                          env=dict(os.environ, USER="nobody", HOME=top))
    if done.returncode != 0:
        raise gateway.GatewayError("doveadm: %s" % done.stderr.decode()[-1000:])
    return json.loads(done.stdout.decode("utf-8", "surrogateescape"), strict=False)


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


def spamassassin_problems(base, copies):
    """Rules about form that SpamAssassin finds broken."""
    folder = os.path.join(base, "spamassassin")
    shutil.rmtree(folder, ignore_errors=True)
    os.mkdir(folder)
    for number, copy in enumerate(copies):
        with open(os.path.join(folder, "%d.eml" % number), "wb") as out:
            out.write(copy.raw)
    prefs = os.path.join(folder, "prefs")
    gateway.write_file(prefs, "clear_headers\nuse_bayes 0\nadd_header all Rules _TESTS(,)_\n"
                              "fold_headers 0\n")
    found = []
    for name in sorted(glob.glob(folder + "/*.eml")):
        done = subprocess.run(["spamassassin", "-L", "-x", "-p", prefs, name], capture_output=True,
                              timeout=120, env=dict(os.environ, HOME=folder))
        rules = re.search(rb"^X-Spam-Rules: (.*)$", done.stdout, re.M)
        if rules is None:
            raise gateway.GatewayError("spamassassin: %s" % done.stderr.decode()[-500:])
        found += ["%s: %s" % (name, rule) for rule in rules[1].decode().split(",")
                  if MALFORMED.match(rule)]
    return found


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
        inbox, domain = Server.get(), "p%s.test" % page
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
        found = []
        for row in dovecot(self.base, one_each.values()):
            message = truth[ids[row["hdr.message-id"]]]
            found += dovecot_problems(
                row, message, gateway.compare.Wanted(office.truth, message, options))
        self.assert_none(found, "other readers")
        if self.options.spamassassin:
            self.assert_none(
                spamassassin_problems(self.base, one_each.values()), "SpamAssassin")


def main():
    parser = gateway.parser_for(__doc__.split("\n")[0])
    parser.add_argument("--messages", type=int, default=80)
    parser.add_argument("--spamassassin", action="store_true")
    options = parser.parse_args()
    return gateway.run_program("fidelity", sys.modules[__name__], options)


if __name__ == "__main__":
    sys.exit(main())
