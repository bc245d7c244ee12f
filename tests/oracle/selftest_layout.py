#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Tests: random layouts are read back as their truth says, sabotage, known texts."""

import base64
import hashlib
import os
import struct
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from selftest_made import Made, as_tuple, truth_tuple  # noqa: E402
import checkpo  # noqa: E402
import corpora  # noqa: E402
import makesabotage  # noqa: E402
import postoffice  # noqa: E402

# the same arguments give the same octets as ever, of the postoffice and of the files beside it
RECORDED = (
    ((), "8b29366a7a5d9f618613156b04d58d1a"),
    (("--seed", "2", "--codepage", "437"), "2e7480e36a43b4cd40764497b9701e9a"),
    (("--seed", "3", "--codepage", "1252", "--lowercase"), "0f309dd1c3c66010d34942b5d79d0626"),
    (
        ("--seed", "4", "--queues", "9", "--users", "30", "--messages", "40"),
        "456b846c45d09d7e513877f8756fa8e5",
    ),
    (("--demo",), "a466019063e22570d387abad00de9cd2"),
    (("--bench", "5000", "--messages", "20"), "da9e036d078062caf9fc076108ca99d8"),
    (
        ("--seed", "7", "--known-key", "60", "--stranded-lock", "--messages", "50"),
        "b0e79b3bfd60e871006bb60d7d0c3d6b",
    ),
)
SEEDS = range(1, 31)


def digest(top):
    total = hashlib.sha256()
    for folder, names, files in sorted(os.walk(top)):
        for name in sorted(files):
            path = os.path.join(folder, name)
            total.update(os.path.relpath(path, top).encode() + b"\0")
            with open(path, "rb") as file:
                total.update(hashlib.sha256(file.read()).digest())
        for name in sorted(names):
            total.update(os.path.relpath(os.path.join(folder, name), top).encode() + b"\n")
    return total.hexdigest()[:32]


class Recorded(unittest.TestCase):
    def test_reference_stays(self):
        for options, want in RECORDED:
            with self.subTest(options=options), Made(*options) as made:
                self.assertEqual(digest(made.top), want)

    def test_random_is_repeatable(self):
        found = set()
        for seed in ("4", "4", "5"):
            with Made("--layout", "random", "--seed", seed, "--messages", "30") as made:
                found.add(digest(made.top))
        self.assertEqual(len(found), 2)


