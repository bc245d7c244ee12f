#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Tests of the oracle itself, of mkpostoffice.py and of standin-gtwget.py."""

import base64
import contextlib
import datetime
import email.utils
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import zoneinfo

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.dirname(HERE)
sys.path[:0] = [HERE, TESTS]

import checkpo  # noqa: E402
import compare  # noqa: E402
import makefips  # noqa: E402
import mkpostoffice  # noqa: E402
import postoffice  # noqa: E402
import strict5322  # noqa: E402

ZONE, ENCAP = "Europe/Berlin", "encap.example"
CASES = ((1, "437", ()), (2, "850", ()), (3, "1252", ("--lowercase",)), (4, "850", ("--queues", "9", "--users", "30")),
         (5, "437", ("--queues", "1", "--stranded-lock", "--mapped-share", "0.5")))


def published(name):
    with open(os.path.join(TESTS, "data", "published", name), encoding="ascii") as file:
        return bytes.fromhex("".join(line.split("#", 1)[0] for line in file))


def quiet(function, *args):
    """(result, what it printed)"""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        result = function(*args)
    return result, out.getvalue()


class Made:
    """A made postoffice in a directory of its own."""

    def __init__(self, *options):
        self.top = tempfile.mkdtemp(prefix="oracle")
        self.dir = os.path.join(self.top, "po")
        quiet(mkpostoffice.main, [self.dir, *options])
        with open(self.dir + ".truth.json", encoding="utf-8") as file:
            self.truth = json.load(file)
        self.profile = postoffice.load_profile(self.dir + ".profile")
        self.before = os.path.join(self.top, "before")

    def open(self):
        return postoffice.Postoffice(self.dir, self.profile)

    def keep(self):
        shutil.copytree(self.dir, self.before)

    def check(self, relayed, *more):
        return quiet(checkpo.main, ["--before", self.before, "--after", self.dir, "--truth", self.dir + ".truth.json",
                                    "--profile", self.dir + ".profile", "--relayed", relayed, *more])

    def compare(self, received, *more):
        return quiet(compare.main, ["--truth", self.dir + ".truth.json", "--received", received, "--encap-domain", ENCAP,
                                    "--zone", ZONE, *more])

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        shutil.rmtree(self.top)


class Published(unittest.TestCase):
    def test_cipher_of_q104423(self):
        known = (0x52, 0x6E, 0x79, 0x68, 0x55, 0x48, 0x61, 0x66, 0x0B, 0x12, 0x4C)
        data = published("q104423.mai.hex")
        self.assertEqual(data[:2], b"\x2c\x01")
        elements = postoffice.parse(data[2:0x49 - 0x0B])
        self.assertEqual([e.qualifier for e in elements], [b"\x32", b"\x33", b"\x37", b"\x01"])
        self.assertEqual([e.content[2:] for e in elements[:3]], [b"\x02\0", b"\x0a\0", b"\x0a\0"])
        profile = postoffice.Profile("cipher.period = none\ncipher.key[0..10] = %s\ncipher.key[11..21] = %s\n" % (
            " ".join(["00"] * 11), " ".join("%02X" % k for k in known)))
        sender = elements[3].strings()[0]
        self.assertEqual(len(sender), 34)
        self.assertEqual(profile.decipher(sender[:22])[11:], b"/Admin\0\x80\0\0\x40")
        strings = [e.content for e in postoffice.parse(data[0x4E - 0x0B:0x7A - 0x0B])]
        self.assertEqual([profile.decipher(s)[11:] for s in strings], [b"/300\0\x80\0\0\x40", b"/299\0\x80\0\0\x40"])
        with self.assertRaises(postoffice.BadPostoffice):
            profile.decipher(sender)

    def test_records_of_q108027(self):
        found = postoffice.records(published("q108027.mbg.hex")[:232])
        self.assertEqual([(r.sender, r.subject, r.mai, r.size, r.hour, r.minute, r.day, r.month, r.year) for r in found],
                         [(b"Martian", b"This is the subject", "00000062", 552, 16, 25, 8, 10, 1993),
                          (b"Martian", b"This is the next subject", "00000063", 554, 16, 26, 8, 10, 1993)])

    def test_network_of_q148666(self):
        raw = published("q148666.network.hex")
        with tempfile.TemporaryDirectory() as top:
            os.makedirs(os.path.join(top, "glb"))
            with open(os.path.join(top, "glb", "network.glb"), "wb") as file:
                file.write(raw[:122])
            office = postoffice.Postoffice(top, postoffice.Profile(""))
            self.assertEqual(office.queues(), [("MSMAIL", "0000002E", 0x10)])


