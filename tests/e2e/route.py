#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The way to the server: hosts in order, pinned certificates, limits of a connection, expiry and
reports, and a large message in little memory."""
import email
import email.policy
import hashlib
import os
import re
import resource
import socket
import sqlite3
import subprocess
import sys

import gateway
from gateway import CASES, SINK_PASSWORD, BadServer, Case, Gateway, Office, Pki, Sink

BIG = 100 * 1000 * 1000
MEMORY_KB = 64 * 1024

# a GET program that gives one prepared file, once
GIVE = """import os, sys
if os.path.exists(sys.argv[1]):
    os.rename(sys.argv[1], sys.argv[2])
"""


def closed_port():
    """A port of loopback on which nobody listens: bound, never listened on, until it is closed."""
    taken = socket.socket()
    taken.bind(("127.0.0.1", 0))
    return taken


def fingerprint(pki, kind="good"):
    certificate, _ = pki.cert(kind)
    out = subprocess.run(["openssl", "x509", "-in", certificate, "-outform", "DER"],
                         check=True, capture_output=True).stdout
    return hashlib.sha256(out).hexdigest()


class Routes(Case):
    def setUp(self):
        self.name = self.id().rsplit(".", 1)[1].removeprefix("test_")
        self.directory = os.path.join(self.base, self.name)
        os.mkdir(self.directory, 0o711)

    def office(self, **more):
        return Office(self.directory, "po", **dict({"seed": 5, "messages": 12}, **more))

    def gate(self, relay, office, **settings):
        return Gateway(self.directory, "gw", relay, [office.native()], [office.map],
                       password=SINK_PASSWORD, **settings)

    def sink(self, **more):
        return Sink(self.directory, **more)

    def test_second_host_when_the_first_is_down(self):
        office = self.office()
        with self.sink() as sink, closed_port() as down:
            relay = sink.relay()
            relay["hosts"] = ["127.0.0.1:%d" % down.getsockname()[1]] + relay["hosts"]
            gate = self.gate(relay, office)
            gate.drain()
            self.assert_none(office.compare(sink.copies()), "received")
            self.assert_none(office.check(), "postoffice")
            hosts = {row["relay"] for row in gate.events("sent")}
            self.assertTrue(all(host.endswith(relay["hosts"][1].split(":")[1]) for host in hosts))

    def test_first_host_is_preferred(self):
        office = self.office()
        with self.sink(name="one") as first, self.sink(name="two") as second:
            relay = first.relay()
            relay["hosts"] = relay["hosts"] + second.relay()["hosts"]
            self.gate(relay, office).drain()
            self.assert_none(office.compare(first.copies()), "received")
            self.assertEqual(second.copies(), [])

    def test_pinned_certificate(self):
        office = self.office()
        with self.sink() as sink:
            relay = sink.relay(pin=fingerprint(sink.pki))
            del relay["ca-file"], relay["server-name"]
            self.gate(relay, office).drain()
            self.assert_none(office.compare(sink.copies()), "received")

    def test_pin_of_another_certificate(self):
        office = self.office()
        with self.sink() as sink:
            relay = sink.relay(pin=fingerprint(sink.pki, "wrongname"))
            gate = self.gate(relay, office)
            done = gate.drain(expect=1)
            self.assertEqual(sink.copies(), [])
            self.assertEqual({row["state"] for row in gate.queue()}, {"queued"})
            self.assertIn(fingerprint(sink.pki), done.err + str(gate.json("status", expect=1)))
            for row in sink.server.log.events:
                self.assertNotIn("AUTH", row.get("line", ""))

    def test_few_messages_on_a_connection(self):
        office = self.office(messages=40)
        with self.sink() as sink:
            gate = self.gate(sink.relay(messages=3, connections=2), office)
            gate.drain()
            self.assert_none(office.compare(sink.copies()), "received")
            per_connection = {}
            for row in sink.server.messages():
                per_connection[row["conn"]] = per_connection.get(row["conn"], 0) + 1
            self.assertLessEqual(max(per_connection.values()), 3)
            self.assertGreaterEqual(len(per_connection), 3)

    def test_few_recipients_in_an_envelope(self):
        office = self.office(messages=40)
        with self.sink() as sink:
            self.gate(sink.relay(**{"max-recipients": 1}), office).drain()
            self.assert_none(office.compare(sink.copies()), "received")
            self.assertEqual({len(row["to"]) for row in sink.server.messages()}, {1})

    def test_waiting_for_a_slow_server_is_idle(self):
        office = self.office()
        rules = [{"at": "dot", "do": [["delay", 9], ["good"]], "times": 1}]
        with self.sink(rules=rules) as sink:
            gate = self.gate(sink.relay(), office)
            before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_nvcsw
            gate.drain()
            waits = resource.getrusage(resource.RUSAGE_CHILDREN).ru_nvcsw - before
            self.assert_none(office.compare(sink.copies()), "received")
            self.assertLess(waits, 1000)

    def test_refused_recipient_is_reported(self):
        office = self.office(messages=30)
        victim = sorted(rcpt for _, rcpt in office.wanted_copies())[0]
        rules = [{"at": "rcpt", "arg": victim, "do": [["reply", "550 5.1.1 nobody of that name"]]}]
        with self.sink(rules=rules) as sink:
            gate = self.gate(sink.relay(), office)
            gate.drain(expect=1)
            failed = gate.queue("failed")
            self.assertTrue(failed)
            self.assertEqual({row["to"] for row in failed}, {victim})
            reports = [copy for copy in sink.copies() if copy.sender == ""]
            self.assertEqual({tuple(copy.rcpts) for copy in reports}, {("postmaster@corp.example",)})
            named = [self.report(copy.raw) for copy in reports]
            self.assertEqual({rcpt for rcpt, _, _ in named}, {victim})
            self.assertEqual({status for _, status, _ in named}, {"5.1.1"})
            self.assertTrue(all("nobody of that name" in words for _, _, words in named))
            self.assertEqual(len(reports), len({row["id"] for row in failed}))

    def report(self, raw):
        message = email.message_from_bytes(raw, policy=email.policy.default)
        self.assertEqual(message.get_content_type(), "multipart/report")
        self.assertEqual(message["Auto-Submitted"], "auto-replied")
        parts = list(message.iter_parts())
        self.assertEqual(parts[1].get_content_type(), "message/delivery-status")
        fields = parts[1].get_payload()[1]
        self.assertEqual(fields["Action"], "failed")
        return (fields["Final-Recipient"].split(";")[1].strip(), fields["Status"],
                parts[0].get_content() + str(fields["Diagnostic-Code"]))

    def test_expired_mail_fails_and_is_reported(self):
        office = self.office()
        with closed_port() as down:
            relay = {"hosts": ["127.0.0.1:%d" % down.getsockname()[1]], "tls": "none",
                     "time-divisor": 100}
            gate = self.gate(relay, office, expiry=60)
            gate.drain(expect=1)
            states = {row["state"] for row in gate.queue()}
            self.assertEqual(states, {"queued"})
            # two minutes later: every message is that much older
            self.age(gate, 120000)
            gate.drain(expect=1)
            rows = [row for row in gate.queue() if row["original"] != "POSTMASTER"]
            self.assertEqual({row["state"] for row in rows}, {"failed"})
            self.assertTrue([row for row in gate.queue() if row["original"] == "POSTMASTER"])

    def test_incomplete_content_is_held(self):
        office = self.office()
        rules = [{"at": "mail", "do": [["reply", "451 4.3.0 later"]], "last_conn": 1}]
        with self.sink(rules=rules) as sink:
            gate = self.gate(sink.relay(connections=1), office)
            gate.drain(expect=1)
            with sqlite3.connect(gate.database()) as database:
                message, piece = database.execute(
                    "SELECT message, max(id) FROM chunk GROUP BY message LIMIT 1").fetchone()
                database.execute("DELETE FROM chunk WHERE id = ?", (piece,))
                database.execute("UPDATE recipient SET due_ms = 0")
            database.close()
            gate.drain(expect=1)
            states = {}
            for row in gate.queue():
                states.setdefault(row["state"], set()).add(row["id"])
            self.assertEqual(states["held"], {message})
            self.assertEqual(set(states), {"held", "sent"})

    def age(self, gate, milliseconds):
        with sqlite3.connect(gate.database()) as database:
            for table in ("message", "recipient"):
                database.execute("UPDATE %s SET expires_ms = expires_ms - ?" % table,
                                 (milliseconds,))
        database.close()

    def test_large_message_in_little_memory(self):
        source = os.path.join(self.directory, "prepared.mmf")
        digest = self.write_large(source)
        give = os.path.join(self.directory, "give.py")
        gateway.write_file(give, GIVE)
        gateway.write_file(os.path.join(self.directory, "map"), "NET/PO/BEN\tben@corp.example\n")
        section = ("big", {"name": "NET/PO", "door": "ffapi", "codepage": "850", "max-size": 2 * BIG,
                           "command": [sys.executable, give, source, "{file}"]})
        with self.sink() as sink:
            sink.case["server"]["size"] = 4 * BIG
            sink.case["server"]["caps_tls"] = ["PIPELINING", "AUTH PLAIN"]
            gate = Gateway(self.directory, "gw", sink.relay(), [section],
                           [os.path.join(self.directory, "map")], password=SINK_PASSWORD)
            before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
            gate.drain(timeout=300)
            used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
            copy, = sink.copies()
            self.assertEqual(self.attachment_digest(copy.raw), digest)
            if "address" not in self.sanitizers() and before < MEMORY_KB:
                self.assertLess(used, MEMORY_KB)

    def sanitizers(self):
        program = gateway.program("MSMAILGW", "msmailgw")
        with open(program, "rb") as source:
            return "address" if b"AddressSanitizer" in source.read() else ""

    def write_large(self, path):
        """An MMFF message with one large attachment; its digest."""
        head = ("VERSION:3.00\r\nTO:CSI:NET/PO/BEN\r\nFROM:CSI:NET/PO/ANNA\r\nDATE:1996-02-03\r\n"
                "TIME:10:11\r\nSUBJECT:large\r\nATTACHMENT:BIG.BIN %d\r\nTEXT:7\r\nHello\r\n" % BIG)
        digest, piece = hashlib.sha256(), bytes(range(256)) * 4096
        with open(path, "wb") as out:
            out.write(head.encode())
            left = BIG
            while left:
                part = piece[:left]
                out.write(part)
                digest.update(part)
                left -= len(part)
        return digest.hexdigest()

    def attachment_digest(self, raw):
        message = email.message_from_bytes(raw, policy=email.policy.default)
        part, = message.iter_attachments()
        return hashlib.sha256(part.get_content()).hexdigest()


class Probe(Case):
    def test_relay_test_tells_what_was_negotiated(self):
        office = Office(self.base, "probed", seed=6, messages=1)
        with Sink(self.base, name="probe-sink") as sink:
            gate = Gateway(self.base, "probe", sink.relay(), [office.native()], [office.map],
                           password=SINK_PASSWORD)
            row, = gate.json("relay", "test")
            self.assertTrue(re.match(r"TLSv1\.[23] ", row["tls"]), row)
            self.assertEqual(sink.copies(), [])

    def test_relay_test_of_a_wrong_certificate(self):
        case = CASES["good"]
        pki = Pki(os.path.join(self.base, "pki2"))
        server = BadServer(dict(case, server=dict(case["server"], cert="wrongname")), pki.cert,
                           deadline=60)
        office = Office(self.base, "probed2", seed=6, messages=1)
        server.start()
        try:
            gate = Gateway(self.base, "probe2", gateway.bad_relay(server, case, pki),
                           [office.native()], [office.map], password=SINK_PASSWORD)
            done = gate.run("relay", "test", expect=1)
            self.assertIn("certificate", done.out + done.err)
        finally:
            server.stop()


if __name__ == "__main__":
    sys.exit(gateway.run_program("route", sys.modules[__name__],
                                 gateway.parser_for(__doc__).parse_args()))
