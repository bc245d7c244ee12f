#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The native door, from made postoffices to real mail servers: what arrives equals the truth, the
postoffice changes as the published rules demand and nowhere else, and a second run does nothing.

One Postfix takes the mail of all seeds; the domain tells which seed a copy is of. Needs root."""
import email
import email.policy
import os
import sys
import tempfile

import gateway
from gateway import PASSWORD, USER, Case, Gateway, Office, peer_relay

from exim import EximPeer
from postfix import PostfixPeer

CODEPAGES = ("437", "850", "1252")
ZONES = ("UTC", "Europe/Berlin", "America/New_York")
# tls, allowed mechanisms (None: the strongest), the one that must have been used
WAYS = (
    ("starttls", None, "SCRAM-SHA-256"),
    ("starttls", ["PLAIN"], "PLAIN"),
    ("implicit", None, "SCRAM-SHA-256"),
    ("starttls", ["CRAM-MD5"], "CRAM-MD5"),
    ("starttls", ["LOGIN"], "LOGIN"),
    ("starttls", ["SCRAM-SHA-256"], "SCRAM-SHA-256"),
    ("implicit", ["LOGIN", "PLAIN"], None),
)
EXIM_WAYS = (("starttls", None, "CRAM-MD5"), ("implicit", ["PLAIN"], "PLAIN"))
DELIVERY_LIMIT = 45


def tree(root):
    """{relative name: octets} of all files, for a comparison to the bit."""
    found = {}
    for top, _, files in os.walk(root):
        for name in files:
            path = os.path.join(top, name)
            with open(path, "rb") as source:
                found[os.path.relpath(path, root)] = source.read()
    return found


class Inbox:
    """What a peer has delivered; each file is read and parsed once."""

    def __init__(self, peer):
        self.peer, self.known = peer, {}

    def copies(self, domain):
        """All copies for recipients of that domain, as maildir.Received."""
        folder = os.path.join(self.peer.maildir, "new")
        for name in os.listdir(folder) if os.path.isdir(folder) else ():
            if name not in self.known:
                with open(os.path.join(folder, name), "rb") as source:
                    raw = gateway.maildir.network_form(source.read())
                self.known[name] = gateway.maildir.Received(name, raw, None, None)
        ending = "@" + domain.lower()
        return [
            copy for copy in self.known.values() if any(r.endswith(ending) for r in copy.rcpts)
        ]

    def wait(self, domain, count, timeout=DELIVERY_LIMIT):
        """Until `count` copies for the domain are there and the server's queue is empty."""
        try:
            gateway.wait_until(
                lambda: len(self.copies(domain)) >= count and self.peer.queue_length() == 0,
                timeout, "%d copies for %s" % (count, domain), 0.1)
        except gateway.PeerError as late:
            raise gateway.GatewayError("%s: %d came" % (late, len(self.copies(domain)))) from None
        return self.copies(domain)


class Peers:
    """The servers of the program: each is started when first asked for, and ended at the end."""

    postfix = exim = None
    domains = ()

    @classmethod
    def get_postfix(cls):
        if cls.postfix is None:
            peer = PostfixPeer(os.path.join(Case.base, "postfix"), cls.domains, {USER: PASSWORD})
            cls.postfix = Inbox(peer.start())
        return cls.postfix

    @classmethod
    def get_exim(cls):
        if cls.exim is None:
            peer = EximPeer(os.path.join(Case.base, "exim"), cls.domains, {USER: PASSWORD},
                            cache_dir=Case.options.exim_cache)
            cls.exim = Inbox(peer.start())
        return cls.exim

    @classmethod
    def stop(cls):
        for inbox in (cls.postfix, cls.exim):
            if inbox is not None:
                inbox.peer.stop()
        cls.postfix = cls.exim = None


def tearDownModule():
    Peers.stop()


def not_canonical(copies):
    """Texts in base64 whose line ends are not CR LF (RFC 2045 6.8)."""
    return [
        "%s: a bare LF in a text in base64" % copy.file
        for copy in copies
        for part in copy.message.walk()
        if part.get_content_type() == "text/plain"
        and str(part["Content-Transfer-Encoding"]).lower() == "base64"
        and b"\n" in part.get_payload(decode=True).replace(b"\r\n", b"")
    ]


