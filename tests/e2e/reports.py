#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Who is told when mail fails or is late, what he is told, and that it never goes round in circles.

Messages are MMFF files that a small GET program gives one by one; the server is the scripted one.
Reports are read by Python's email package and by the strict reader of tests/oracle."""
import email
import email.policy
import os
import random
import re
import sqlite3
import subprocess
import sys
import time

import gateway
from gateway import SINK_PASSWORD, Case, Gateway, Sink

# a GET program that gives the first prepared file of a directory
GIVE = """import os, sys
names = sorted(name for name in os.listdir(sys.argv[1]) if name.endswith(".mmf"))
if names:
    os.rename(os.path.join(sys.argv[1], names[0]), sys.argv[2])
"""
POSTMASTER = "postmaster@corp.example"
MAP = """NET/PO/ANNA\tanna@corp.example
NET/PO/BEN\tben@corp.example
NET/PO/CLARA\tclara@corp.example
NET/PO/DORA\tdora@corp.example
NET/PO/PETE\tpete@corp.example\t\tpending
"""


def refuse(local, text):
    return {"at": "rcpt", "arg": "<%s@" % local, "do": [["reply", text]]}


class Report:
    """A delivery status notification as a reader sees it."""

    def __init__(self, raw):
        self.message = email.message_from_bytes(raw, policy=email.policy.default)
        self.parts = list(self.message.iter_parts())
        self.words = self.parts[0].get_content()
        blocks = self.parts[1].get_payload()
        self.about, self.recipients = blocks[0], blocks[1:]

    def of(self, field):
        """{final recipient: field}"""
        return {str(one["Final-Recipient"]).split(";")[1].strip(): str(one[field])
                for one in self.recipients}

    def returned(self):
        """The message that comes back: whole, or its headers."""
        part = self.parts[2]
        if part.get_content_type() == "message/rfc822":
            return part.get_payload()[0]
        return email.message_from_string(part.get_content(), policy=email.policy.default)


class Site(Case):
    def setUp(self):
        self.name = self.id().rsplit(".", 1)[1].removeprefix("test_")
        self.directory = os.path.join(self.base, self.name)
        self.inbox = os.path.join(self.directory, "inbox")
        os.mkdir(self.directory, 0o711)
        os.mkdir(self.inbox)
        gateway.write_file(os.path.join(self.directory, "give.py"), GIVE)
        gateway.write_file(os.path.join(self.directory, "map"), MAP)
        self.written = 0

    def sink(self, *rules, extension=None):
        sink = Sink(self.directory, tls=False, rules=rules)
        if extension:
            sink.case["server"]["caps"] = sink.case["server"]["caps"] + [extension]
        return sink

    def gate(self, sink, section=None, name="gw", **settings):
        values = {"name": "NET/PO", "door": "ffapi", "codepage": "850", "interval": 1,
                  "command": [sys.executable, os.path.join(self.directory, "give.py"), self.inbox,
                              "{file}"]}
        values.update(section or {})
        return Gateway(self.directory, name, sink.relay(), [("PO", values)],
                       [os.path.join(self.directory, "map")], password=SINK_PASSWORD, **settings)

    def write(self, sender, *to, subject="Plan", text="Hello", more=""):
        """One message for the next run of the GET program, from a mailbox or a typed address."""
        self.written += 1
        body = text + "\r\n"
        lines = "VERSION:3.00\r\n" + "".join("TO:CSI:NET/PO/%s\r\n" % one for one in to)
        sender = sender if ":" in sender else "CSI:NET/PO/" + sender
        lines += "FROM:%s\r\nDATE:1996-02-03\r\nTIME:10:%02d\r\nSUBJECT:%s %d\r\n%s" % (
            sender, self.written % 60, subject, self.written, more)
        lines += "TEXT:%d\r\n%s" % (len(body), body)
        path = os.path.join(self.inbox, "%06d.mmf" % self.written)
        gateway.write_file(path + ".new", lines)
        os.rename(path + ".new", path)

    def drain_until(self, gate, condition, what, seconds=30):
        until = time.monotonic() + seconds
        while not condition():
            self.assertLess(time.monotonic(), until, what)
            gate.drain(expect=None)

    def reports(self, sink):
        """Copies with the null sender, which here are reports."""
        return [copy for copy in sink.copies() if copy.sender == ""]

    def rows(self, gate):
        return [row for row in gate.queue() if row["report_of"]]

    def check_form(self, copy, action="failed"):
        """What every report has; the Report."""
        report = Report(copy.raw)
        self.assert_none(gateway.compare.strict5322.check(copy.raw)[0], "a report")
        self.assertEqual(report.message.get_content_type(), "multipart/report")
        self.assertEqual(report.message.get_param("report-type"), "delivery-status")
        self.assertEqual(report.message["Auto-Submitted"], "auto-replied")
        self.assertEqual(report.message["From"].addresses[0].addr_spec, POSTMASTER)
        self.assertEqual([one.addr_spec for one in report.message["To"].addresses], copy.rcpts)
        self.assertEqual([part.get_content_type() for part in report.parts[:2]],
                         ["text/plain", "message/delivery-status"])
        self.assertEqual(str(report.about["Reporting-MTA"]), "dns; gw.test")
        self.assertTrue(report.recipients)
        for one in report.recipients:
            self.assertEqual(str(one["Action"]), action)
            self.assertRegex(str(one["Status"]),
                             r"^4\.\d+\.\d+$" if action == "delayed" else r"^5\.\d+\.\d+$")
        return report