class Elements(unittest.TestCase):
    def test_cipher_against_the_loop(self):
        key = bytes(range(3, 70))
        for size in (0, 1, 2, 66, 67, 68, 500):
            plain, cipher, last = os.urandom(size), b"", 0
            for at, octet in enumerate(plain):
                last = octet ^ last ^ key[at % len(key)]
                cipher += bytes([last])
            self.assertEqual(makefips.encipher(plain, key), cipher)
            profile = postoffice.Profile("cipher.period = 67\ncipher.key[0..66] = %s" % key.hex(" "))
            self.assertEqual(profile.decipher(cipher), plain)

    def test_lengths(self):
        for text in ("0201 41", "02 81 01 41", "02 84 00 00 00 01 41"):
            self.assertEqual(postoffice.parse(bytes.fromhex(text))[0].content, b"A")
        outer = postoffice.parse(bytes.fromhex("4C 80 05 02 01 41 0A 80 02 01 42 01 00 01 00"))[0]
        self.assertEqual((outer.qualifier, outer.strings(), outer.children[1].strings()), (b"\x05", [b"A"], [b"B"]))
        for text in ("02 05 41", "02 82 01", "4C 80 05 02 01 41", "02", "4C 00", "7F 02 85 00"):
            with self.assertRaises(postoffice.BadPostoffice, msg=text):
                postoffice.parse(bytes.fromhex(text))
        with self.assertRaises(postoffice.BadPostoffice):
            postoffice.parse(b"\x0a\x80" * 100 + b"\x01\x00" * 100)


def as_tuple(message, codec):
    return (message.sender, message.to, message.cc, message.date.decode("ascii"), message.subject.decode(codec),
            message.text.decode(codec), message.priority, message.counter)