class Run:
    """One postoffice, one gateway for it, and what both must look like afterwards."""

    def __init__(self, test, name, seed, inbox, way, **settings):
        self.test, self.inbox, self.way = test, inbox, way
        self.domain, self.admin = name + ".test", name + "-admin.test"
        self.zone = ZONES[seed % len(ZONES)]
        self.unmapped = settings.pop("unmapped", "leave")
        self.items = "mapped" if self.unmapped == "report" else "expected"
        self.office = Office(
            test.base, name, seed=seed, codepage=CODEPAGES[seed % 3], messages=100 + 3 * (seed % 25),
            domain=self.domain, lowercase=seed % 4 == 0, stranded_lock=seed % 5 == 0)
        section = self.office.native(
            timezone=self.zone, unmapped=self.unmapped, batch=(5, 50, 200)[seed % 3])
        self.gateway = Gateway(
            test.base, name + ".gw", peer_relay(inbox.peer, way[0], way[1]), [section],
            [self.office.map], postmaster="postmaster@" + self.admin, **settings)
        self.wanted = self.office.wanted_copies(self.items)

    def sent(self):
        """Rows of what was sent to the people of the map, reports left out."""
        ending = "@" + self.domain.lower()
        return [r for r in self.gateway.events("sent") if r["rcpt"].lower().endswith(ending)]

    def check_all(self):
        """Everything that holds after the mail was relayed and before the second run."""
        copies = self.inbox.wait(self.domain, len(self.wanted))
        self.test.assert_none(
            self.office.compare(copies, self.items, zone=self.zone), "what arrived")
        self.test.assert_none(not_canonical(copies), "what arrived")
        self.check_envelopes(copies)
        self.test.assert_none(self.office.check(self.items), "the postoffice")
        self.check_log()
        self.check_queue()
        self.check_secrets()
        self.test.assertEqual(os.listdir(os.path.join(self.gateway.spool, "tmp")), [])

    def check_envelopes(self, copies):
        """The sender where it has an SMTP address, else the postmaster."""
        table, senders = self.office.truth["map"], {}
        for message in self.office.truth["messages"]:
            name = message["sender"]
            known = name.upper() in table or name.upper().startswith("SMTP:")
            senders[message["mai"]] = (
                gateway.compare.smtp_of(name, table, "")[0] if known else "postmaster@" + self.admin)
        mai = {row["msgid"]: row["mai"] for row in self.gateway.events("queued")}
        for copy in copies:
            self.test.assertEqual(str(copy.message["Return-Path"]).strip("<>").lower(),
                                  senders[mai[copy.id]].lower(), copy.file)

    def check_log(self):
        sent = self.sent()
        self.test.assertEqual(
            sorted((row["mai"], row["rcpt"].lower()) for row in sent), sorted(self.wanted),
            "one line for each message and recipient that was sent")
        used = {row.get("auth") for row in sent}
        if self.way[2] is not None:
            self.test.assertEqual(used, {self.way[2]})
        for row in sent:
            self.test.assertRegex(row.get("tls", ""), r"^TLSv1\.[23]")
            self.test.assertRegex(row["reply"], r"^250")
        self.test.assertEqual(self.gateway.events("possible-duplicate"), [])

    def check_queue(self):
        """All is sent; what remains on the postoffice is what the truth says, each with a reason."""
        rows = self.gateway.queue()
        self.test.assertEqual(
            sorted((row["mai"], row["to"].lower()) for row in rows if row["state"] == "sent"
                   and not row["report_of"]), sorted(self.wanted))
        self.test.assertEqual({row["state"] for row in rows} - {"sent", "failed"}, set())
        left = self.office.expected("all") - self.office.expected(self.items)
        remains = self.gateway.json("status", "--remains")
        self.test.assertEqual(
            {(row["mailbag"], row["record"]) for row in remains}, left, "what remains")
        self.test.assertEqual({row["cause"] for row in remains} - {"unmapped"}, set())

    def check_secrets(self):
        for path in (self.gateway.log, self.gateway.console):
            with open(path, encoding="utf-8", errors="replace") as source:
                self.test.assertNotIn(PASSWORD, source.read(), path)

    def check_second(self):
        """A second run relays nothing and changes nothing."""
        before, events = tree(self.office.root), len(self.gateway.events("sent"))
        count = len(self.inbox.copies(self.domain))
        self.gateway.drain()
        self.test.assertEqual(tree(self.office.root), before, "the postoffice changed")
        self.test.assertEqual(len(self.gateway.events("sent")), events)
        self.test.assertEqual(self.gateway.events("duplicate"), [])
        self.test.assertEqual(self.inbox.peer.queue_length(), 0)
        self.test.assertEqual(len(self.inbox.copies(self.domain)), count)
        self.test.assert_none(self.gateway.integrity(), "the store")


