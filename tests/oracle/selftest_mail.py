#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Tests: compare.py and its two readers of messages."""

import base64
import datetime
import email.utils
import json
import os
import re
import shutil
import sys
import unittest
import zoneinfo

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from selftest_made import ENCAP, ZONE, Made  # noqa: E402
import compare  # noqa: E402
import corpus  # noqa: E402
import strict5322  # noqa: E402


def encoded_word(text, most=8):
    """Each run of eight characters as one encoded word: always right, never pretty."""
    return "\r\n ".join(
        "=?utf-8?B?%s?=" % base64.b64encode(text[at : at + most].encode("utf-8")).decode("ascii")
        for at in range(0, len(text), most)
    )


def mailbox(address, table):
    spec = compare.smtp_of(address, table, ENCAP)[0]
    display = table.get(address.upper(), {}).get("display")
    if not display:
        return spec
    if not display.isascii():
        return "%s\r\n <%s>" % (encoded_word(display), spec)
    return '"%s"\r\n <%s>' % (display.replace('"', '\\"'), spec)


def part(ctype, content, extra=""):
    body = base64.b64encode(content).decode("ascii")
    lines = "".join(body[at : at + 76] + "\r\n" for at in range(0, len(body), 76))
    return "Content-Type: %s\r\n%sContent-Transfer-Encoding: base64\r\n\r\n%s" % (
        ctype,
        extra,
        lines,
    )


def priority_lines(message, sender):
    wanted = corpus.PRIORITIES[message["priority"]]
    return ["%s: %s" % (name, value or sender) for name, value in wanted.items()]


def raw_message(truth, message):
    """A message as a faithful gateway would send it, put together by hand."""
    table, plain = truth["map"], re.fullmatch(r"[A-Za-z0-9:,. ()-]*", message["subject"])
    when = datetime.datetime.strptime(message["date"], "%Y-%m-%d %H:%M").replace(
        tzinfo=zoneinfo.ZoneInfo(ZONE)
    )
    head = ["From: " + mailbox(message["sender"], table)]
    for name in ("to", "cc"):
        if message[name]:
            head.append(
                name.title() + ": " + ",\r\n ".join(mailbox(a, table) for a in message[name])
            )
    head += [
        "Subject: " + (message["subject"] if plain else encoded_word(message["subject"])),
        "Date: " + email.utils.format_datetime(when),
        *priority_lines(message, compare.smtp_of(message["sender"], table, ENCAP)[0]),
        "MIME-Version: 1.0",
        "Message-ID: <mm.%s.%s@gw.example>" % (message["text_sha256"][:16], message["mai"]),
    ]
    text = compare.plain_lines(message["text"].rstrip("\x1a")).replace("\n", "\r\n").encode("utf-8")
    parts = [part("text/plain; charset=utf-8", text)]
    for item in message["attachments"]:
        name = "".join(
            chr(o) if chr(o).isalnum() and o < 128 else "%%%02X" % o
            for o in item["name"].encode("utf-8")
        )
        parts.append(
            part(
                "application/octet-stream",
                base64.b64decode(item["b64"]),
                "Content-Disposition: attachment;\r\n filename*=utf-8''%s\r\n" % name,
            )
        )
    if len(parts) == 1:
        return ("\r\n".join(head) + "\r\n" + parts[0]).encode("ascii")
    head.append('Content-Type: multipart/mixed; boundary="=_b"\r\n\r\n')
    return (
        "\r\n".join(head)
        + "".join(
            "--=_b\r\n" + p + ("" if p.endswith("\r\n") and p.split("\r\n\r\n", 1)[1] else "\r\n")
            for p in parts
        )
        + "--=_b--\r\n"
    ).encode("ascii")