class ReadBack(unittest.TestCase):
    def read_back(self, seed, codepage, options):
        with Made("--seed", str(seed), "--codepage", codepage, *options) as made:
            office, codec = made.open(), "cp" + codepage
            self.assertEqual({(q["name"], q["mailbag"]) for q in made.truth["queues"]},
                             {(name, bag) for name, bag, _ in office.queues()})
            live = {}
            for entry in made.truth["messages"]:
                message = office.message(entry["mai"])
                self.assertEqual(as_tuple(message, codec), tuple(
                    entry[k] for k in ("sender", "to", "cc", "date", "subject", "text", "priority", "counter")))
                self.assertEqual(message.attachments, [(a["id"], a["name"], a["size"]) for a in entry["attachments"]])
                for item in entry["attachments"]:
                    self.assertEqual(office.attachment(item["id"]), base64.b64decode(item["b64"]))
                self.assertEqual(entry["counter"], sum(p["live"] for p in entry["places"]))
                for place in entry["places"]:
                    record = office.records(place["mailbag"])[place["record"]]
                    if place["live"] or record.mai == entry["mai"]:
                        self.assertEqual((office.key(place["mailbag"]).live(record.number), record.mai),
                                         (place["live"], entry["mai"]))
                    if place["live"]:
                        live.setdefault(place["mailbag"], set()).add((record.number, entry["mai"]))
                        when = "%04d-%02d-%02d %02d:%02d" % (record.year, record.month, record.day, record.hour,
                                                              record.minute)
                        self.assertEqual((when, record.subject.decode(codec)), (entry["date"], entry["subject"]))
            bags = set(office.users().values()) | {q["mailbag"] for q in made.truth["queues"]}
            for bag in bags | {"INQUEUE", "INQUEUE3", "SYSTEM"}:
                self.assertEqual({(r.number, r.mai) for r in office.live(bag)}, live.get(bag, set()))
                self.assertEqual(office.key(bag).count("live"), len(live.get(bag, ())))
            self.sizes(office)
            self.unique(made.truth)

    def sizes(self, office):
        for name, rule in {"MASTER": (176, 1), "CONTROL": (8, 1), "FLAG": (2, 1), "TID": (4, 1), "NETWORK": (0, 122),
                           "ACCESS": (0, 586), "ACCESS2": (0, 69), "ACCESS3": (0, 512), "NETPO": (4, 43),
                           "GROUP": (4, 51)}.items():
            size = len(office.folder.read("GLB/%s.GLB" % name))
            self.assertTrue(size == rule[0] if rule[1] == 1 else (size - rule[0]) % rule[1] == 0, name)
        want = {"XTN", "CAL", "FOLDERS", "GLB", "GRP", "HLP", "INF", "INI", "KEY", "LOG", "USR", "MBG", "MEM", "MMF", "NME",
                "P1", "TPL", "MAI", "ATT"} | {k + d for k in ("MAI/MA", "ATT/AT") for d in "0123456789ABCDEF"}
        self.assertEqual(len(want), 51)
        self.assertEqual(set(office.folder.directories) - want, {"FOLDERS/LOC", "FOLDERS/PUB"})
        for name in office.folder.files:
            if name.startswith("XTN/"):
                self.assertEqual(len(office.folder.read(name)) % 698, 0)

    def unique(self, truth):
        keys = [(m["sender"], m["date"], m["subject"], m["text"]) for m in truth["messages"]]
        self.assertEqual(len(keys), len(set(keys)))

    def test_seeds(self):
        for seed, codepage, options in CASES:
            with self.subTest(seed=seed):
                self.read_back(seed, codepage, options)

    def test_variety(self):
        """Over a few seeds every hard case that the generator promises does occur."""
        sizes, kinds, text = set(), set(), ""
        vacancies = False
        for seed in range(10, 14):
            with Made("--seed", str(seed)) as made:
                messages = made.truth["messages"]
                items = [item for m in messages for item in m["items"]]
                kinds |= {(bool(i["mapped"]), bool(i["unmapped"])) for i in items}
                sizes |= {a["size"] for m in messages for a in m["attachments"]} & {0, 1, 126}
                sizes |= {"many"} if any(len(m["attachments"]) == 5 for m in messages) else set()
                sizes |= {"shared"} if any(m["counter"] > 2 for m in messages) else set()
                sizes |= {"40"} if any(len(m["subject_as_typed"]) > 40 for m in messages) else set()
                sizes |= {"empty"} if any(not m["subject"] for m in messages) else set()
                sizes |= {"big"} if any(m["text_size"] > 65536 for m in messages) else set()
                sizes |= {"no text"} if any(not m["text"] for m in messages) else set()
                text += "".join(m["text"] for m in messages)
                office = made.open()
                for queue in made.truth["queues"]:
                    live = [r.number for r in office.live(queue["mailbag"])]
                    vacancies |= len(live) > 8 and live != list(range(len(live)))
        self.assertEqual(kinds, {(True, True), (True, False), (False, True)})
        self.assertEqual(sizes, {0, 1, 126, "many", "shared", "40", "empty", "big", "no text"})
        self.assertTrue(vacancies)
        for part in (r"\r\n\.\r\n", r"\x1a", r"\t", r"[^\r\n]{4900}", r"[^\r]\n"):
            self.assertTrue(re.search(part, text), part)

    def test_same_octets_again(self):
        with Made("--seed", "9") as one, Made("--seed", "9") as two:
            left, right = one.open().folder, two.open().folder
            self.assertEqual(left.files, right.files)
            for name in left.files:
                self.assertEqual(left.read(name), right.read(name), name)

    def test_demo(self):
        with Made("--demo") as made:
            self.assertEqual(len(made.truth["queues"]), 3)
            self.assertEqual(len(made.truth["messages"]), 40)
            self.assertEqual(made.truth["expect"], {"relayed_items": 31, "left_items": 9, "relayed_recipients": 31})
            self.assertEqual([len(m["items"]) for m in made.truth["messages"]], [1] * 40)

    def test_part_of_the_key(self):
        with Made("--known-key", "60") as made:
            office, held = made.open(), 0
            for entry in made.truth["messages"]:
                try:
                    office.message(entry["mai"])
                    for item in entry["attachments"]:
                        office.attachment(item["id"])
                except postoffice.BadPostoffice:
                    held += 1
                    self.assertGreater(entry["longest_run"], 60)
                else:
                    self.assertLessEqual(entry["longest_run"], 60)
            self.assertGreater(held, 0)