class LayoutsReadBack(unittest.TestCase):
    def records(self, made, office, entry, codec):
        """The message's records in the mailbags, live or not, agree with the truth."""
        for place in entry["places"]:
            record = office.records_of[place["mailbag"]][place["record"]]
            live = office.keys[place["mailbag"]].live(record.number)
            if not place["live"]:
                self.assertFalse(live and record.mai == entry["mai"])
                continue
            when = "%04d-%02d-%02d %02d:%02d" % (
                record.year,
                record.month,
                record.day,
                record.hour,
                record.minute,
            )
            self.assertEqual(
                (live, record.mai, when, record.subject.decode(codec)),
                (True, entry["mai"], entry["date"], entry["subject"]),
            )

    def mailbags(self, made, office):
        """Every live record of every mailbag is one of the truth's, and the counters say so."""
        live = {}
        for entry in made.truth["messages"]:
            for place in entry["places"]:
                if place["live"]:
                    live.setdefault(place["mailbag"], set()).add((place["record"], entry["mai"]))
        for bag, key in office.keys.items():
            found = {(r.number, r.mai) for r in office.records_of[bag] if key.live(r.number)}
            self.assertEqual(found, live.get(bag, set()), bag)
            if office.profile.number("key.count_live") is not None:
                self.assertEqual(key.count("live"), len(found))

    def read_back(self, *options):
        with Made("--layout", "random", *options) as made:
            office, codec = made.open(), "cp" + made.truth["codepage"]
            users = {
                p["name"].rsplit("/", 1)[1]: p["mailbag"]
                for m in made.truth["messages"]
                for p in m["places"]
                if p["kind"] == "user"
            }
            self.assertLessEqual(users.items(), office.users().items())
            bags = {q["mailbag"] for q in made.truth["queues"]} | set(office.users().values())
            office.records_of = {bag: office.records(bag) for bag in bags}
            office.keys = {bag: office.key(bag) for bag in bags}
            for entry in made.truth["messages"]:
                self.assertEqual(as_tuple(office.message(entry["mai"]), codec), truth_tuple(entry))
                for item in entry["attachments"]:
                    self.assertEqual(office.attachment(item["id"]), base64.b64decode(item["b64"]))
                self.records(made, office, entry, codec)
            self.mailbags(made, office)
            return made.truth, made.profile.values

    def test_seeds(self):
        """All that varies does vary over the seeds, and all of it can be read."""
        seen = {}
        for seed in SEEDS:
            size = () if seed % 10 == 0 else ("--messages", "30")
            with self.subTest(seed=seed):
                truth, values = self.read_back("--seed", str(seed), *size)
                values = dict(values, blocks=any(m["block"] for m in truth["messages"]))
                for name, value in values.items():
                    seen.setdefault(name, set()).add(value)
        for name, least in {
            "key.bitmap_offset": 6, "key.bitmap_order": 2, "key.bitmap_set": 2,
            "key.count_new": 6, "key.count_live": 6, "access2.name_offset": 8,
            "access2.mailbag_offset": 8, "access2.mailbag_form": 2, "mai.counter_order": 2,
            "mai.field.from": 1, "mai.field.to": 1, "mai.counter_offset": 1,
            "mai.field.cc": 8, "mai.field.date": 8, "mai.field.subject": 8, "mai.field.text": 8,
            "mai.field.attachments": 8, "mai.vendor.priority": 8, "mai.vendor.counter": 8,
            "mai.address_trailer": 8, "mai.date_form": 4, "mai.order": 8, "mai.from_extra": 3,
            "mai.strangers_after": 6, "att.cipher": 2, "cipher.period": 8, "text.strings": 5,
            "codepage": 5, "language": 7, "blocks": 2,
        }.items():  # fmt: skip
            if least == 1:
                self.assertEqual(len(seen[name]), 1, name)
            self.assertGreaterEqual(len(seen[name]), least, name)
        self.assertIn("none", seen["cipher.period"])
        self.assertIn("none", seen["key.count_live"])

    def test_languages(self):
        for language, pages in corpora.CODEPAGES.items():
            for page in pages:
                options = ("--language", language, "--codepage", page, "--messages", "10")
                truth, _ = self.read_back("--seed", "3", *options)
                self.assertEqual((truth["language"], truth["codepage"]), (language, page))

    def test_wrong_profiles(self):
        """The reading above says something: with one value changed it fails."""
        with Made("--layout", "random", "--seed", "7", "--messages", "30") as made:
            for name, value in (
                ("mai.field.text", "0x7E"),
                ("mai.counter_order", "big"),
                ("mai.address_trailer", "00 01 02 03 04 05 06 07 08 09"),
                ("cipher.period", "19"),
            ):
                profile = postoffice.load_profile(made.dir + ".profile")
                if value == profile.values[name]:
                    value = "little"
                profile.values[name] = value
                profile.period = 19 if name == "cipher.period" else profile.period
                office = postoffice.Postoffice(made.dir, profile)
                self.assertFalse(
                    all(same(office, entry, made.truth) for entry in made.truth["messages"]), name
                )


def same(office, entry, truth):
    try:
        got = as_tuple(office.message(entry["mai"]), "cp" + truth["codepage"])
    except (postoffice.BadPostoffice, UnicodeError):
        return False
    return got == truth_tuple(entry)