class Seeds(Case):
    """One test for each seed; main() makes them."""

    @classmethod
    def add(cls, seed):
        def drain_seed(self):
            run = Run(self, "s%d" % seed, seed, Peers.get_postfix(), WAYS[seed % len(WAYS)])
            run.gateway.drain()
            run.check_all()
            run.check_second()

        setattr(cls, "test_seed_%03d" % seed, drain_seed)


def failure_report(copy):
    """{(Message-ID, MS Mail address)} that a report is about; AssertionError if it is none."""
    message = copy.message
    assert message.get_content_type() == "multipart/report", message.get_content_type()
    assert message.get_content_type() and message.get_param("report-type") == "delivery-status"
    assert str(message["Return-Path"]) == "<>", "Return-Path %r" % message["Return-Path"]
    assert message["Auto-Submitted"] == "auto-replied"
    parts = list(message.iter_parts())
    kinds = [part.get_content_type() for part in parts]
    assert kinds == ["text/plain", "message/delivery-status", "text/rfc822-headers"], kinds
    blocks = parts[1].get_payload()
    about, recipients = blocks[0], blocks[1:]
    assert str(about["Reporting-MTA"]).startswith("dns;"), str(about)
    headers = email.message_from_string(parts[2].get_content(), policy=email.policy.default)
    ident = str(headers["Message-ID"]).strip()
    found = set()
    for block in recipients:
        assert block["Action"] == "failed" and block["Status"] == "5.1.1", str(block)
        kind, _, name = str(block["Original-Recipient"]).partition(";")
        assert kind == "x-msmail", str(block)
        assert name.strip() in parts[0].get_content(), "not told to people: %s" % name
        found.add((ident, name.strip()))
    return found


class Reports(Case):
    """unmapped = report: nothing that has a mapped recipient stays; the others come back."""

    def run_seed(self, seed):
        run = Run(self, "r%d" % seed, seed, Peers.get_postfix(), WAYS[0], unmapped="report",
                  report_to="postmaster")
        # what failed is something that the operator must know: status 1
        run.gateway.drain(expect=1)
        ids = {row["mai"]: row["message_id"] for row in run.gateway.queue() if row["mai"]}
        wanted = [
            {(ids[message["mai"]], address) for address in item["unmapped"]}
            for message, item in gateway.checkpo.truth_items(run.office.truth)
            if item["mapped"] and item["unmapped"]
        ]
        self.assertGreater(len(wanted), 5, "the seed has too few such items")
        reports = run.inbox.wait(run.admin, len(wanted))
        found = [failure_report(copy) for copy in reports]
        self.assertEqual(sorted(map(sorted, found)), sorted(map(sorted, wanted)))
        self.assertEqual({tuple(copy.rcpts) for copy in reports}, {("postmaster@" + run.admin,)})
        for copy in reports:
            self.assert_none(gateway.compare.strict5322.check(copy.raw)[0], "a report")
        failed = [row for row in run.gateway.queue() if row["state"] == "failed"]
        self.assertEqual(len(failed), sum(len(addresses) for addresses in wanted))
        self.assertTrue(all(row["reported"] for row in failed))
        run.check_all()
        run.check_second()
        self.assertEqual(len(run.inbox.copies(run.admin)), len(wanted), "reported once")

    def test_report_to_originators(self):
        """As above, to who sent it where the map has him; his message comes back."""
        run = Run(self, "r103", 103, Peers.get_postfix(), WAYS[0], unmapped="report")
        run.gateway.drain(expect=1)
        table, postmaster = run.office.truth["map"], "postmaster@" + run.admin
        wanted = sorted(
            table.get(message["sender"].upper(), {"smtp": postmaster})["smtp"].lower()
            for message, item in gateway.checkpo.truth_items(run.office.truth)
            if item["mapped"] and item["unmapped"])
        own = [address for address in wanted if address != postmaster]
        self.assertTrue(own and len(own) < len(wanted), "the seed has too few such items")
        run.inbox.wait(run.admin, len(wanted) - len(own))
        copies = run.inbox.wait(run.domain, len(run.wanted) + len(own))
        reports = [copy for copy in copies + run.inbox.copies(run.admin)
                   if "MSMail gateway" in str(copy.message["From"])]
        self.assertEqual(sorted(rcpt.lower() for copy in reports for rcpt in copy.rcpts), wanted)
        for copy in reports:
            self.assert_none(gateway.compare.strict5322.check(copy.raw)[0], "a report")
            self.assertEqual(str(copy.message["Return-Path"]), "<>")
            kinds = [part.get_content_type() for part in copy.message.iter_parts()]
            self.assertEqual(kinds[2], "text/rfc822-headers" if copy.rcpts == [postmaster]
                             else "message/rfc822")

    def test_report_1(self):
        self.run_seed(101)

    def test_report_2(self):
        self.run_seed(102)


