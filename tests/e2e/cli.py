#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Every verb of msmailgw, as text and as JSON Lines, with the service stopped and running."""
import email
import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import time

import gateway
from badcases import CASES, PASSWORD
from badsmtp import BadServer
from peerpki import Pki

# What a terminal would obey, or what turns the direction of other text.
HARMFUL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\Z")


def closed_port():
    """A port of this machine where nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Site:
    """The demonstration postoffice, a gateway for it, and a server that takes everything."""

    def __init__(self, test, name, reachable=True, **settings):
        base = os.path.join(test.base, name)
        os.mkdir(base, 0o711)
        os.chmod(base, 0o711)
        pki = Pki(os.path.join(test.base, "pki"))
        self.office = gateway.Office(base, "HQ", demo=True)
        self.store = os.path.join(base, "received")
        self.server = test.enterContext(
            BadServer(CASES["good"], pki.cert, deadline=300, store=self.store))
        self.relay = gateway.bad_relay(self.server, CASES["good"], pki)
        self.gate = gateway.Gateway(
            base, "gw", self.relay, [self.office.native()], [self.office.map],
            password=PASSWORD, log_level="info", **settings)
        test.addCleanup(self.gate.kill)
        if not reachable:
            self.disconnect()

    def received(self):
        """What the server has taken, as it came."""
        contents = []
        for row in self.server.messages():
            with open(os.path.join(self.store, row["file"]), "rb") as source:
                contents.append(source.read())
        return contents

    def disconnect(self):
        self.gate.relay["hosts"] = ["127.0.0.1:%d" % closed_port()]
        self.gate.write_settings()

    def connect(self):
        self.gate.relay["hosts"] = self.relay["hosts"]
        self.gate.write_settings()


class Cli(gateway.Case):
    def both(self, gate, *words, expect=0):
        """Text and rows of a command that changes nothing: both well-formed, same status."""
        text = gate.run(*words, expect=expect)
        self.assertIsNone(HARMFUL.search(text.out), text.out)
        rows = self.rows(gate, *words, expect=expect)
        return text.out, rows

    def rows(self, gate, *words, expect=0):
        done = gate.run("--json", *words, expect=expect)
        rows = []
        for line in done.out.splitlines():
            self.assertIsNone(HARMFUL.search(line), line)
            rows.append(json.loads(line))
        for row in rows:
            self.assertIsInstance(row, dict)
            self.assertIsInstance(row["kind"], str)
        return rows

    def states(self, gate):
        return {row["id"]: row["state"] for row in self.rows(gate, "queue", "list")}

    def test_usage(self):
        """Wrong words: status 2 and a message on stderr, nothing on stdout."""
        site = Site(self, "usage")
        wrong = [
            [], ["nothing"], ["queue"], ["queue", "nothing"], ["queue", "show"],
            ["queue", "show", "x"], ["queue", "show", "0"], ["queue", "show", "-1"],
            ["queue", "show", "1", "2"], ["queue", "show", "1", "--headers", "--message"],
            ["queue", "list", "--state", "lost"], ["queue", "list", "--limit", "0"],
            ["queue", "list", "--after", "x"], ["queue", "list", "--nothing"],
            ["queue", "hold"], ["queue", "hold", "1", "x"], ["queue", "export", "1"],
            ["map"], ["map", "nothing"], ["map", "show", "a", "b"], ["postoffice", "check"],
            ["postoffice", "check", "NONE"], ["postoffice", "mailbags", "NONE"],
            ["drain", "--postoffice", "NONE"], ["drain", "now"], ["trace"], ["trace", "1", "2"],
            ["log", "--since", "yesterday"], ["relay"], ["relay", "test", "x"], ["status", "x"],
            ["--nothing"], ["-c"],
        ]
        for words in wrong:
            with self.subTest(words=words):
                done = site.gate.run(*words, expect=2)
                self.assertEqual(done.out, "")
                self.assertNotEqual(done.err.strip(), "")
        for words in (["--help"], ["--version"], ["queue", "--help"], ["queue", "list", "--help"]):
            with self.subTest(words=words):
                self.assertIn("msmailgw", site.gate.run(*words).out)
        self.assertFalse(os.path.exists(site.gate.spool), "looking makes nothing")

    def test_settings_errors(self):
        """Every command refuses a bad file with status 2, and tells file and line."""
        site = Site(self, "settings")
        site.gate.write_settings(site.gate.settings_text() + "colour = red\n")
        line = len(site.gate.settings_text().splitlines()) + 1
        for words in (["check"], ["status"], ["postoffice", "list"], ["map", "check"], ["drain"],
                      ["queue", "list"], ["queue", "hold", "1"], ["trace", "1"], ["log"],
                      ["relay", "test"]):
            with self.subTest(words=words):
                done = site.gate.run(*words, expect=2)
                self.assertIn("%s:%d:" % (site.gate.settings_file, line), done.out + done.err)
        absent = subprocess.run([site.gate.command, "-c", "/nonexistent", "status"],
                                capture_output=True, timeout=60)
        self.assertEqual(absent.returncode, 2)
        self.assertIn(b"/nonexistent", absent.stderr)

    def test_check(self):
        site = Site(self, "check")
        text, rows = self.both(site.gate, "check")
        self.assertRegex(text.splitlines()[-1], r"^\d+ OK, \d+ WARN, 0 FAIL$")
        self.assertEqual({row["kind"] for row in rows}, {"finding"})
        self.assertEqual({row["subject"] for row in rows},
                         {"settings", "password", "map", "postmaster", "spool", "log", "HQ",
                          "relay"})
        self.assertNotIn("FAIL", {row["result"] for row in rows})
        self.assertNotIn(PASSWORD, text)

        def failing(expected):
            found = self.both(site.gate, "check", expect=1)[1]
            self.assertEqual({row["subject"] for row in found if row["result"] == "FAIL"},
                             {expected})

        os.chmod(site.gate.path("password"), 0o644)
        done = site.gate.run("--json", "check", expect=1)
        self.assertIn("password", {row["subject"] for row in done.rows()
                                   if row["result"] == "FAIL"})
        os.chmod(site.gate.path("password"), 0o600)
        site.disconnect()
        failing("relay")
        site.connect()
        with open(site.gate.map, "a", encoding="utf-8") as map_file:
            map_file.write("NORTH/SALES/BROKEN\tnot an address\n")
        failing("map")
        site.gate.write_map([site.office.map])
        os.rename(site.office.profile, site.office.profile + ".away")
        failing("HQ")
        os.rename(site.office.profile + ".away", site.office.profile)
        os.mkdir(site.gate.spool, 0o755)
        failing("spool")
        os.chmod(site.gate.spool, 0o700)
        self.both(site.gate, "check")
        site.gate.drain()
        found = self.both(site.gate, "check")[1]
        self.assertIn("the queue is sound", {row["text"] for row in found})

    def test_check_choices(self):
        """Settings by which something of a message is not sent are named, and no others are."""
        site = Site(self, "choices")

        def texts():
            return " ".join(row["text"] for row in self.both(site.gate, "check")[1])

        names = ("report-to", "system-mail", "tnef", "ole", "receipt-as-dsn")
        plain = texts()
        for name in names:
            self.assertNotIn(name, plain)
        site.gate.settings.update({"report-to": "postmaster", "envelope-sender": "gw@corp.example"})
        site.gate.postoffices[0][1].update({"system-mail": "remove", "tnef": "drop", "ole": "text",
                                            "receipt-as-dsn": "true"})
        site.gate.write_settings()
        changed = texts()
        for name in names:
            self.assertIn(name, changed)

    def test_postoffice(self):
        site = Site(self, "postoffice")
        text, rows = self.both(site.gate, "postoffice", "list")
        self.assertEqual([row["title"] for row in rows], ["HQ"])
        self.assertEqual(rows[0]["queues"], site.office.queues)
        self.assertIn(site.office.name, text)
        text, rows = self.both(site.gate, "postoffice", "mailbags", "hq")
        found = {row["name"]: row for row in rows if row["type"] == "postoffice"}
        for queue in site.office.truth["queues"]:
            live = len(site.office.reader().live(queue["mailbag"]))
            self.assertEqual(found[queue["name"]]["live"], live)
            self.assertEqual(found[queue["name"]]["id"], queue["mailbag"])
            self.assertIn(queue["name"], text)
        self.assertEqual(self.rows(site.gate, "postoffice", "mailbags", site.office.name), rows)
        text, rows = self.both(site.gate, "postoffice", "check", "HQ")
        self.assertIn("0 faults", text)
        self.assertNotIn("FAULT", {row["severity"] for row in rows[:-1]})
        bag = os.path.join(site.office.root, "MBG",
                           "%s.MBG" % site.office.truth["queues"][0]["mailbag"])
        with open(bag, "ab") as out:
            out.write(b"x")
        rows = self.both(site.gate, "postoffice", "check", "HQ", expect=1)[1]
        faults = [row for row in rows[:-1] if row["severity"] == "FAULT"]
        self.assertTrue(any(os.path.basename(bag) in row["file"] + row["text"] for row in faults),
                        faults)

    def test_map(self):
        site = Site(self, "map")
        text, rows = self.both(site.gate, "map", "show")
        with open(site.office.map, encoding="utf-8") as source:
            wanted = [line.split("\t")[:2] for line in source if not line.startswith("#")]
        self.assertEqual([[row["key"], row["smtp"]] for row in rows], wanted)
        key, smtp = wanted[0]
        text, rows = self.both(site.gate, "map", "show", key.lower())
        self.assertEqual([row["smtp"] for row in rows], [smtp])
        self.assertIn(smtp, text)
        site.gate.run("map", "show", "NO/SUCH/USER", expect=1)
        checked = site.gate.run("map", "check").out
        self.assertIn(" 0 FAIL", checked)
        self.assertIn("ICORTEZ has a mailbox and is not in the map", checked)
        self.assertNotIn("/ADMIN", checked)
        self.assertEqual({row["result"] for row in self.rows(site.gate, "map", "check")}, {"WARN"})
        with open(site.gate.map, "a", encoding="utf-8") as map_file:
            map_file.write("A/B/TURN\tturn@corp.example\t\t\tabc\u202egnp.exe\t\n")
        text, rows = self.both(site.gate, "map", "show", "A/B/TURN")
        self.assertIn("abc?gnp.exe", text)
        self.assertEqual(rows[0]["display"], "abc\u202egnp.exe")
        with open(site.gate.map, "a", encoding="utf-8") as map_file:
            map_file.write("A/B\tx@corp.example\nA/B/C\tnobody\n")
        text, rows = self.both(site.gate, "map", "check", expect=1)
        last = len(wanted) + 3 if wanted else 0
        self.assertEqual([row["line"] for row in rows], [last, last + 1])

    def test_relay(self):
        site = Site(self, "relay")
        text, rows = self.both(site.gate, "relay", "test")
        self.assertEqual(len(rows), 1)
        self.assertIs(rows[0]["ready"], True)
        self.assertRegex(rows[0]["tls"], "^TLSv1")
        self.assertTrue(rows[0]["mechanism"])
        self.assertIn("1 of 1 hosts ready", text)
        self.assertEqual(len(site.received()), 0)
        site.disconnect()
        rows = self.both(site.gate, "relay", "test", expect=1)[1]
        self.assertIs(rows[0]["ready"], False)
        self.assertEqual(rows[0]["state"], "connect")
        self.assertTrue(rows[0]["reply"])

    def test_drain(self):
        site = Site(self, "drain")
        before = site.office.live()
        text, rows = self.both(site.gate, "drain", "--dry-run")
        self.assertEqual(text, "dry run: 31 to relay, 9 to stay on the postoffice, 0 known "
                               "already, 0 damaged\n")
        self.assertEqual((rows[0]["dry_run"], rows[0]["taken"], rows[0]["left"]), (True, 31, 9))
        self.assertEqual(site.office.live(), before)
        self.assertFalse(os.path.exists(site.gate.spool))
        self.assertEqual(site.gate.events(), [])
        done = site.gate.drain("--postoffice", "HQ")
        self.assertEqual(done.out,
                         "31 relayed, 9 left on the postoffice, 0 waiting, 0 failed\n")
        self.assertEqual(done.err, "", "no progress bar but on a terminal")
        self.assertEqual(len(site.received()), 31)
        self.assertEqual(len(site.office.live()), 9)
        rows = self.rows(site.gate, "drain")
        self.assertEqual([row["kind"] for row in rows], ["drain"])
        self.assertEqual((rows[0]["relayed"], rows[0]["left"], rows[0]["waiting"],
                          rows[0]["failed"]), (0, 9, 0, 0))
        self.assertEqual(len(site.received()), 31)

    def test_drain_without_server(self):
        """What cannot be sent waits, with status 1, and the next run sends it."""
        site = Site(self, "waiting", reachable=False)
        done = site.gate.drain(expect=1)
        self.assertEqual(done.out, "0 relayed, 9 left on the postoffice, 31 waiting, 0 failed\n")
        site.connect()
        site.gate.run("queue", "retry", *sorted(self.states(site.gate)))
        rows = self.rows(site.gate, "drain")
        self.assertEqual((rows[0]["relayed"], rows[0]["waiting"]), (31, 0))
        self.assertEqual(len(site.received()), 31)

    def test_status(self):
        site = Site(self, "status")
        site.gate.run("status", expect=2)
        site.gate.drain()
        text, rows = self.both(site.gate, "status")
        kinds = {row["kind"]: row for row in rows}
        self.assertEqual(kinds["postoffice"]["title"], "HQ")
        self.assertEqual(kinds["postoffice"]["left"], 9)
        self.assertEqual(kinds["queue"]["sent"], 31)
        self.assertEqual(kinds["queue"]["remains"], 9)
        self.assertNotIn("process", kinds)
        self.assertIn("no process runs", text)
        text, rows = self.both(site.gate, "status", "--remains")
        self.assertEqual([row["kind"] for row in rows], ["remain"] * 9)
        places = {(row["mailbag"], row["record"]): row["mai"] for row in rows}
        self.assertEqual(places, site.office.live())
        self.assertEqual({row["cause"] for row in rows}, {"unmapped"})
        mai = rows[0]["mai"]
        text, rows = self.both(site.gate, "trace", mai)
        self.assertIn("remain", {row["kind"] for row in rows})

    def test_queue_list(self):
        site = Site(self, "list")
        site.gate.drain()
        text, rows = self.both(site.gate, "queue", "list")
        self.assertEqual({row["kind"] for row in rows}, {"recipient"})
        self.assertEqual({(row["mai"], row["to"].lower()) for row in rows},
                         site.office.wanted_copies())
        for row in rows:
            self.assertEqual(row["state"], "sent")
            self.assertRegex(row["received"], STAMP)
            self.assertRegex(row["message_id"], r"^<\S+@\S+>$")
            self.assertTrue(row["reply"].startswith("250"))
        self.assertEqual(len(text.splitlines()), len(rows) + 1)
        numbers = [row["recipient"] for row in rows]
        self.assertEqual(numbers, sorted(numbers))
        first = site.gate.run("queue", "list", "--limit", "10").out
        self.assertIn("--after %d" % numbers[9], first)
        paged, after = [], []
        while True:
            page = self.rows(site.gate, "queue", "list", "--limit", "10", *after)
            if not page:
                break
            self.assertLessEqual(len(page), 10)
            paged += page
            after = ["--after", page[-1]["recipient"]]
        self.assertEqual([row["recipient"] for row in paged], numbers)
        one = rows[0]["to"]
        found = self.rows(site.gate, "queue", "list", "--rcpt", one.split("@")[0])
        self.assertEqual({row["to"] for row in found}, {one})
        self.assertEqual(self.rows(site.gate, "queue", "list", "--state", "open"), [])
        self.assertEqual(len(self.rows(site.gate, "queue", "list", "--state", "held,sent")),
                         len(rows))
        self.assertEqual(site.gate.run("queue", "list", "--state", "held").out, "nothing\n")

    def test_queue_show_and_export(self):
        site = Site(self, "show")
        site.gate.drain()
        row = self.rows(site.gate, "queue", "list")[0]
        text, rows = self.both(site.gate, "queue", "show", row["id"])
        self.assertEqual(rows[0]["kind"], "message")
        self.assertEqual(rows[0]["message_id"], row["message_id"])
        self.assertEqual(rows[1]["to"], row["to"])
        self.assertIn(row["message_id"], text)
        whole = site.gate.run("queue", "show", row["id"], "--message")
        path = site.gate.path("one.eml")
        self.assertEqual(self.rows(site.gate, "queue", "export", row["id"], path)[0]["file"], path)
        with open(path, "rb") as source:
            exported = source.read()
        self.assertEqual(len(exported), row["size"])
        self.assertEqual(whole.out.encode(), exported)
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
        self.assertIn(exported, site.received(), "the server got the same octets")
        parsed = email.message_from_bytes(exported)
        self.assertEqual(parsed["Message-ID"], row["message_id"])
        headers = site.gate.run("queue", "show", row["id"], "--headers").out
        self.assertTrue(whole.out.startswith(headers))
        self.assertNotIn("\n\n", headers)
        lines = self.rows(site.gate, "queue", "show", row["id"], "--headers")
        self.assertEqual([line["line"] for line in lines], headers.splitlines())
        lines = self.rows(site.gate, "queue", "show", row["id"], "--message")
        self.assertEqual([line["line"] for line in lines], whole.out.splitlines())
        site.gate.run("queue", "export", row["id"], path, expect=2)
        with open(path, "rb") as source:
            self.assertEqual(source.read(), exported, "an existing file stays as it is")
        site.gate.run("queue", "export", row["id"], path, "--force")
        with open(path, "rb") as source:
            self.assertEqual(source.read(), exported)
        self.assertFalse(os.path.exists(path + ".part"))
        self.assertEqual(site.gate.run("queue", "export", row["id"], "-").out.encode(), exported)
        shown = {(one["name"].lower(), one["value"]) for one in rows if one["kind"] == "header"}
        self.assertIn(("message-id", row["message_id"]), shown)
        self.assertIn(("subject", row["subject"]), shown)
        self.assertTrue([one for one in rows if one["kind"] == "part"])
        absent = site.gate.path("none.eml")
        for words in (["show", "99999"], ["show", "99999", "--message"],
                      ["show", "99999", "--headers"], ["export", "99999", absent]):
            site.gate.run("queue", *words, expect=1)
        self.assertFalse(os.path.exists(absent))

    def change(self, gate, verb, *ids, expect=0):
        rows = self.rows(gate, "queue", verb, *ids, expect=expect)
        self.assertEqual([row["kind"] for row in rows], ["change"] * len(ids))
        self.assertEqual([row["id"] for row in rows], list(ids))
        return rows

    def check_verbs(self, site):
        """All changes, each with what it may and what it may not be applied to."""
        gate = site.gate
        ids = sorted(row for row, state in self.states(gate).items() if state == "queued")
        one, two, three, four = ids[:4]
        self.assertEqual(self.change(gate, "hold", one, two, three)[0]["verb"], "held")
        self.assertEqual([self.states(gate)[i] for i in (one, two, three)], ["held"] * 3)
        self.change(gate, "hold", one, expect=1)
        self.change(gate, "release", four, expect=1)
        self.change(gate, "release", two)
        self.change(gate, "retry", two)
        self.change(gate, "retry", one, expect=1)
        self.rows(gate, "queue", "return", one, "--reason", "no longer wanted")
        self.change(gate, "delete", three)
        self.change(gate, "delete", three, expect=1)
        rows = self.change(gate, "hold", 99999, four, expect=1)
        self.assertEqual([row["recipients"] > 0 for row in rows], [False, True])
        self.assertTrue(rows[0]["error"])
        states = self.states(gate)
        self.assertEqual([states[i] for i in (one, two, three, four)],
                         ["failed", "queued", "deleted", "held"])
        text = gate.run("queue", "release", four).out
        self.assertRegex(text, r"%d\s+released" % four)
        events = [(row["event"], int(row["id"])) for row in gate.events()
                  if row["event"] in ("held", "released", "retried", "returned", "deleted")]
        self.assertEqual(sorted(set(events)), sorted({
            ("held", one), ("held", two), ("held", three), ("released", two), ("retried", two),
            ("returned", one), ("deleted", three), ("held", four), ("released", four)}))
        returned = [row for row in gate.events("returned")]
        self.assertEqual(returned[0]["reason"], "no longer wanted")
        return one, three

    def test_verbs_with_the_service_stopped(self):
        site = Site(self, "stopped", reachable=False)
        site.gate.drain(expect=1)
        returned, deleted = self.check_verbs(site)
        site.connect()
        waiting = [i for i, state in self.states(site.gate).items() if state == "queued"]
        site.gate.run("queue", "retry", *waiting)
        site.gate.drain(expect=None)
        states = self.states(site.gate)
        self.assertEqual((states[returned], states[deleted]), ("failed", "deleted"))
        reports = [content for content in site.received() if b"multipart/report" in content]
        self.assertEqual(len(reports), 1)
        self.assertIn(b"no longer wanted", reports[0])
        self.assertEqual(len(site.received()), 31 - 2 + 1)

    def test_verbs_with_the_service_running(self):
        site = Site(self, "running", reachable=False, retry_first=3600, retry_longest=3600)
        with site.gate.daemon() as gate:
            gate.wait(lambda: len(gate.queue("queued")) >= 31, 60, "mail in the queue")
            self.check_verbs(site)
            self.both(gate, "check", expect=1)
            rows = self.both(gate, "status", expect=None)[1]
            processes = {row["process"]: row for row in rows if row["kind"] == "process"}
            self.assertLessEqual({"intake", "relay"}, set(processes))
            self.assertTrue(all(row["alive"] for row in processes.values()))
            done = gate.drain(expect=2)
            self.assertIn("drain needs the spool for itself", done.err)
            self.assertIn("msmailgwd already runs on this spool (process %d)" % gate.pid, done.err)
            self.assertEqual(gate.stop(), 0)
        self.assertEqual(self.rows(site.gate, "status", expect=None)[0]["kind"], "postoffice")

    def test_second_service(self):
        """One service a spool, also in the background; a reload does not change the spool."""
        site = Site(self, "second", reachable=False)
        with site.gate.daemon() as gate:
            gate.wait(lambda: len(gate.children()) == 2, 30, "both processes")
            before = gate.children()
            for words in ([], ["-b"]):
                done = subprocess.run([gate.server, *words, "-c", gate.settings_file],
                                      capture_output=True, text=True, env=gate.environment,
                                      timeout=60)
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertIn("already runs on this spool (process %d)" % gate.pid, done.stderr)
            gate.write_settings(gate.settings_text().replace(gate.spool, gate.spool + ".other"))
            gate.process.send_signal(signal.SIGHUP)
            gate.wait(lambda: "not at a reload" in gate.console_text(), 30, "a refusal")
            gate.wait(lambda: len(gate.children()) == 2
                      and not set(gate.children().values()) & set(before.values()), 30,
                      "new processes on the same spool")
            self.assertEqual(gate.stop(), 0)
        self.assertFalse(os.path.exists(site.gate.spool + ".other"))

    def test_trace(self):
        site = Site(self, "trace")
        site.gate.drain()
        row = self.rows(site.gate, "queue", "list")[3]
        text, rows = self.both(site.gate, "trace", row["id"])
        kinds = [each["kind"] for each in rows]
        self.assertEqual(kinds[:2], ["message", "recipient"])
        self.assertEqual([each["event"] for each in rows if each["kind"] == "event"],
                         ["queued", "sending", "sent"])
        logged = [each for each in rows if each["kind"] == "log"]
        self.assertEqual({each["id"] for each in logged}, {row["id"]})
        self.assertLessEqual({"queued", "sent"}, {each["event"] for each in logged})
        for key in (row["message_id"], row["message_id"].strip("<>"), row["mai"]):
            found = self.rows(site.gate, "trace", key)
            self.assertEqual([each["message_id"] for each in found if each["kind"] == "message"],
                             [row["message_id"]])
        for key in ("99999", "<none@example.com>", "FFFFFFFF", "\x1b[31m"):
            done = site.gate.run("trace", key, expect=1)
            self.assertIsNone(HARMFUL.search(done.err), done.err)
        os.rename(site.gate.log, site.gate.log + ".away")
        done = site.gate.run("trace", row["id"])
        self.assertIn("left out", done.err)

    def test_log(self):
        site = Site(self, "log")
        site.gate.run("log", expect=2)
        site.gate.drain()
        text, rows = self.both(site.gate, "log")
        self.assertEqual(len(text.splitlines()), len(rows))
        self.assertEqual({row["kind"] for row in rows}, {"log"})
        self.assertEqual([row["event"] for row in rows],
                         [row["event"] for row in site.gate.events()])
        self.assertEqual(len([row for row in rows if row["event"] == "sent"]), 31)
        middle = rows[len(rows) // 2]["time"]
        later = self.rows(site.gate, "log", "--since", middle)
        self.assertEqual(later, [row for row in rows if row["time"] >= middle])
        self.assertEqual(self.rows(site.gate, "log", "--since", "1h"), rows)
        self.assertEqual(self.rows(site.gate, "log", "--since", "2099-01-01"), [])
        with open(site.gate.log, "ab") as log:
            log.write(b"\0\0\0garbage\x1b[31m\n")
        text, rows = self.both(site.gate, "log")
        self.assertEqual(rows[-1]["kind"], "unreadable")
        self.assertIn("garbage?[31m", text)

    def test_log_follow(self):
        """New lines, also those of the file that takes the log's place."""
        site = Site(self, "follow", reachable=False)
        gate = site.gate
        gate.drain(expect=1)
        count = len(gate.events())
        follower = subprocess.Popen([gate.command, "-c", gate.settings_file, "--json", "log",
                                     "--follow"], stdout=subprocess.PIPE, env=gate.environment)
        self.addCleanup(follower.wait)
        self.addCleanup(follower.stdout.close)
        self.addCleanup(follower.kill)
        reader = LineReader(follower.stdout.fileno())
        rows = [json.loads(reader.line()) for _ in range(count)]
        self.assertEqual([row["event"] for row in rows],
                         [row["event"] for row in gate.events()])
        gate.run("queue", "hold", "1")
        self.assertEqual(json.loads(reader.line())["event"], "held")
        os.rename(gate.log, gate.log + ".1")
        gate.run("queue", "release", "1")
        self.assertEqual(json.loads(reader.line())["event"], "released")
        self.assertEqual([row["event"] for row in gate.events()], ["released"])
        with open(gate.log + ".1", "ab") as old:
            old.write(b"2026-11-22T12:36:00.000Z event=stopped reason=relay\n")
        self.assertEqual(json.loads(reader.line())["event"], "stopped", "of who has not reopened")
        gate.run("queue", "delete", "1")
        self.assertEqual(json.loads(reader.line())["event"], "deleted")
        follower.send_signal(signal.SIGTERM)
        self.assertEqual(follower.wait(10), -signal.SIGTERM)

    def test_output_that_cannot_be_written(self):
        site = Site(self, "full")
        site.gate.drain()
        for words in (["queue", "list"], ["--json", "queue", "list"], ["log"], ["map", "show"],
                      ["queue", "show", "1", "--message"]):
            with self.subTest(words=words), open("/dev/full", "wb") as full:
                done = subprocess.run(
                    [site.gate.command, "-c", site.gate.settings_file] + words, stdout=full,
                    stderr=subprocess.PIPE, timeout=60, env=site.gate.environment)
                self.assertEqual(done.returncode, 1, done.stderr)


class LineReader:
    """Lines of a pipe, each within ten seconds."""

    def __init__(self, source):
        self.source, self.held = source, b""

    def line(self):
        until = time.monotonic() + 10
        while b"\n" not in self.held:
            ready = select.select([self.source], [], [], max(0, until - time.monotonic()))[0]
            if not ready:
                raise gateway.GatewayError("no line within 10 s")
            piece = os.read(self.source, 65536)
            if not piece:
                raise gateway.GatewayError("the output ended")
            self.held += piece
        line, _, self.held = self.held.partition(b"\n")
        return line.decode()


def main():
    options = gateway.parser_for(__doc__).parse_args()
    return gateway.run_program("cli", sys.modules[__name__], options)


if __name__ == "__main__":
    sys.exit(main())