class Sabotage(unittest.TestCase):
    def test_kinds(self):
        """What the truth calls sabotaged is wrong under the profile; all else is right."""
        for layout in ("reference", "random"):
            for kind in makesabotage.KINDS:
                with (
                    self.subTest(layout=layout, kind=kind),
                    Made("--layout", layout, "--seed", "8", "--messages", "40",
                         "--sabotage", kind) as made,
                ):  # fmt: skip
                    self.assertEqual(made.truth["sabotage"], kind)
                    self.assertEqual(made.profile.values["verdict"], "insufficient")
                    self.kind(kind, made)

    def kind(self, kind, made):
        office, codec = made.open(), "cp" + made.truth["codepage"]
        spoilt = [m for m in made.truth["messages"] if m.get("sabotaged")]
        self.assertGreater(len(spoilt), 10)
        for entry in made.truth["messages"]:
            wrong = not same(office, entry, made.truth)
            if kind == "subjects":
                subjects = {
                    office.records(p["mailbag"])[p["record"]].subject.decode(codec)
                    for p in entry["places"]
                    if p["live"]
                }
                self.assertFalse(wrong)
                wrong = subjects != {entry["subject"]}
            self.assertEqual(wrong, bool(entry.get("sabotaged")), entry["mai"])
        if kind != "subjects":
            self.assertEqual(len(spoilt), len(made.truth["messages"]) // 2)


class Removal(unittest.TestCase):
    def test_checkpo(self):
        """Items that are removed as published leave what checkpo.py expects, and nothing else."""
        for seed in SEEDS[:6]:
            with Made("--layout", "random", "--seed", str(seed), "--messages", "30") as made:
                made.keep()
                office = made.open()
                places = sorted(checkpo.chosen(made.truth, "expected"))
                for place in places:
                    office.remove(*place)
                status, out = made.check("expected")
                self.assertEqual(status, 0, out)
                self.assertIn("%d items removed, 0 violations" % len(places), out)
                self.assertEqual(made.check("none")[0], 1)


class KnownText(unittest.TestCase):
    def test_known_text(self):
        text = "".join("Line %d of the text.\n" % n for n in range(200))[:4000]
        for seed in range(1, 7):
            with Made("--layout", "random", "--seed", str(seed), "--messages", "30") as made:
                box = sorted(made.open().users())[2]
                path = os.path.join(made.top, "known.txt")
                with open(path, "w", encoding="utf-8") as file:
                    file.write(text)
                options = ("--known-text", path, "--known-user", box)
                with Made(
                    "--layout", "random", "--seed", str(seed), "--messages", "30", *options
                ) as again:
                    self.check(again, box, text)

    def check(self, made, box, text):
        self.assertEqual(len(made.truth["messages"]), 31)
        (entry,) = [m for m in made.truth["messages"] if m.get("known_text")]
        message = made.open().message(entry["mai"])
        body = message.text[entry["block"] :].decode("cp" + made.truth["codepage"])
        self.assertEqual(body, text.replace("\n", "\r\n"))
        self.assertEqual(message.to, ["NORTH/HQ/" + box])
        bag = made.open().users()[box]
        self.assertIn(entry["mai"], [r.mai for r in made.open().live(bag)])


class Dates(unittest.TestCase):
    def test_forms(self):
        for form, raw in (
            ("yyyy-mm-dd hh:mm", b"1997-04-07 12:05"),
            ("yyyy-mm-dd hh:mm:ss", b"1997-04-07 12:05:59"),
            ("dd-mm-yy hh:mm", b"07-04-97 12:05"),
            ("mm/dd/yy hh:mm AM", b"04/07/97 12:05 PM"),
        ):
            self.assertEqual(postoffice.minute(raw, form), b"1997-04-07 12:05")
            for bad in (raw + b" ", raw[1:], raw.replace(b"04", b"44")):
                with self.assertRaises(postoffice.BadPostoffice):
                    postoffice.minute(bad, form)
        form = "mm/dd/yy hh:mm AM"
        self.assertEqual(postoffice.minute(b"04/07/97 12:05 AM", form), b"1997-04-07 00:05")


class Users(unittest.TestCase):
    def test_mailbag_number_in_binary(self):
        """The octets themselves, so that writer and reader are not wrong together."""
        for seed in SEEDS:
            with Made("--layout", "random", "--seed", str(seed), "--messages", "1") as made:
                if made.profile.values["access2.mailbag_form"] != "binary":
                    continue
                office = made.open()
                data = office.folder.read("GLB/ACCESS2.GLB")
                name, number = sorted(office.users().items())[1]
                at = data.index(name.encode() + b"\0") // 69 * 69
                at += made.profile.number("access2.mailbag_offset")
                self.assertEqual(data[at : at + 4], struct.pack("<I", int(number, 16)))
                return
        self.fail("no seed has a number in binary")


if __name__ == "__main__":
    unittest.main()