class Exim(Case):
    """The same against a server of another family."""

    def run_seed(self, seed, way):
        run = Run(self, "x%d" % seed, seed, Peers.get_exim(), way)
        run.gateway.drain()
        run.check_all()
        run.check_second()

    def test_exim_starttls(self):
        self.run_seed(201, EXIM_WAYS[0])

    def test_exim_implicit(self):
        self.run_seed(202, EXIM_WAYS[1])


class DryRun(Case):
    def test_dry_run(self):
        """--dry-run changes neither postoffice nor server."""
        inbox = Peers.get_postfix()
        run = Run(self, "dry", 7, inbox, WAYS[0])
        before = tree(run.office.root)
        run.gateway.drain("--dry-run")
        self.assertEqual(tree(run.office.root), before)
        self.assertEqual(inbox.copies(run.domain), [])
        self.assertEqual(run.gateway.queue(), [])
        run.gateway.drain()
        run.check_all()


class KnownKey(Case):
    def test_unknown_positions(self):
        """What needs more of the key than the profile knows stays and is told; all else goes."""
        known, domain = 300, "key.test"
        office = Office(self.base, "key", seed=31, domain=domain, known_key=known)
        inbox = Peers.get_postfix()
        gate = Gateway(self.base, "key.gw", peer_relay(inbox.peer), [office.native()],
                       [office.map], postmaster="postmaster@" + domain)
        short = {m["mai"] for m in office.truth["messages"] if m["longest_run"] <= known}
        expected = office.expected()
        gate.drain(expect=None)
        gone = {
            (message["mai"], item["mailbag"], item["record"])
            for message, item in gateway.checkpo.truth_items(office.truth)
            if (item["mailbag"], item["record"]) not in office.live()
        }
        listed = os.path.join(self.base, "key.list")
        gateway.write_file(listed, "".join("%s %d\n" % place[1:] for place in sorted(gone)))
        self.assertLessEqual({place[1:] for place in gone}, expected)
        must = {
            (message["mai"], item["mailbag"], item["record"])
            for message, item in gateway.checkpo.truth_items(office.truth)
            if item["relay"] and message["mai"] in short
        }
        self.assertGreater(len(must), 3)
        self.assertLessEqual(must, gone, "short ones must go")
        self.assertLess(len(gone), len(expected), "long ones cannot go")
        wanted = office.wanted_copies(listed)
        copies = inbox.wait(domain, len(wanted))
        self.assert_none(office.compare(copies, listed), "what arrived")
        reader = office.reader()
        self.assert_none(gateway.checkpo.violations(
            office.reader(before=True), reader, {place[1:] for place in gone}), "the postoffice")
        damaged = {(row["mailbag"], row["record"]): row for row in
                   gate.json("status", "--remains") if row["cause"] == "damaged"}
        self.assertEqual(
            {place for place in expected if place not in {g[1:] for g in gone}},
            {place for place in damaged if place in expected})
        for row in damaged.values():
            self.assertIn("key", row["reason"])