class Originator(Site):
    def test_originator_is_told(self):
        """T128, T129, T131, T132: once, each that failed and no other, with the reason."""
        with self.sink(refuse("ben", "550 5.1.1 no Ben here"),
                       refuse("clara", "552 5.2.2 mailbox full")) as sink:
            gate = self.gate(sink)
            self.write("ANNA", "BEN", "CLARA", "DORA", text="the very text")
            gate.drain(expect=1)
            copy, = self.reports(sink)
            self.assertEqual(copy.rcpts, ["anna@corp.example"])
            report = self.check_form(copy)
            self.assertEqual(report.of("Status"), {"ben@corp.example": "5.1.1",
                                                   "clara@corp.example": "5.2.2"})
            self.assertEqual(report.of("Original-Recipient"),
                             {"ben@corp.example": "x-msmail; NET/PO/BEN",
                              "clara@corp.example": "x-msmail; NET/PO/CLARA"})
            self.assertIn("smtp; 550 no Ben here",
                          report.of("Diagnostic-Code")["ben@corp.example"])
            self.assertIn("[002] Mail was received that was addressed to unknown", report.words)
            self.assertIn("[017] Unable to deliver user mail due to a full mailbag", report.words)
            self.assertIn("552 mailbox full", report.words)
            self.assertNotIn("dora", (report.words + str(report.parts[1])).lower())
            original, = [one for one in sink.copies() if one.sender]
            self.assertEqual(original.rcpts, ["dora@corp.example"])
            self.assertEqual(report.parts[2].get_content_type(), "message/rfc822")
            back = report.returned()
            self.assertEqual(back["Message-ID"], original.message["Message-ID"])
            self.assertIn("the very text", back.get_content())
            self.assertEqual(report.message["In-Reply-To"], original.message["Message-ID"])
            gate.drain(expect=None)
            self.assertEqual(len(self.reports(sink)), 1)
            # one recipient each, always (T132)
            rows = self.rows(gate)
            self.assertEqual([(row["original"], row["state"]) for row in rows],
                             [("ORIGINATOR", "sent")])

    def test_large_message_comes_back_as_headers(self):
        """T131: as a whole up to ndr-max-body, else its headers."""
        with self.sink(refuse("ben", "550 5.1.1 no")) as sink:
            gate = self.gate(sink, **{"ndr-max-body": 3000})
            self.write("ANNA", "BEN", text="small")
            self.write("ANNA", "BEN", text="large " * 1000)
            gate.drain(expect=1)
            found = [self.check_form(copy) for copy in self.reports(sink)]
            self.assertEqual({one.parts[2].get_content_type() for one in found},
                             {"message/rfc822", "text/rfc822-headers"})
            for one in found:
                self.assertIn("Plan", one.returned()["Subject"])
                self.assertNotIn("large large", str(one.message))

    def test_what_fails_later_is_another_report(self):
        """report-wait: the first failure does not wait for a recipient that is tried for days."""
        with self.sink(refuse("ben", "550 5.1.1 no"), refuse("clara", "451 4.3.0 later")) as sink:
            gate = self.gate(sink, **{"report-wait": 1})
            self.write("ANNA", "BEN", "CLARA")
            self.drain_until(gate, lambda: self.reports(sink), "the first report")
            first, = self.reports(sink)
            self.assertEqual(set(self.check_form(first).of("Status")), {"ben@corp.example"})
            sink.server.plan["rules"][:] = [refuse("clara", "550 5.1.1 no")]
            self.drain_until(gate, lambda: len(self.reports(sink)) > 1, "the second report")
            self.assertEqual(set(self.check_form(self.reports(sink)[1]).of("Status")),
                             {"clara@corp.example"})
            gate.drain(expect=None)
            self.assertEqual(len(self.reports(sink)), 2)

    def test_originators_by_rule_and_typed(self):
        gateway.write_file(os.path.join(self.directory, "map"),
                           MAP + "NET/PO/*\t%u@po.example\n")
        for number, (section, wanted) in enumerate((
                ({}, {POSTMASTER}),
                ({"rewrite-unmapped": "true", "typed-smtp": "true"},
                 {"fred@po.example", "out@ext.example"}))):
            with self.subTest(section=section), Sink(
                    self.directory, "sink%d" % number, tls=False,
                    rules=[refuse("ben", "550 5.1.1 no")]) as sink:
                gate = self.gate(sink, section, name="gw%d" % number)
                self.write("FRED", "BEN")
                self.write("SMTP:out@ext.example", "BEN")
                gate.drain(expect=1)
                reports = self.reports(sink)
                self.assertEqual(len(reports), 2)
                self.assertEqual({copy.rcpts[0].lower() for copy in reports}, wanted)

    def test_more_than_one_report_names(self):
        """Each of very many that failed is named once."""
        people = ["U%04d" % number for number in range(1100)]
        with self.sink() as sink:
            gate = self.gate(sink, {"unmapped": "report"})
            self.write("ANNA", "BEN", *people)
            gate.drain(expect=1)
            named = []
            for copy in self.reports(sink):
                self.assertEqual(copy.rcpts, ["anna@corp.example"])
                named += self.check_form(copy).of("Original-Recipient").values()
            self.assertEqual(sorted(named), ["x-msmail; NET/PO/" + name for name in people])
            self.assertEqual(len(self.reports(sink)), 2)

    def test_a_new_failure_is_told_anew(self):
        with self.sink(refuse("ben", "550 5.1.1 no")) as sink:
            gate = self.gate(sink)
            self.write("ANNA", "BEN")
            gate.drain(expect=1)
            number = gate.queue("failed")[0]["id"]
            gate.run("queue", "retry", number)
            gate.drain(expect=1)
            reports = self.reports(sink)
            self.assertEqual(len(reports), 2)
            self.assertEqual(len({copy.message["Message-ID"] for copy in reports}), 2)