class CheckPostoffice(unittest.TestCase):
    def setUp(self):
        self.made = Made("--seed", "21")
        self.addCleanup(shutil.rmtree, self.made.top)
        self.made.keep()
        self.places = sorted(checkpo.chosen(self.made.truth, "expected"))

    def relay(self):
        office = self.made.open()
        for place in self.places:
            office.remove(*place)
        return office

    def assert_found(self, text, relayed="expected"):
        status, out = self.made.check(relayed)
        self.assertEqual(status, 1)
        self.assertIn(text, out)

    def test_clean_runs(self):
        self.assertEqual(self.made.check("none")[0], 0)
        self.relay()
        status, out = self.made.check("expected")
        self.assertEqual(status, 0, out)
        self.assertIn("%d items removed, 0 violations" % len(self.places), out)

    def test_list_by_record_and_by_message(self):
        (bag, record), name = self.places[0], os.path.join(self.made.top, "list")
        office = self.made.open()
        ident = office.records(bag)[record].mai
        office.remove(bag, record)
        for line in ("%s %d # one\n" % (bag, record), "%s %s\n" % (bag, ident)):
            with open(name, "w", encoding="ascii") as file:
                file.write(line)
            self.assertEqual(self.made.check(name)[0], 0)

    def test_nothing_was_removed(self):
        self.assert_found("should have changed")
        self.assert_found("still there")

    def test_one_too_many(self):
        office = self.relay()
        left = sorted(checkpo.chosen(self.made.truth, "all") - set(self.places))
        office.remove(*left[0])
        self.assert_found("KEY/%s.KEY" % left[0][0])

    def test_single_octets(self):
        office = self.relay()
        bag = self.places[0][0]
        for name, at, text in (("KEY/%s.KEY" % bag, 0x04, "offset 0x4"), ("KEY/%s.KEY" % bag, 0x22F, "offset 0x22F"),
                               ("MBG/%s.MBG" % bag, 0x00, "should be as before"), ("GLB/CONTROL.GLB", 4, "CONTROL")):
            data = office.folder.read(name)
            office.folder.write(name, data[:at] + bytes([data[at] ^ 1]) + data[at + 1:])
            self.assert_found(text)
            office.folder.write(name, data)
        self.assertEqual(self.made.check("expected")[0], 0)

    def test_files_left_and_lost(self):
        office = self.relay()
        lock = os.path.join(self.made.dir, "P1", "%s.0LK" % self.places[0][0])
        with open(lock, "wb"):
            pass
        self.assert_found("P1/%s.0LK was left behind" % self.places[0][0])
        os.unlink(lock)
        office.folder.remove("P1/POPULATE.MSM")
        self.assert_found("P1/POPULATE.MSM is gone")
        os.rmdir(os.path.join(self.made.dir, "HLP"))
        self.assert_found("directory HLP is gone")


