#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The cipher half of calibration, measured on made postoffices of random layouts: no position of
the key and no code page that it accepts is wrong, and one message of known text completes the key
as far as that text reaches, behind a header block or not, in one string or in many.

  calibrate_key.py --seeds 1-12
  calibrate_key.py --seeds 1-450 --messages 30 --offices DIR    keeps what was made, and reuses it"""
import json
import os
import random
import subprocess
import sys

import gateway
import mkpostoffice
import postoffice
from gateway import Case
from calibrate import load, untrue
from native import seeds_of

REACH = 4000
WORDS = """the order of parts was sent to us with a price list, please answer before noon; machine and
three report in March: visit hotel quarters about your Friday invoice? quick brown fox jumps over lazy
dogs, zebra (7) Volume 42 per cent; yes no maybe""".split()
TOTAL = {"offices": 0, "plain": 0, "statistics": 0, "known_text": 0, "wrong": 0, "withdrawn": 0,
         "completed": 0, "periods": 0, "pages": 0, "pages_open": 0}


def known_text(seed):
    """4,000 octets of lines, when each line end has two."""
    rng, text = random.Random("known text %d" % seed), ""
    while len(text) < REACH:
        words = [rng.choice(WORDS) for _ in range(rng.randint(4, 12))]
        text += " ".join(words) + " %d.\r\n" % rng.randrange(1000)
    return text[:REACH - 1].rstrip("\r") + "."


def reached(root, truth, profile):
    """Positions of the key under the known text, without the block before it."""
    letter = next(m for m in truth["messages"] if m.get("known_text"))
    data = postoffice.Folder(root).read(postoffice.mai_name(letter["mai"]))
    code = profile.number("mai.field.text")
    strings = next(e.strings() for e in postoffice.parse(data)[0].children
                   if e.ident == 0x4C and e.qualifier == bytes([code]))
    at, out = 0, set()
    for string in strings:
        out.update(n for n in range(len(string)) if at + n >= letter["block"])
        at += len(string)
    return {n % profile.period for n in out} if profile.period else out


class Office:
    """A postoffice of one seed; made when it is not there yet."""

    def __init__(self, base, seed, options):
        self.root = os.path.join(base, "s%d" % seed)
        self.text = self.root + ".known"
        if not os.path.exists(self.root + ".truth.json"):
            gateway.write_file(self.text, known_text(seed))
            words = [self.root, "--seed", seed, "--layout", "random", "--known-text", self.text,
                     "--max-attachments", 3]
            words += ["--messages", options.messages] if options.messages else []
            words += ["--language", options.language] if options.language else []
            words += ["--codepage", options.codepage] if options.codepage else []
            mkpostoffice.make(mkpostoffice.arguments([str(word) for word in words]))
        with open(self.root + ".truth.json", encoding="utf-8") as source:
            self.truth = json.load(source)
        self.name = "%s/%s" % (self.truth["network"], self.truth["postoffice"])
        self.profile = postoffice.load_profile(self.root + ".profile")

    def calibrate(self, *words):
        """(last row of the output, rows of values by name, file that was written)."""
        written = self.root + ".learnt"
        argv = [gateway.program("MSMAILGW", "msmailgw"), "--json", "postoffice", "calibrate",
                self.root, "--write", written, *words]
        done = subprocess.run(argv, capture_output=True, timeout=300, check=False)
        if done.returncode not in (0, 1) or not done.stdout:
            raise gateway.GatewayError("%s: status %d: %s" % (argv, done.returncode, done.stderr))
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        return rows[-1], {row["name"]: row for row in rows[:-1]}, written


class Keys(Case):
    def check_key(self, office, verdict, written):
        wrong = untrue(written, office.root + ".profile", office.name)
        TOTAL["wrong"] += sum(line.startswith("key position") for line in wrong)
        TOTAL["withdrawn"] += verdict["key_withdrawn"]
        self.assert_none(wrong, "what was learnt")

    def check_page(self, office, written):
        page = load(written)[0].get("codepage", "")
        TOTAL["pages" if page else "pages_open"] += 1
        if page and page.removeprefix("CP") != office.truth["codepage"]:
            self.fail("code page %s, not %s" % (page, office.truth["codepage"]))

    def check_known(self, office, verdict, written):
        self.assertNotIn("no message has the known text", " ".join(verdict["wanted"]))
        key = load(written)[1]
        missing = sorted(reached(office.root, office.truth, office.profile) - set(key))
        self.assertEqual(missing, [], "positions under the known text that are not known")
        TOTAL["completed"] += 1

    def check_office(self, office):
        TOTAL["offices"] += 1
        verdict, _, written = office.calibrate()
        self.check_key(office, verdict, written)
        self.check_page(office, written)
        TOTAL["plain"] += verdict["key_plain"]
        TOTAL["statistics"] += verdict["key_statistics"]
        TOTAL["periods"] += "cipher.period" in load(written)[0]
        told = office.calibrate("--known-text", office.text)
        self.check_key(office, told[0], written)
        TOTAL["known_text"] += max(0, told[0]["key_known"] - verdict["key_known"])
        self.check_known(office, told[0], written)

    @classmethod
    def add(cls, seed):
        def one(self):
            self.check_office(Office(self.options.offices or self.base, seed, self.options))

        setattr(cls, "test_seed_%04d" % seed, one)


def main():
    parser = gateway.parser_for(__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=seeds_of, default="1-12", metavar="1-12")
    parser.add_argument("--messages", type=int)
    parser.add_argument("--language")
    parser.add_argument("--codepage")
    parser.add_argument("--offices", metavar="DIR", help="where postoffices are made and stay")
    options = parser.parse_args()
    for seed in options.seeds:
        Keys.add(seed)
    status = gateway.run_program("calibrate_key", sys.modules[__name__], options)
    print("calibrate_key: " + ", ".join("%s %d" % pair for pair in TOTAL.items()))
    return status


if __name__ == "__main__":
    sys.exit(main())