class Compare(unittest.TestCase):
    def setUp(self):
        self.made = Made("--seed", "31", "--messages", "30")
        self.addCleanup(shutil.rmtree, self.made.top)
        self.box = os.path.join(self.made.top, "box")
        os.makedirs(self.box)
        self.notes = []
        for entry in self.made.truth["messages"]:
            for number, item in enumerate(entry["items"]):
                if item["relay"]:
                    self.deliver(
                        entry["mai"] + "-%d" % number,
                        raw_message(self.made.truth, entry),
                        [m["smtp"] for m in item["mapped"]],
                    )

    def deliver(self, name, raw, rcpts):
        with open(os.path.join(self.box, name + ".eml"), "wb") as file:
            file.write(raw)
        self.notes.append({"rcpt": rcpts, "sender": "x@y.example", "file": name + ".eml"})

    def run_compare(self, *more):
        path = os.path.join(self.box, "notes.jsonl")
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(json.dumps(note) + "\n" for note in self.notes)
        return self.made.compare(path, *more)

    def change(self, old, new, at=0, count=1):
        name = os.path.join(self.box, self.notes[at]["file"])
        with open(name, "rb") as file:
            raw = file.read()
        changed = re.sub(old, lambda _: new, raw, count=count, flags=re.S)
        self.assertTrue(raw != changed, "nothing to change")
        with open(name, "wb") as file:
            file.write(changed)

    def assert_problem(self, *texts):
        status, out = self.run_compare()
        self.assertEqual(status, 1, out)
        for text in texts:
            self.assertIn(text, out)

    def test_faithful(self):
        status, out = self.run_compare()
        self.assertEqual(status, 0, out)

    def test_each_field(self):
        self.change(rb"From: [^\r]*", b"From: other@corp.example")
        self.change(rb"Date: [^\r]*", b"Date: Mon, 07 Apr 1997 07:59:00 +0200", 1)
        self.change(rb"Subject: .*?\r\nDate", b"Subject: changed\r\nDate", 2)
        self.change(rb"\r\nTo: ", b"\r\nTo: more@corp.example, ", 3)
        self.assert_problem("From: ", "Date: ", "'changed' came", "To: ")

    def test_missing_and_unwanted(self):
        note = self.notes.pop()
        self.notes[0]["rcpt"].append("stranger@corp.example")
        self.assert_problem("missing: ", note["rcpt"][0], "not wanted: ", "stranger@corp.example")

    def test_duplicates(self):
        self.notes.append(dict(self.notes[0]))
        self.assert_problem("duplicate: ")
        with open(os.path.join(self.box, self.notes[0]["file"]), "rb") as file:
            ident = re.search(rb"Message-ID: (\S+)", file.read())[1].decode("ascii")
        path = os.path.join(self.made.top, "allowed")
        with open(path, "w", encoding="ascii") as file:
            file.write(ident.strip("<>") + "\n")
        status, out = self.run_compare("--allow-duplicates", path)
        self.assertEqual(status, 0, out)
        self.assertIn("duplicate (allowed)", out)

    def test_second_copy_under_another_id(self):
        self.notes.append(dict(self.notes[0], file="copy.eml"))
        shutil.copy(
            os.path.join(self.box, self.notes[0]["file"]), os.path.join(self.box, "copy.eml")
        )
        self.change(rb"Message-ID: <", b"Message-ID: <again.", len(self.notes) - 1)
        self.assert_problem("more than one Message-ID", "duplicate")

    def test_swapped_attachments(self):
        entry = next(
            m
            for m in self.made.truth["messages"]
            if any(i["relay"] for i in m["items"])
            and len({a["sha256"] for a in m["attachments"]}) > 1
        )
        changed = json.loads(json.dumps(entry))
        files = changed["attachments"]
        files[0]["b64"], files[-1]["b64"] = files[-1]["b64"], files[0]["b64"]
        at = next(n for n, note in enumerate(self.notes) if note["file"].startswith(entry["mai"]))
        with open(os.path.join(self.box, self.notes[at]["file"]), "wb") as file:
            file.write(raw_message(self.made.truth, changed))
        self.assert_problem("attachment 1: ")

    def test_text(self):
        entry = next(
            m
            for m in self.made.truth["messages"]
            if any(i["relay"] for i in m["items"]) and len(m["text"]) > 99
        )
        changed = dict(entry, text=entry["text"][:50] + "#" + entry["text"][50:])
        at = next(n for n, note in enumerate(self.notes) if note["file"].startswith(entry["mai"]))
        with open(os.path.join(self.box, self.notes[at]["file"]), "wb") as file:
            file.write(raw_message(self.made.truth, changed))
        self.assert_problem("text differs at character")

    def test_maildir_form(self):
        top = os.path.join(self.made.top, "Maildir", "new")
        os.makedirs(top)
        for at, note in enumerate(self.notes):
            with open(os.path.join(self.box, note["file"]), "rb") as file:
                raw = file.read().replace(b"\r\n", b"\n")
            for rcpt in note["rcpt"]:
                with open(os.path.join(top, "%d.%s" % (at, rcpt)), "wb") as file:
                    file.write(
                        b"Return-Path: <a@b.example>\nX-Original-To: %s\nDelivered-To: x@y\n"
                        % rcpt.encode()
                        + raw
                    )
        status, out = self.made.compare(os.path.dirname(top))
        self.assertEqual(status, 0, out)


