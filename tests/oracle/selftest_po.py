#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Tests: the published octets, the reader, mkpostoffice.py, checkpo.py."""

import base64
import os
import re
import shutil
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from selftest_made import TESTS, Made, as_tuple, truth_tuple  # noqa: E402
import checkpo  # noqa: E402
import makefips  # noqa: E402
import postoffice  # noqa: E402

CASES = (
    (1, "437", ()),
    (2, "850", ()),
    (3, "1252", ("--lowercase",)),
    (4, "850", ("--queues", "9", "--users", "30")),
    (5, "437", ("--queues", "1", "--stranded-lock", "--mapped-share", "0.5")),
)


def published(name):
    with open(os.path.join(TESTS, "data", "published", name), encoding="ascii") as file:
        return bytes.fromhex("".join(line.split("#", 1)[0] for line in file))


class Published(unittest.TestCase):
    def test_cipher_of_q104423(self):
        known = (0x52, 0x6E, 0x79, 0x68, 0x55, 0x48, 0x61, 0x66, 0x0B, 0x12, 0x4C)
        data = published("q104423.mai.hex")
        self.assertEqual(data[:2], b"\x2c\x01")
        elements = postoffice.parse(data[2 : 0x49 - 0x0B])
        self.assertEqual([e.qualifier for e in elements], [b"\x32", b"\x33", b"\x37", b"\x01"])
        self.assertEqual([e.content[2:] for e in elements[:3]], [b"\x02\0", b"\x0a\0", b"\x0a\0"])
        profile = postoffice.Profile(
            "cipher.period = none\ncipher.key[0..10] = %s\ncipher.key[11..21] = %s\n"
            % (" ".join(["00"] * 11), " ".join("%02X" % k for k in known))
        )
        sender = elements[3].strings()[0]
        self.assertEqual(len(sender), 34)
        self.assertEqual(profile.decipher(sender[:22])[11:], b"/Admin\0\x80\0\0\x40")
        strings = [e.content for e in postoffice.parse(data[0x4E - 0x0B : 0x7A - 0x0B])]
        self.assertEqual(
            [profile.decipher(s)[11:] for s in strings],
            [b"/300\0\x80\0\0\x40", b"/299\0\x80\0\0\x40"],
        )
        with self.assertRaises(postoffice.BadPostoffice):
            profile.decipher(sender)

    def test_records_of_q108027(self):
        found = postoffice.records(published("q108027.mbg.hex")[:232])
        self.assertEqual(
            [
                (r.sender, r.subject, r.mai, r.size, r.hour, r.minute, r.day, r.month, r.year)
                for r in found
            ],
            [
                (b"Martian", b"This is the subject", "00000062", 552, 16, 25, 8, 10, 1993),
                (b"Martian", b"This is the next subject", "00000063", 554, 16, 26, 8, 10, 1993),
            ],
        )

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
            profile = postoffice.Profile(
                "cipher.period = 67\ncipher.key[0..66] = %s" % key.hex(" ")
            )
            self.assertEqual(profile.decipher(cipher), plain)

    def test_lengths(self):
        for text in ("0201 41", "02 81 01 41", "02 84 00 00 00 01 41"):
            self.assertEqual(postoffice.parse(bytes.fromhex(text))[0].content, b"A")
        outer = postoffice.parse(bytes.fromhex("4C 80 05 02 01 41 0A 80 02 01 42 01 00 01 00"))[0]
        self.assertEqual(
            (outer.qualifier, outer.strings(), outer.children[1].strings()),
            (b"\x05", [b"A"], [b"B"]),
        )
        for text in ("02 05 41", "02 82 01", "4C 80 05 02 01 41", "02", "4C 00", "7F 02 85 00"):
            with self.assertRaises(postoffice.BadPostoffice, msg=text):
                postoffice.parse(bytes.fromhex(text))
        with self.assertRaises(postoffice.BadPostoffice):
            postoffice.parse(b"\x0a\x80" * 100 + b"\x01\x00" * 100)