def encoded_word(text, most=8):
    """Each run of eight characters as one encoded word: always right, never pretty."""
    return "\r\n ".join("=?utf-8?B?%s?=" % base64.b64encode(text[at:at + most].encode("utf-8")).decode("ascii")
                        for at in range(0, len(text), most))


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
    lines = "".join(body[at:at + 76] + "\r\n" for at in range(0, len(body), 76))
    return "Content-Type: %s\r\n%sContent-Transfer-Encoding: base64\r\n\r\n%s" % (ctype, extra, lines)


def raw_message(truth, message):
    """A message as a faithful gateway would send it, put together by hand."""
    table, plain = truth["map"], re.fullmatch(r"[A-Za-z0-9:,. ()-]*", message["subject"])
    when = datetime.datetime.strptime(message["date"], "%Y-%m-%d %H:%M").replace(tzinfo=zoneinfo.ZoneInfo(ZONE))
    head = ["From: " + mailbox(message["sender"], table)]
    for name in ("to", "cc"):
        if message[name]:
            head.append(name.title() + ": " + ",\r\n ".join(mailbox(a, table) for a in message[name]))
    head += ["Subject: " + (message["subject"] if plain else encoded_word(message["subject"])),
             "Date: " + email.utils.format_datetime(when), "MIME-Version: 1.0",
             "Message-ID: <mm.%s.%s@gw.example>" % (message["text_sha256"][:16], message["mai"])]
    text = compare.plain_lines(message["text"].rstrip("\x1a")).replace("\n", "\r\n").encode("utf-8")
    parts = [part("text/plain; charset=utf-8", text)]
    for item in message["attachments"]:
        name = "".join(chr(o) if chr(o).isalnum() and o < 128 else "%%%02X" % o for o in item["name"].encode("utf-8"))
        parts.append(part("application/octet-stream", base64.b64decode(item["b64"]),
                          "Content-Disposition: attachment;\r\n filename*=utf-8''%s\r\n" % name))
    if len(parts) == 1:
        return ("\r\n".join(head) + "\r\n" + parts[0]).encode("ascii")
    head.append('Content-Type: multipart/mixed; boundary="=_b"\r\n\r\n')
    return ("\r\n".join(head) + "".join("--=_b\r\n" + p + ("" if p.endswith("\r\n") and p.split("\r\n\r\n", 1)[1] else "\r\n")
                                        for p in parts) + "--=_b--\r\n").encode("ascii")