STRICT = b"""From: "A, B" <a@b.example>
To: x.y@z.example, Group: c@d.example;, Undisclosed:;
Subject: =?utf-8?Q?gr=C3=BC=C3=9Fe?= ok
Date: Mon, 07 Apr 1997 08:00:00 +0200
Message-ID: <1.2@b.example>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="b 1"

--b 1
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

a=C3=BC =
b
--b 1
Content-Disposition: attachment; filename*=utf-8''M%C3%BCLL.DOC
Content-Transfer-Encoding: base64

AAEC
--b 1
Content-Disposition: attachment; filename=EMPTY.DAT
Content-Transfer-Encoding: base64

--b 1--
""".replace(
    b"\n", b"\r\n"
)


class Strict(unittest.TestCase):
    def test_good(self):
        complaints, leaves = strict5322.check(STRICT)
        self.assertEqual(complaints, [])
        self.assertEqual(
            [(leaf["name"], leaf["data"]) for leaf in leaves],
            [(None, "aü b".encode("utf-8")), ("MüLL.DOC", b"\0\1\2"), ("EMPTY.DAT", b"")],
        )

    def test_bad(self):
        for old, new in (
            (b"\r\nTo", b"\nTo"),
            (b"ok", b"\r"),
            (b"ok", b"\0"),
            (b"ok", b"x" * 999),
            (b"ok", "ü".encode()),
            (b'"A, B" <', b"A, B <"),
            (b'"A, B"', b"A.B"),
            (b'"A, B"', b'(x) "A"'),
            (b"a@b.example>", b"a@b..c>"),
            (b"x.y@z.example, ", b"x.y@z.example,, "),
            (b"x.y@z.example, ", b""),
            (b"c@d.example;", b"c@d.example"),
            (b"Mon, 07", b"Tue, 07"),
            (b"07 Apr", b"31 Apr"),
            (b"+0200", b"GMT"),
            (b"<1.2@b.example>", b"<1.2>"),
            (b"=9Fe?=", b"=9Fe?=x"),
            (b"=C3=9F", b"=C3"),
            (b"?Q?", b"?Q?" + b"a" * 80),
            (b"MIME-Version: 1.0\r\n", b""),
            (b"1.0", b"1.0\r\nFrom: a@b.example"),
            (b"ok", b"ok\r\n \r\n x"),
            (b"To: ", b"To : "),
            (b"AAEC", b"AAE"),
            (b"AAEC", b"A*EC"),
            (b"AAEC", b"AAAA" * 20),
            (b"=C3=BC =", b"=c3=bc ="),
            (b" =\r\n", b" \r\n"),
            (b"a=C3", b"a" * 77 + b"=C3"),
            (b"--b 1--", b"--b 1"),
            (b"'M%C3", b"'M%ZZ"),
            (b"utf-8''", b""),
            (b"quoted-printable", b"uuencode"),
            (b"quoted-printable\r\n\r\na=C3", b"7bit\r\n\r\na\xc3"),
            (b'"b 1"', b'"b 1 "'),
            (b"Date: ", b"Date:\r\nDate: "),
            (b"--b 1--\r\n", b"--b 1--"),
        ):
            raw = STRICT.replace(old, new, 1)
            self.assertNotEqual(raw, STRICT)
            complaints, _ = strict5322.check(raw)
            if new == b"" and old.startswith(b"x.y"):
                self.assertEqual(complaints, [])
            else:
                self.assertNotEqual(complaints, [], (old, new))
