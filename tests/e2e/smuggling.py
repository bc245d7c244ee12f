#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Texts, subjects and names that try to end the message and to begin another one: every end of data
that some server takes for one (CVE-2023-51764, CVE-2023-51765, CVE-2023-51766), at a real Postfix,
Exim and OpenSMTPD, and on the wire. One message is one message, with just its octets. Needs root."""
import os
import re
import sys
import tempfile

import gateway
from gateway import PASSWORD, SINK_PASSWORD, USER, Case, Gateway, Office, Sink, peer_relay
from native import Inbox

from exim import EximPeer
from opensmtpd import OpenSmtpdPeer
from postfix import PostfixPeer
from postman import Postman

QUEUE = "NORTH/SALES"
VICTIM = "victim@%s"
PIECES = (4096, 16384, 65536)   # what the programs read or write at once
ENDS = (
    b"\r\n.\r\n", b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r.\r\n", b"\r\n.\r", b"\r.\n",
    b"\n.\r", b"\r\r\n.\r\n", b"\r\n.\r\r\n", b"\n\n.\n\n", b"\n\r.\n\r", b"\r\n.\n\r\n",
    b"\r\n\0.\r\n", b"\r\n.\0\r\n", b"\r\0\n.\r\0\n", b"\n\0.\n", b"\r\n..\r\n", b"\r\n. \r\n",
    b"\r\n.\r\n.\r\n", b"\r\n\x1a.\r\n", b"\x0b.\x0b", b"\x0c.\x0c", b"\r\n.\x85\r\n",
)
HEAD_ENDS = (b"\r\n", b"\n", b"\r", b"\r\n\r\n", b"\n\n", b"\r\r", b"\n\r", b"\0", b"\x0b", b"\x85")


def order(domain):
    """The other message."""
    return (b"MAIL FROM:<evil@attack.test>\r\nRCPT TO:<" + (VICTIM % domain).encode("ascii") +
            b">\r\nDATA\r\nFrom: evil@attack.test\r\nSubject: smuggled\r\n\r\nsmuggled\r\n.\r\n"
            b"QUIT\r\n")


def lines(text):
    """A text as it has to arrive: CR, LF and CR LF end a line; NUL is nothing, nor is ^Z at the end."""
    text = text.replace(b"\0", b"").rstrip(b"\x1a")
    return re.sub(b"\r\n|\r|\n", b"\r\n", text).decode("cp850").encode("utf-8")


def one_line(text):
    """A subject or a name as it has to arrive: controls are blanks, and NUL ends it."""
    return re.sub("[\x00-\x1f\x7f-\x9f]", " ", text.split(b"\0")[0].decode("cp850"))


class Attack:
    """One message: what it has, and what has to come of it."""

    def __init__(self, number, subject=None, text=b"text\r\n", files=(), sender="NORTH/HQ/ADMIN"):
        self.mark = "N%03d" % number
        self.subject = self.mark.encode("ascii") + b" " + (subject or b"x")
        self.text, self.files, self.sender = text, files, sender


def attacks(domain):
    other, out = order(domain), []

    def add(**parts):
        out.append(Attack(len(out), **parts))

    for end in ENDS:
        add(text=b"before" + end + other + b"after" + end)
        add(text=end + other)
        add(text=b"." + end + b"QUIT", files=[(b"A.BIN", end + other)])
    for end in (b"\r\n.\r\n", b"\n.\n", b"\r.\r\n"):
        for piece in PIECES:
            for shift in range(len(end) + 1):
                add(text=b"l" * (piece - shift) + end + other)
    for end in HEAD_ENDS:
        add(subject=b"s" + end + b"Bcc: <v@x.test>")
        add(subject=b"s" + end + b"." + end + b"RSET")
        add(files=[(b"N" + end + b".TXT", b"octets")])
    for sender in (b"SMTP:a@b.test> BODY=8BITMIME", b"SMTP:a@b.test>,<c@d.test", b"SMTP:<a@b.test>",
                   b'SMTP:"a b"@b.test SIZE=1', b"SMTP:@c.test:a@b.test"):
        add(sender=sender)
    return out


# with a control in it an address is none: the item stays
DAMAGED = (b"SMTP:a@b.test\r\nRCPT TO:<v@x.test>", b"NORTH/HQ/A\nB", b"SMTP:a@b.test>\rDATA")


class Smuggling(Case):
    def test_postfix(self):
        peer = PostfixPeer(os.path.join(self.base, "postfix"), ["postfix.test"], {USER: PASSWORD})
        self.at_server(peer, peer_relay)

    def test_exim(self):
        peer = EximPeer(os.path.join(self.base, "exim"), ["exim.test"], {USER: PASSWORD},
                        cache_dir=self.options.cache)
        self.at_server(peer, peer_relay)

    def test_opensmtpd(self):
        peer = OpenSmtpdPeer(os.path.join(self.base, "opensmtpd"), ["opensmtpd.test"],
                             cache_dir=self.options.cache)
        self.at_server(peer, lambda peer: {
            "hosts": ["127.0.0.1:%d" % peer.ports["starttls"]], "tls": "none"})

    def test_wire(self):
        """What a server reads: no bare CR, LF or NUL, and no 8-bit octet, from head to end."""
        with Sink(self.base) as sink:
            wanted = self.drain("wire", sink.relay(), SINK_PASSWORD)
            copies = sink.copies()
            self.assert_none(self.problems(wanted, copies), "what arrived")
            for copy in copies:
                self.assertIsNone(re.search(b"\r(?!\n)|(?<!\r)\n|[\0\x80-\xff]", copy.raw), copy.file)
                self.assertLessEqual(max(map(len, copy.raw.split(b"\r\n"))), 998, copy.file)

    def at_server(self, peer, relay):
        with peer:
            inbox = Inbox(peer)
            wanted = self.drain(peer.name, relay(peer), PASSWORD)
            inbox.wait(peer.domains[0], len(wanted), 60)
            stored = inbox.copies(peer.domains[0])
            self.assert_none(self.problems(wanted, stored), "what arrived")
            self.assertEqual(peer.count(), len(wanted))

    def drain(self, name, relay, password):
        """Delivers all attacks and relays what is there: [attack]."""
        domain = name + ".test"
        office = Office(self.base, name + ".po", seed=23, messages=1, queues=1, people=3,
                        codepage="850", domain=domain)
        queue = next(queue for queue in office.truth["queues"] if queue["name"] == QUEUE)
        to = sorted(name for name in office.truth["map"] if name.startswith(QUEUE + "/"))[0]
        post, wanted = Postman(office.root, office.profile), attacks(domain)
        post.reset(queue["mailbag"])
        for attack in wanted:
            post.deliver([queue["mailbag"]], [to], attack.subject, attack.sender, text=attack.text,
                         files=attack.files)
        for sender in DAMAGED:
            post.deliver([queue["mailbag"]], [to], "damaged", sender)
        gate = Gateway(self.base, name + ".gw", relay, [office.native(queues=[QUEUE])],
                       [office.map], password)
        result = gate.json("drain", expect=1)[0]
        self.assertEqual((result["relayed"], result["damaged"]), (len(wanted), len(DAMAGED)))
        return wanted

    def problems(self, wanted, copies):
        found = []
        for attack in wanted:
            mine = [copy for copy in copies if str(copy.message["Subject"]).startswith(attack.mark)]
            if len(mine) != 1:
                found.append("%s: %d copies" % (attack.mark, len(mine)))
            else:
                found += ["%s: %s" % (attack.mark, text) for text in differences(attack, mine[0])]
        if len(copies) != len(wanted):
            found.append("%d copies of %d messages" % (len(copies), len(wanted)))
        return found


def differences(attack, copy):
    message, found = copy.message, []
    subject = one_line(attack.subject[:40])
    if str(message["Subject"]).rstrip() != subject.rstrip():
        found.append("subject %r, not %r" % (message["Subject"], subject))
    if message["Bcc"] or any(rcpt.startswith("victim@") for rcpt in copy.rcpts):
        found.append("a header or a recipient came in")
    text = message.get_body(("plain",)).get_payload(decode=True)
    want = lines(attack.text)
    if text != want:
        at = next((i for i, pair in enumerate(zip(text, want)) if pair[0] != pair[1]),
                  min(len(text), len(want)))
        found.append("text differs at %d: %r, not %r" % (at, text[at:at + 40], want[at:at + 40]))
    got = [part.get_content() for part in message.iter_attachments()]
    if [octets if isinstance(octets, bytes) else octets.encode() for octets in got] != [
            content for _, content in attack.files]:
        found.append("attachments: %r" % got)
    return found


def main():
    parser = gateway.parser_for(__doc__.split("\n")[0])
    parser.add_argument("--cache", default=os.environ.get("PEERS_CACHE") or os.path.join(
        tempfile.gettempdir(), "msmailgw-exim"), metavar="DIR", help="unpacked servers are kept here")
    return gateway.run_program("smuggling", sys.modules[__name__], parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