class Late(Site):
    def test_delay_is_told_once(self):
        with self.sink(refuse("ben", "451 4.2.0 not now")) as sink:
            gate = self.gate(sink, **{"delay-notice": 1})
            self.write("ANNA", "BEN", "DORA")
            self.drain_until(gate, lambda: self.reports(sink), "a notice")
            for _ in range(3):
                gate.drain(expect=None)
            notice, = self.reports(sink)
            self.assertEqual(notice.rcpts, ["anna@corp.example"])
            report = self.check_form(notice, "delayed")
            self.assertEqual(report.of("Status"), {"ben@corp.example": "4.2.0"})
            self.assertIn("451 not now", report.words)
            self.assertIn("need not send it again", report.words)
            self.assertTrue(report.recipients[0]["Will-Retry-Until"])
            self.assertEqual(report.parts[2].get_content_type(), "text/rfc822-headers")
            sink.server.plan["rules"].clear()
            self.drain_until(gate, lambda: not gate.queue("queued"), "Ben's copy")
            self.assertEqual(len(self.reports(sink)), 1)

    def test_notice_is_withdrawn(self):
        """It waits; the mail is delivered; nobody hears that it is late."""
        with self.sink(refuse("ben", "451 4.2.0 not now"),
                       refuse("anna", "451 4.2.0 not now")) as sink:
            gate = self.gate(sink, **{"delay-notice": 1})
            self.write("ANNA", "BEN")
            self.drain_until(gate, lambda: self.rows(gate), "a notice")
            notice, = self.rows(gate)
            with sqlite3.connect(gate.database()) as database:
                database.execute("UPDATE recipient SET due_ms = due_ms + 3600000 WHERE id = ?",
                                 (notice["recipient"],))
            database.close()
            sink.server.plan["rules"].clear()
            self.drain_until(gate, lambda: sink.copies(), "Ben's copy")
            self.assertEqual([row["state"] for row in self.rows(gate)], ["deleted"])
            self.assertEqual([copy.rcpts for copy in sink.copies()], [["ben@corp.example"]])

    def test_no_notice_when_off_or_nobody_to_tell(self):
        with self.sink(refuse("ben", "451 4.2.0 not now")) as sink:
            gate = self.gate(sink, **{"delay-notice": 1})
            self.write("PETE", "BEN")
            self.write("POSTMASTER", "BEN")
            until = time.monotonic() + 3
            while time.monotonic() < until:
                gate.drain(expect=None)
            self.assertEqual(self.rows(gate), [])