class Compare(unittest.TestCase):
    def setUp(self):
        self.made = Made("--seed", "31", "--messages", "60")
        self.addCleanup(shutil.rmtree, self.made.top)
        self.box = os.path.join(self.made.top, "box")
        os.makedirs(self.box)
        self.notes = []
        for entry in self.made.truth["messages"]:
            for number, item in enumerate(entry["items"]):
                if item["relay"]:
                    self.deliver(entry["mai"] + "-%d" % number, raw_message(self.made.truth, entry),
                                 [m["smtp"] for m in item["mapped"]])

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
        self.assertNotEqual(raw, changed)
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
        self.change(rb"Subject: .*?\r\nFrom", b"Subject: changed\r\nFrom", 2)
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
        shutil.copy(os.path.join(self.box, self.notes[0]["file"]), os.path.join(self.box, "copy.eml"))
        self.change(rb"Message-ID: <", b"Message-ID: <again.", len(self.notes) - 1)
        self.assert_problem("more than one Message-ID", "duplicate")

    def test_swapped_attachments(self):
        entry = next(m for m in self.made.truth["messages"] if any(i["relay"] for i in m["items"])
                     and len({a["sha256"] for a in m["attachments"]}) > 1)
        changed = json.loads(json.dumps(entry))
        files = changed["attachments"]
        files[0]["b64"], files[-1]["b64"] = files[-1]["b64"], files[0]["b64"]
        at = next(n for n, note in enumerate(self.notes) if note["file"].startswith(entry["mai"]))
        with open(os.path.join(self.box, self.notes[at]["file"]), "wb") as file:
            file.write(raw_message(self.made.truth, changed))
        self.assert_problem("attachment 1: ")

    def test_text(self):
        entry = next(m for m in self.made.truth["messages"] if any(i["relay"] for i in m["items"]) and len(m["text"]) > 99)
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
                    file.write(b"Return-Path: <a@b.example>\nX-Original-To: %s\nDelivered-To: x@y\n" % rcpt.encode() + raw)
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
""".replace(b"\n", b"\r\n")


class Strict(unittest.TestCase):
    def test_good(self):
        complaints, leaves = strict5322.check(STRICT)
        self.assertEqual(complaints, [])
        self.assertEqual([(leaf["name"], leaf["data"]) for leaf in leaves],
                         [(None, "aü b".encode("utf-8")), ("MüLL.DOC", b"\0\1\2"), ("EMPTY.DAT", b"")])

    def test_bad(self):
        for old, new in ((b"\r\nTo", b"\nTo"), (b"ok", b"\r"), (b"ok", b"\0"), (b"ok", b"x" * 999), (b"ok", "ü".encode()),
                         (b'"A, B" <', b"A, B <"), (b'"A, B"', b"A.B"), (b'"A, B"', b'(x) "A"'), (b"a@b.example>", b"a@b..c>"),
                         (b"x.y@z.example, ", b"x.y@z.example,, "), (b"x.y@z.example, ", b""), (b"c@d.example;", b"c@d.example"),
                         (b"Mon, 07", b"Tue, 07"), (b"07 Apr", b"31 Apr"), (b"+0200", b"GMT"), (b"<1.2@b.example>", b"<1.2>"),
                         (b"=9Fe?=", b"=9Fe?=x"), (b"=C3=9F", b"=C3"), (b"?Q?", b"?Q?" + b"a" * 80), (b"MIME-Version: 1.0\r\n", b""),
                         (b"1.0", b"1.0\r\nFrom: a@b.example"), (b"ok", b"ok\r\n \r\n x"), (b"To: ", b"To : "), (b"AAEC", b"AAE"),
                         (b"AAEC", b"A*EC"), (b"AAEC", b"AAAA" * 20), (b"=C3=BC =", b"=c3=bc ="), (b" =\r\n", b" \r\n"),
                         (b"a=C3", b"a" * 77 + b"=C3"), (b"--b 1--", b"--b 1"), (b"'M%C3", b"'M%ZZ"), (b"utf-8''", b""),
                         (b"quoted-printable", b"uuencode"), (b"quoted-printable\r\n\r\na=C3", b"7bit\r\n\r\na\xc3"),
                         (b'"b 1"', b'"b 1 "'), (b"Date: ", b"Date:\r\nDate: "), (b"--b 1--\r\n", b"--b 1--")):
            raw = STRICT.replace(old, new, 1)
            self.assertNotEqual(raw, STRICT)
            complaints, _ = strict5322.check(raw)
            if new == b"" and old.startswith(b"x.y"):
                self.assertEqual(complaints, [])
            else:
                self.assertNotEqual(complaints, [], (old, new))


def read_mmff(data, line_end):
    """The messages of an MMFF file as (fields, text, [(name, content)])."""
    at, out = 0, []
    while at < len(data):
        fields, files = [], []
        while True:
            stop = data.index(line_end, at)
            name, _, value = data[at:stop].partition(b":")
            at = stop + len(line_end)
            if name == b"TEXT":
                break
            fields.append((name, value))
        text, at = data[at:at + int(value)], at + int(value)
        for name, value in fields:
            if name == b"ATTACHMENT":
                file_name, size = value.rsplit(b" ", 1)
                files.append((file_name, data[at:at + int(size)]))
                at += int(size)
        out.append((fields, text, files))
    return out


class StandIn(unittest.TestCase):
    def get(self, made, *options, **environment):
        out = os.path.join(made.top, "out.api")
        done = subprocess.run([sys.executable, os.path.join(TESTS, "standin-gtwget.py"), *options, out], check=False,
                              capture_output=True, env=dict(os.environ, **environment), timeout=60)
        return done, out

    def test_formats(self):
        for option, line_end in (("-f0", b"\r"), ("-f1", b"\n"), ("-f2", b"\r\n")):
            with self.subTest(option=option), Made("--seed", "41") as made:
                self.formats(made, option, line_end)

    def formats(self, made, option, line_end):
        codec = "cp850"
        made.keep()
        for queue in made.truth["queues"]:
            came = []
            while True:
                done, out = self.get(made, queue["name"], "-d" + made.dir, "-aadmin:x", option, "-h", "-n7")
                self.assertEqual((done.returncode, done.stdout), (0, b""))
                if not os.path.exists(out):
                    break
                with open(out, "rb") as file:
                    came += read_mmff(file.read(), line_end)
                os.unlink(out)
            want = [m for m in made.truth["messages"] if any(i["mailbag"] == queue["mailbag"] for i in m["items"])]
            self.assertEqual(len(came), len(want))
            found = sorted((dict(f)[b"DATE"] + dict(f)[b"TIME"], t, files) for f, t, files in came)
            self.assertEqual(found, sorted(
                (m["date"].replace(" ", "").encode(), re.sub(b"\r\n|\n|\r", lambda _: line_end, m["text"].encode(codec)),
                 [(a["name"].encode(codec), base64.b64decode(a["b64"])) for a in m["attachments"]]) for m in want))
        status, text = made.check("all")
        self.assertEqual(status, 0, text)

    def test_basic_and_limits(self):
        with Made("--bench", "500", "--messages", "60") as made:
            done, out = self.get(made, "NORTH/SALES", "-d" + made.dir, "-aadmin:x", "-f2")
            with open(out, "rb") as file:
                came = read_mmff(file.read(), b"\r\n")
            self.assertEqual(len(came), 50)
            self.assertEqual([name for name, _ in came[0][0]],
                             [b"VERSION", b"TO", b"FROM", b"DATE", b"TIME", b"SUBJECT", b"PRIORITY"])
            done, _ = self.get(made, "NORTH/SALES", "-d" + made.dir, "-aadmin:x")
            self.assertRegex(done.stdout, rb"^140-000-000 output file")
            for options in (("-d" + made.dir, "-aadmin:x", "-n51"), ("-d" + made.dir,), ("NO/PO", "-d" + made.dir, "-aa:b"),
                            ("-d" + made.dir + "x", "-aa:b"), ("-d" + made.dir, "-aa:b", "-f3")):
                done, _ = self.get(made, *options)
                self.assertEqual(done.returncode, 0)
                self.assertRegex(done.stdout, rb"^\d{3}-\d{3}-\d{3} ")
            done, _ = self.get(made, "-d" + made.dir, "-aa:b", STANDIN_PASSWORD="c")
            self.assertRegex(done.stdout, rb"sign-on failed")

    def test_all_ffapi_postoffices(self):
        with Made("--seed", "42") as made:
            done, out = self.get(made, "-d" + made.dir, "-aa:b")
            self.assertEqual(done.stdout, b"")
            with open(out, "rb") as file:
                count = len(read_mmff(file.read(), b"\r"))
            self.assertEqual(count, next(q["items"] for q in made.truth["queues"] if q["kind"] == "ffapi"))

    def test_death_takes_nothing(self):
        for where in ("writing", "written"):
            with Made("--seed", "43") as made:
                made.keep()
                done, out = self.get(made, "SMTP", "-d" + made.dir, "-aa:b", STANDIN_DIE=where)
                self.assertEqual(done.returncode, 3)
                self.assertTrue(os.path.exists(out))
                self.assertEqual(made.check("none")[0], 0)


if __name__ == "__main__":
    unittest.main()
