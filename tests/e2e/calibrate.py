#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Calibration of made postoffices: every value that it accepts is true, nothing on the postoffice
changes, and what a gateway relays under the profile that it wrote is the truth; the rest is held.

  calibrate.py --seeds 1-12                    the reference layout
  calibrate.py --seeds 1-300 --layout random   everything varied that no document places"""
import os
import re
import sys

import gateway
from gateway import Case, Gateway, Office, Sink
from native import seeds_of, tree

SIZES = (30, 60, 100, 150, 100, 250, 100, 40, 100, 200, 120, 500)
PAGES = ("437", "850", "1252")
RUN = re.compile(r"cipher\.key\[(\d+)\.\.(\d+)\]$")
OURS = ("profile", "verdict", "codepage")
# the count of what this program did, for the last lines
TOTAL = {"offices": 0, "values": 0, "positions": 0, "proven": 0, "readable": 0, "insufficient": 0,
         "relayed": 0, "held": 0}


def load(path):
    """({name: value}, {position: octet}) of a profile."""
    values, key = {}, {}
    with open(path, encoding="ascii") as lines:
        for line in lines:
            name, equals, value = (part.strip() for part in line.split("#")[0].partition("="))
            run = RUN.match(name)
            if run:
                key.update((int(run[1]) + n, int(octet, 16))
                           for n, octet in enumerate(value.split()) if octet != "??")
            elif equals:
                values[name] = value
    return values, key


def plain(value):
    """Numbers are the same however they are written."""
    return int(value, 0) if re.fullmatch(r"0x[0-9A-Fa-f]+|[0-9]+", value) else value


def untrue(learnt, truth):
    """What of the profile `learnt` is not in the profile `truth`."""
    (values, key), (true_values, true_key) = load(learnt), load(truth)
    period = true_values.get("cipher.period", "none")
    wrong = ["%s = %s, not %s" % (name, value, true_values.get(name))
             for name, value in values.items()
             if name not in OURS and plain(value) != plain(true_values.get(name, "unknown"))]
    for at, octet in key.items():
        right = true_key.get(at if period == "none" else at % int(period))
        if octet != right:
            wrong.append("key position %d: %02X, not %s" % (at, octet, right))
    TOTAL["values"] += len(set(values) - set(OURS))
    TOTAL["positions"] += len(key)
    return wrong


class Calibrated:
    """A made postoffice and the profile that was learnt from it."""

    def __init__(self, test, title, **options):
        self.test = test
        self.office = Office(test.base, title, domain=title + ".test", **options)
        self.written = os.path.join(test.base, title + ".learnt")
        self.gate = Gateway(test.base, title + ".gw", test.sink.relay(),
                            [self.office.native(profile=self.written,
                                                codepage=self.office.truth["codepage"])],
                            [self.office.map], postmaster="postmaster@gw.test")

    def calibrate(self, *words):
        """The row of the verdict. GatewayError when the status does not fit it."""
        before = tree(self.office.root)
        done = self.gate.run("--json", "postoffice", "calibrate", self.office.root,
                             "--write", self.written, *words, expect=None)
        verdict = done.rows()[-1]
        self.test.assertEqual(done.status, int(verdict["verdict"] == "insufficient"), done)
        self.test.assertEqual(tree(self.office.root), before, "the postoffice changed")
        self.test.assert_none(untrue(self.written, self.office.profile), "what was learnt")
        TOTAL["offices"] += 1
        TOTAL[verdict["verdict"]] += 1
        return verdict

    def drain(self):
        """Relays what can be read; returns how many items went and how many were to go."""
        self.gate.drain(expect=None)
        expected = self.office.expected()
        gone = expected - set(self.office.live())
        listed = self.written + ".list"
        gateway.write_file(listed, "".join("%s %d\n" % place for place in sorted(gone)))
        copies = [copy for copy in self.test.sink.copies()
                  if any(rcpt.endswith("@" + self.office.domain) for rcpt in copy.rcpts)]
        self.test.assert_none(self.office.compare(copies, listed), "what arrived")
        left = self.office.expected("all") - expected
        self.test.assertLessEqual(left, set(self.office.live()), "unmapped mail was taken")
        TOTAL["relayed"] += len(gone)
        TOTAL["held"] += len(expected) - len(gone)
        return len(gone), len(expected)


class WithSink(Case):
    @classmethod
    def setUpClass(cls):
        cls.sink = Sink(cls.base, cls.__name__ + "-sink", tls=False)
        cls.enterClassContext(cls.sink)


class Seeds(WithSink):
    """One test for each seed; main() makes them."""

    @classmethod
    def add(cls, seed, layout):
        def one(self):
            options = {"seed": seed, "max_attachments": 3}
            if layout == "reference":
                options["messages"] = SIZES[seed % len(SIZES)]
                options["codepage"] = PAGES[seed % len(PAGES)]
            else:
                options["layout"] = layout
            made = Calibrated(self, "s%d" % seed, **options)
            verdict = made.calibrate()["verdict"]
            if layout == "reference" and len(made.office.truth["messages"]) >= 100:
                self.assertEqual(verdict, "proven")
            if verdict == "proven" and (seed % 3 == 0 or self.options.drain_all):
                made.drain()

        setattr(cls, "test_seed_%03d" % seed, one)


class Special(WithSink):
    def test_all_goes(self):
        """A proven profile with the whole key: all that is to go goes."""
        made = Calibrated(self, "all", seed=901, messages=100, max_attachments=3)
        self.assertEqual(made.calibrate()["verdict"], "proven")
        went, expected = made.drain()
        self.assertEqual(went, expected)
        self.assertGreater(went, 20)

    def test_known_text(self):
        """A message of known text gives the key as far as it reaches, header block or not."""
        known = os.path.join(self.base, "known.txt")
        lines = ["%d bottles stand on the wall, and %d of them are green" % (n, n * 7 % 90)
                 for n in range(90)]
        gateway.write_file(known, "\r\n".join(lines)[:4000])
        made = Calibrated(self, "known", seed=11, messages=100, layout="random",
                          known_text=known, known_user="ADMIN")
        without = made.calibrate()
        told = made.calibrate("--known-text", known)
        self.assertLess(without["key_known"], 3000)
        self.assertGreaterEqual(told["key_known"], 4000)

    def check_sabotage(self, kind):
        made = Calibrated(self, kind, seed=77, messages=100, sabotage=kind)
        verdict = made.gate.run("--json", "postoffice", "calibrate", made.office.root,
                                expect=None).rows()[-1]
        self.assertNotEqual(verdict["verdict"], "proven")


def add_sabotage():
    for kind in gateway.mkpostoffice.makesabotage.KINDS:
        setattr(Special, "test_" + kind, lambda self, kind=kind: self.check_sabotage(kind))


def main():
    parser = gateway.parser_for(__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=seeds_of, default="1-12", metavar="1-12")
    parser.add_argument("--layout", choices=("reference", "random"), default="reference")
    parser.add_argument("--drain-all", action="store_true", help="relay from every proven one")
    options = parser.parse_args()
    for seed in options.seeds:
        Seeds.add(seed, options.layout)
    add_sabotage()
    status = gateway.run_program("calibrate", sys.modules[__name__], options)
    print("calibrate: " + ", ".join("%s %d" % pair for pair in TOTAL.items()))
    return status


if __name__ == "__main__":
    sys.exit(main())