class Bounded(Site):
    def test_postmaster_instead(self):
        """T76, T77, T126, T136: nobody to tell, or who must not be answered."""
        receipt = "PRIORITY:C\r\n"
        automatic = "EXT:I:3:Auto-Submitted\r\nauto-replied\r\n"
        with self.sink(refuse("ben", "550 5.1.1 no Ben here")) as sink:
            gate = self.gate(sink, {"unmapped": "report"})
            self.write("FRED", "BEN", subject="unknown sender")
            self.write("FRED", "NOBODY", subject="unknown both")
            self.write("PETE", "BEN", subject="not moved")
            self.write("POSTMASTER", "BEN", subject="postmaster")
            self.write("ANNA", "BEN", subject="receipt", more=receipt)
            self.write("ANNA", "BEN", subject="automatic", more=automatic)
            self.write("BEN", "BEN", subject="himself")
            gate.drain(expect=1)
            reports = [copy for copy in self.reports(sink) if b"multipart/report" in copy.raw]
            self.assertEqual({tuple(copy.rcpts) for copy in reports}, {(POSTMASTER,)})
            subjects = sorted(re.sub(r" \d+$", "", copy.message["Subject"]) for copy in reports)
            self.assertEqual(subjects, sorted("Mail failure: " + name for name in (
                "unknown sender", "unknown both", "not moved", "postmaster", "receipt",
                "automatic", "himself")))
            for copy in reports:
                report = self.check_form(copy)
                self.assertIn("The originator is not told: ", report.words)
                self.assertEqual(report.parts[2].get_content_type(), "text/rfc822-headers")

    def test_report_to_postmaster(self):
        with self.sink(refuse("ben", "550 5.1.1 no")) as sink:
            gate = self.gate(sink, **{"report-to": "postmaster", "delay-notice": 1})
            self.write("ANNA", "BEN")
            gate.drain(expect=1)
            copy, = self.reports(sink)
            self.assertEqual(copy.rcpts, [POSTMASTER])
            self.check_form(copy)

    def test_failed_report_is_held(self):
        """It makes no other report; the operator has an alarm until he deals with it."""
        with self.sink(refuse("ben", "550 5.1.1 no"), refuse("anna", "550 5.1.1 no")) as sink:
            gate = self.gate(sink)
            self.write("ANNA", "BEN")
            for _ in range(3):
                gate.drain(expect=None)
                row, = self.rows(gate)
                self.assertEqual((row["state"], row["to"]), ("held", "anna@corp.example"))
            self.assertEqual(sink.copies(), [])
            alarm, = self.alarms(gate)
            self.assertIn("msmailgw queue show %d" % row["id"], str(alarm))
            gate.run("queue", "delete", row["id"])
            gate.drain(expect=None)
            self.assertEqual(self.alarms(gate), [])

    def alarms(self, gate):
        return [row for row in gate.json("status", expect=None)
                if row.get("kind", row.get("type")) == "alarm" and "report" in str(row)]

    def test_expired_report_is_held(self):
        with self.sink(refuse("ben", "550 5.1.1 no"), refuse("anna", "451 4.3.0 later")) as sink:
            gate = self.gate(sink)
            self.write("ANNA", "BEN")
            gate.drain(expect=1)
            row, = self.rows(gate)
            self.assertEqual(row["state"], "queued")
            with sqlite3.connect(gate.database()) as database:
                for table in ("message", "recipient"):
                    database.execute("UPDATE %s SET expires_ms = 1" % table)
            database.close()
            gate.drain(expect=None)
            row, = self.rows(gate)
            self.assertEqual(row["state"], "held")
            self.assertEqual(len(self.alarms(gate)), 1)

    def ping_pong(self, sink, gate, seen):
        """Answers each new report as its receiver would: to whom it is from. True: there was one."""
        reports = self.reports(sink)
        for copy in reports[len(seen):]:
            local = copy.rcpts[0].partition("@")[0].upper()
            self.write(local, "POSTMASTER", subject="Re: Mail failure")
        more = len(reports) > len(seen)
        seen[:] = reports
        gate.drain(expect=None)
        return more

    def run_ping_pong(self, *rules):
        """T127: programs that answer reports. The number of reports, and the queue at the end."""
        with self.sink(*rules) as sink:
            gate = self.gate(sink)
            for to in ("BEN", "CLARA"):
                self.write("ANNA", to)
            gate.drain(expect=None)
            seen, rounds = [], 0
            while self.ping_pong(sink, gate, seen):
                rounds += 1
                self.assertLess(rounds, 6, "it goes round")
            return len(self.rows(gate)), gate.states(), self.alarms(gate)

    def test_answers_are_not_answered(self):
        """Each report is answered, and mail to the postmaster fails, too."""
        reports, states, alarms = self.run_ping_pong(
            refuse("ben", "550 5.1.1 no"), refuse("clara", "550 5.1.1 no"),
            refuse("postmaster", "550 5.1.1 no"))
        # two for Anna, and one each to the postmaster about her answers, held
        self.assertEqual(reports, 4)
        self.assertEqual(states, {"failed": 4, "sent": 2, "held": 2})
        self.assertEqual(len(alarms), 1)

    def test_answers_that_arrive(self):
        reports, states, alarms = self.run_ping_pong(
            refuse("ben", "550 5.1.1 no"), refuse("clara", "550 5.1.1 no"))
        self.assertEqual(reports, 2)
        self.assertEqual(states, {"failed": 2, "sent": 4})
        self.assertEqual(alarms, [])