class Daemon(Case):
    def settled(self, gate, office):
        """Nothing that is to go is on the postoffice, and all rows of the queue are final."""

        def condition():
            live = set(office.live())
            states = gate.states()
            return not office.expected() & live and states and set(states) == {"sent"}

        return condition

    def test_daemon(self):
        inbox = Peers.get_postfix()
        first = Office(self.base, "d1", seed=41, codepage="850", domain="d1.test")
        second = Office(self.base, "d2", seed=42, codepage="437", domain="d2.test")
        gate = Gateway(self.base, "d.gw", peer_relay(inbox.peer), [first.native(interval=1)],
                       [first.map, second.map], postmaster="postmaster@d1.test")
        with gate.daemon():
            gate.wait(self.settled(gate, first), DELIVERY_LIMIT, "the first postoffice")
            self.wait_office(gate, first)
            self.check_status(gate)
            self.reload_good(gate, second)
            gate.wait(self.settled(gate, second), DELIVERY_LIMIT, "the second postoffice")
            self.wait_office(gate, second)
            self.reload_bad(gate)
            self.check_end(gate)
        for office in (first, second):
            self.check_office(inbox, office)

    def wait_office(self, gate, office):
        """As it has to be between two sweeps: during one, its lock is there."""
        gate.wait(lambda: not office.check(), 20, "%s without a complaint" % office.title)

    def check_office(self, inbox, office):
        copies = inbox.wait(office.domain, len(office.wanted_copies()))
        self.assert_none(office.compare(copies), "what arrived")
        self.assert_none(office.check(), "the postoffice")

    def check_status(self, gate):
        gate.wait(lambda: len(gate.children()) == 2, 10, "both children")
        rows = gate.json("status")
        alive = {row["process"]: row["pid"] for row in rows if row["kind"] == "process"}
        self.assertEqual(alive, gate.children())
        self.assertEqual([row["sending"] for row in rows if row["kind"] == "queue"], [0])

    def reload(self, gate):
        """SIGHUP after the log was moved away, until both processes are new and log to its name."""
        before = gate.children()
        self.assertEqual(len(before), 2)
        os.rename(gate.log, gate.log + ".1")
        gate.process.send_signal(gateway.signal.SIGHUP)
        gate.wait(lambda: set(gate.children()) == set(before)
                  and not set(gate.children().values()) & set(before.values()), 30, "new processes")
        gate.wait(lambda: {"intake", "relay"} <= {r["reason"] for r in gate.events("started")}, 10,
                  "a new log file")

    def reload_good(self, gate, office):
        """The new settings hold: another postoffice is drained, too."""
        gate.postoffices.append(office.native(interval=1))
        gate.write_settings()
        self.reload(gate)

    def reload_bad(self, gate):
        """A file with an error: the message has file and line, the old settings stay."""
        lines = gate.settings_text().splitlines()
        at = next(i for i, line in enumerate(lines) if line.startswith("postmaster"))
        lines[at] = 'postmaster = "nobody"'
        gate.write_settings("\n".join(lines).replace('"d2"', '"other"') + "\n")
        self.reload(gate)
        said = gate.console_text()
        self.assertIn("the old settings stay in use", said)
        self.assertIn("%s:%d: postmaster" % (gate.settings_file, at + 1), said)
        gate.write_settings()
        began = gateway.time.monotonic()

        def swept():
            rows = [row for row in gate.json("status") if row["kind"] == "postoffice"]
            self.assertEqual([row["title"] for row in rows], ["d1", "d2"])
            ages = [row["sweep_age"] for row in rows]  # None: not swept yet
            return all(age is not None and age < gateway.time.monotonic() - began for age in ages)

        gate.wait(swept, 20, "sweeps with the old settings")

    def check_end(self, gate):
        pids = [gate.pid] + list(gate.children().values())
        began = gateway.time.monotonic()
        self.assertEqual(gate.stop(timeout=20), 0)
        self.assertLess(gateway.time.monotonic() - began, 10, "SIGTERM took too long")
        self.assertFalse([pid for pid in pids if gateway.alive(pid)])
        self.assertEqual(len(gate.events("stopped")), 2, "both said goodbye")
        self.assertEqual([row for row in gate.json("status", expect=None)
                          if row["kind"] == "process"], [])
        self.assert_none(gate.integrity(), "the store")


def seeds_of(text):
    """"1-20", "3", "1,5,9" """
    found = []
    for part in text.split(","):
        low, _, high = part.partition("-")
        found += range(int(low), int(high or low) + 1)
    return found


def main():
    parser = gateway.parser_for(__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=seeds_of, default="1-20", metavar="1-20")
    parser.add_argument("--exim-cache", default=os.environ.get("PEERS_CACHE") or os.path.join(
        tempfile.gettempdir(), "msmailgw-exim"), metavar="DIR", help="an unpacked Exim is kept here")
    options = parser.parse_args()
    for seed in options.seeds:
        Seeds.add(seed)
    names = ["s%d" % seed for seed in options.seeds]
    names += ["r101", "r102", "r103", "x201", "x202", "dry", "key", "d1", "d2"]
    Peers.domains = [name + end for name in names for end in (".test", "-admin.test")]
    return gateway.run_program("native", sys.modules[__name__], options)


if __name__ == "__main__":
    sys.exit(main())