class ReadBack(unittest.TestCase):
    def read_back(self, seed, codepage, options):
        with Made("--seed", str(seed), "--codepage", codepage, *options) as made:
            office, codec = made.open(), "cp" + codepage
            self.assertEqual(
                {(q["name"], q["mailbag"]) for q in made.truth["queues"]},
                {(name, bag) for name, bag, _ in office.queues()},
            )
            live = {}
            for entry in made.truth["messages"]:
                message = office.message(entry["mai"])
                self.assertEqual(as_tuple(message, codec), truth_tuple(entry))
                for item in entry["attachments"]:
                    self.assertEqual(office.attachment(item["id"]), base64.b64decode(item["b64"]))
                self.assertEqual(entry["counter"], sum(p["live"] for p in entry["places"]))
                for place in entry["places"]:
                    record = office.records(place["mailbag"])[place["record"]]
                    if place["live"] or record.mai == entry["mai"]:
                        self.assertEqual(
                            (office.key(place["mailbag"]).live(record.number), record.mai),
                            (place["live"], entry["mai"]),
                        )
                    if place["live"]:
                        live.setdefault(place["mailbag"], set()).add((record.number, entry["mai"]))
                        when = "%04d-%02d-%02d %02d:%02d" % (
                            record.year,
                            record.month,
                            record.day,
                            record.hour,
                            record.minute,
                        )
                        self.assertEqual(
                            (when, record.subject.decode(codec)), (entry["date"], entry["subject"])
                        )
            bags = set(office.users().values()) | {q["mailbag"] for q in made.truth["queues"]}
            for bag in bags | {"INQUEUE", "INQUEUE3", "SYSTEM"}:
                self.assertEqual(
                    {(r.number, r.mai) for r in office.live(bag)}, live.get(bag, set())
                )
                self.assertEqual(office.key(bag).count("live"), len(live.get(bag, ())))
            self.sizes(office)
            self.unique(made.truth)

    def sizes(self, office):
        for name, rule in {
            "MASTER": (176, 1),
            "CONTROL": (8, 1),
            "FLAG": (2, 1),
            "TID": (4, 1),
            "NETWORK": (0, 122),
            "ACCESS": (0, 586),
            "ACCESS2": (0, 69),
            "ACCESS3": (0, 512),
            "NETPO": (4, 43),
            "GROUP": (4, 51),
        }.items():
            size = len(office.folder.read("GLB/%s.GLB" % name))
            self.assertTrue(
                size == rule[0] if rule[1] == 1 else (size - rule[0]) % rule[1] == 0, name
            )
        want = {
            "XTN",
            "CAL",
            "FOLDERS",
            "GLB",
            "GRP",
            "HLP",
            "INF",
            "INI",
            "KEY",
            "LOG",
            "USR",
            "MBG",
            "MEM",
            "MMF",
            "NME",
            "P1",
            "TPL",
            "MAI",
            "ATT",
        } | {k + d for k in ("MAI/MA", "ATT/AT") for d in "0123456789ABCDEF"}
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

    def test_items_follow_from_the_map(self):
        """What the truth says of each item, worked out again from the files and map.tsv."""
        with Made("--seed", "6", "--codepage", "1252") as made:
            office, moved = made.open(), {}
            with open(made.dir + ".map.tsv", encoding="utf-8") as file:
                for line in file:
                    if not line.startswith("#"):
                        columns = line.rstrip("\n").split("\t")
                        self.assertEqual((len(columns), columns[3]), (6, "active"))
                        moved[columns[0].upper()] = columns[1]
            self.assertEqual(len(moved), len(set(moved.values())))
            found = {}
            for name, bag, _ in office.queues():
                prefix = name.upper() + ("/" if "/" in name else ":")
                for record in office.live(bag):
                    message = office.message(record.mai)
                    mine = {
                        a.upper() for a in message.to + message.cc if a.upper().startswith(prefix)
                    }
                    found[bag, record.number] = (
                        {moved[a] for a in mine if a in moved},
                        {a for a in mine if a not in moved},
                    )
            for entry, item in checkpo.truth_items(made.truth):
                mapped, unmapped = found.pop((item["mailbag"], item["record"]))
                self.assertTrue(mapped or unmapped)
                self.assertEqual({m["smtp"] for m in item["mapped"]}, mapped)
                self.assertEqual({a.upper() for a in item["unmapped"]}, unmapped)
                self.assertEqual(
                    (item["relay"], bool(item["reason"])),
                    (not unmapped, bool(unmapped)),
                    entry["mai"],
                )
            self.assertEqual(found, {})

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
            self.assertEqual(
                made.truth["expect"],
                {"relayed_items": 31, "left_items": 9, "relayed_recipients": 31},
            )
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
        for name, at, text in (
            ("KEY/%s.KEY" % bag, 0x04, "offset 0x4"),
            ("KEY/%s.KEY" % bag, 0x22F, "offset 0x22F"),
            ("MBG/%s.MBG" % bag, 0x00, "should be as before"),
            ("GLB/CONTROL.GLB", 4, "CONTROL"),
        ):
            data = office.folder.read(name)
            office.folder.write(name, data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
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