class Wishes(Site):
    def ask(self, section, extension, more="PRIORITY:R\r\n", sender="ANNA", **settings):
        """The MAIL and RCPT lines for one message."""
        with self.sink(extension=extension) as sink:
            gate = self.gate(sink, section, **settings)
            self.write(sender, "BEN", "CLARA", more=more)
            gate.drain()
            self.ident = sink.copies()[0].message["Message-ID"]
            return [row["line"] for row in sink.server.log.events
                    if re.match("(MAIL|RCPT) ", row.get("line", ""))]

    def test_receipt_as_dsn(self):
        mail, one, other = self.ask({"receipt-as-dsn": "true"}, "DSN")
        self.assertRegex(mail, r"^MAIL FROM:<anna@corp.example> .*RET=HDRS ENVID=\S+$")
        self.assertIn("ENVID=+3C%s+3E" % self.ident[1:-1], mail)
        for line, name in ((one, "ben"), (other, "clara")):
            self.assertEqual(line, "RCPT TO:<%s@corp.example> NOTIFY=SUCCESS,DELAY,FAILURE "
                                   "ORCPT=rfc822;%s@corp.example" % (name, name))

    def test_no_wish(self):
        for number, case in enumerate((
                ({}, "DSN"), ({"receipt-as-dsn": "true"}, None),
                ({"receipt-as-dsn": "true"}, "DSN", "PRIORITY:3\r\n"),
                ({"receipt-as-dsn": "true"}, "DSN", "PRIORITY:R\r\n", "FRED"))):
            with self.subTest(case=case):
                self.directory = os.path.join(self.base, "no_wish", str(number))
                self.inbox = os.path.join(self.directory, "inbox")
                os.makedirs(self.inbox, exist_ok=True)
                os.chmod(self.directory, 0o711)
                gateway.write_file(os.path.join(self.directory, "give.py"), GIVE)
                gateway.write_file(os.path.join(self.directory, "map"), MAP)
                for line in self.ask(*case):
                    self.assertNotRegex(line, "NOTIFY|ENVID|RET=|ORCPT")

    def test_not_for_a_fixed_sender(self):
        """The server's report would go to somebody else."""
        for line in self.ask({"receipt-as-dsn": "true"}, "DSN",
                             **{"envelope-sender": "gw@corp.example"}):
            self.assertNotRegex(line, "NOTIFY|ENVID|RET=|ORCPT")


class Check(Site):
    def findings(self, text, **settings):
        gateway.write_file(os.path.join(self.directory, "map"), MAP + text)
        with self.sink() as sink:
            gate = self.gate(sink, **settings)
            return [row for row in gate.json("check", expect=None) if row["subject"] == "postmaster"]

    def test_postmaster_is_known(self):
        row, = self.findings("NET/PO/POST\t%s\n" % POSTMASTER)
        self.assertEqual(row["result"], "OK")

    def test_postmaster_is_not_known(self):
        row, = self.findings("")
        self.assertEqual(row["result"], "WARN")
        self.assertIn("mailbox", row["text"])

    def test_postmaster_comes_back(self):
        row, = self.findings("", **{"routed-domains": ["corp.example"]})
        self.assertEqual(row["result"], "FAIL")


class Crash(Site):
    def test_killed_while_reporting(self):
        """kill -9 of a drain: each failure is told in one report, never in two, never in none."""
        messages, kills = 120, 25
        rng = random.Random(7)
        rules = [refuse("ben", "550 5.1.1 no"), refuse("clara", "550 5.1.1 no")]
        with self.sink(*rules) as sink:
            gate = self.gate(sink)
            for _ in range(messages):
                self.write("ANNA", "BEN", "CLARA", "DORA")
            for _ in range(kills):
                drain = subprocess.Popen([gate.command, "-c", gate.settings_file, "drain"],
                                         stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                         stderr=subprocess.DEVNULL, env=gate.environment)
                try:
                    drain.wait(rng.uniform(0.02, 0.3))
                except subprocess.TimeoutExpired:
                    drain.kill()
                    drain.wait(10)
            self.finish(gate, messages)
            rows = self.rows(gate)
            self.assertEqual(len(rows), messages)
            self.assertEqual(len({row["report_of"] for row in rows}), messages)
            self.assertTrue(all(row["reported"] for row in gate.queue("failed")))
            self.assertEqual(len(gate.queue("failed")), 2 * messages)
            told = {}
            for copy in self.reports(sink):
                self.check_form(copy)
                told.setdefault(copy.message["Message-ID"], []).append(copy.raw)
            self.assertEqual(len(told), messages)
            for copies in told.values():
                self.assertEqual(len(set(copies)), 1, "another report of the same name")
            doubted = {row["msgid"] for row in gate.events("possible-duplicate")}
            self.assertLessEqual({ident for ident, copies in told.items() if len(copies) > 1},
                                 doubted)
            self.assert_none(gate.integrity(), "the queue")

    def busy(self, gate, messages):
        states = gate.states()
        return states.get("sent", 0) < 2 * messages

    def finish(self, gate, messages):
        until = time.monotonic() + 120
        while self.busy(gate, messages):
            self.assertLess(time.monotonic(), until, str(gate.states()))
            gate.drain(expect=None)


if __name__ == "__main__":
    sys.exit(gateway.run_program("reports", sys.modules[__name__],
                                 gateway.parser_for(__doc__).parse_args()))
