#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Calibration of made postoffices: every value that it accepts is true, nothing on the postoffice
changes, and what a gateway relays under the profile that it wrote is the truth; the rest is held.

  calibrate.py                                 a short run: some of each, and special cases
  calibrate.py --seeds 1-60                    the reference layout
  calibrate.py --seeds 1-300 --layout random --drain-all --only seed
                                               everything varied that no document places
  calibrate.py --sabotage 1-60 --only sabotage evidence that contradicts itself, both layouts"""
import collections
import os
import re
import shutil
import sys

import gateway
from gateway import Case, Gateway, Office, Sink
from native import seeds_of, tree

SIZES = (30, 60, 100, 150, 100, 250, 100, 40, 100, 200, 120, 500)
PAGES = ("437", "850", "1252")
RUN = re.compile(r"cipher\.key\[(\d+)\.\.(\d+)\]$")
NAMED = re.compile(r"^.*?\.MAI: (offset \S+: )?")
NUMBER = re.compile(r"0x[0-9A-F]+|\b[0-9A-F]*[0-9][0-9A-F]*\b")
OURS = ("profile", "verdict", "codepage", "postoffice", "mai.ignored")
SHORT = {"reference": range(1, 7), "random": range(1, 13)}
SABOTAGES = {"random": range(1, 4), "reference": range(77, 79)}
ORDINARY = 100  # messages from which on a verdict is owed ...
OWED = 0.95  # ... to so many of the postoffices


class Count:
    """What this program saw, for its last lines."""

    def __init__(self):
        self.rows = []  # (messages, verdict)
        self.values = self.positions = self.wrong_values = self.wrong_positions = 0
        self.drained = self.relayed = self.held = self.wrong_messages = self.sabotages = 0
        self.reasons = collections.Counter()  # why items are held, without numbers and names

    def verdicts(self, least, most):
        found = [verdict for messages, verdict in self.rows if least <= messages < most]
        return found, {v: found.count(v) for v in ("proven", "readable", "insufficient")}

    def owed(self):
        """The share of the larger postoffices that got a verdict one can work with."""
        found, by_name = self.verdicts(ORDINARY, 10**6)
        return 1 - by_name["insufficient"] / len(found) if found else 1

    def lines(self):
        for title, least, most in (("below 60 messages", 0, 60), ("60 to 99", 60, 100),
                                   ("100 to 199", 100, 200), ("200 and more", 200, 10**6)):
            found, by_name = self.verdicts(least, most)
            yield "%-18s %3d: %s" % (
                title, len(found), ", ".join("%s %d" % pair for pair in by_name.items()))
        yield "values accepted %d, wrong %d; key positions accepted %d, wrong %d" % (
            self.values, self.wrong_values, self.positions, self.wrong_positions)
        yield "drained %d postoffices: relayed %d, held %d, wrong messages relayed %d" % (
            self.drained, self.relayed, self.held, self.wrong_messages)
        for reason, count in self.reasons.most_common():
            yield "  held %5d: %s" % (count, reason)
        yield "sabotaged %d, proven 0" % self.sabotages


TOTAL = Count()


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


def not_ignorable(listed, truth):
    """Parts of `listed` that have a role in the true layout."""
    roles = {"field:%02X" % int(value, 0) for name, value in truth.items()
             if name.startswith("mai.field.")}
    roles.add("vendor:%02X" % int(truth["mai.vendor.priority"], 0))
    return ["mai.ignored has %s" % word for word in listed.split() if word in roles]


def untrue(learnt, truth, name):
    """What of the profile `learnt` is not in the profile `truth` of the postoffice `name`."""
    (values, key), (true_values, true_key) = load(learnt), load(truth)
    period = true_values.get("cipher.period", "none")
    wrong = ["%s = %s, not %s" % (name, value, true_values.get(name))
             for name, value in values.items()
             if name not in OURS and plain(value) != plain(true_values.get(name, "unknown"))]
    wrong += not_ignorable(values.get("mai.ignored", ""), true_values)
    if values.get("postoffice", name) != name:
        wrong.append("postoffice = %s, not %s" % (values["postoffice"], name))
    bad = ["key position %d: %02X, not %s" % (
        at, octet, true_key.get(at if period == "none" else at % int(period)))
           for at, octet in key.items()
           if octet != true_key.get(at if period == "none" else at % int(period))]
    TOTAL.values += len(set(values) - set(OURS[:3]))
    TOTAL.positions += len(key)
    TOTAL.wrong_values += len(wrong)
    TOTAL.wrong_positions += len(bad)
    return wrong + bad


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
        self.test.assert_none(untrue(self.written, self.office.profile, self.office.name),
                              "what was learnt")
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
        wrong = self.office.compare(copies, listed)
        TOTAL.wrong_messages += len(wrong)
        self.test.assert_none(wrong, "what arrived")
        left = self.office.expected("all") - expected
        self.test.assertLessEqual(left, set(self.office.live()), "unmapped mail was taken")
        TOTAL.drained += 1
        TOTAL.relayed += len(gone)
        TOTAL.held += len(expected) - len(gone)
        self.count_reasons(expected - gone)
        return len(gone), len(expected)

    def count_reasons(self, held):
        for row in self.gate.json("status", "--remains") if held else ():
            if (row["mailbag"], row["record"]) in held:
                reason = NAMED.sub("", row["reason"])
                reason = re.sub(r"^.*\.ATT: ", "attachment: ", reason)
                TOTAL.reasons[NUMBER.sub("N", reason)] += 1

    def forget(self):
        """Its files are not needed any more; hundreds of postoffices would fill a disk."""
        if not self.test.options.keep:
            for directory in (self.office.root, self.office.before, self.gate.directory):
                shutil.rmtree(directory)


class WithSink(Case):
    @classmethod
    def setUpClass(cls):
        cls.sink = Sink(cls.base, cls.__name__ + "-sink", tls=False, deadline=8 * 3600)
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
            made = Calibrated(self, "%s%d" % (layout[:3], seed), **options)
            verdict, messages = made.calibrate()["verdict"], len(made.office.truth["messages"])
            TOTAL.rows.append((messages, verdict))
            if layout == "reference" and messages >= ORDINARY:
                self.assertEqual(verdict, "proven")
            if verdict == "proven" and (seed % 3 == 0 or self.options.drain_all):
                made.drain()
            made.forget()

        setattr(cls, "test_seed_%s_%03d" % (layout, seed), one)


class Special(WithSink):
    def test_all_goes(self):
        """A proven profile with the whole key: all that is to go goes."""
        made = Calibrated(self, "all", seed=901, messages=100, max_attachments=3)
        self.assertEqual(made.calibrate()["verdict"], "proven")
        went, expected = made.drain()
        self.assertEqual(went, expected)
        self.assertGreater(went, 20)

    def test_known_text(self):
        """The text that the command writes, sent as one message, gives the key as far as it
        reaches, header block or not."""
        known = os.path.join(self.base, "known.txt")
        options = {"seed": 11, "messages": 100, "layout": "random"}
        before = Calibrated(self, "unknown", **options)
        before.calibrate("--text-to-send", known)
        with open(known, "rb") as source:
            text = source.read()
        self.assertEqual(len(text), 4000)
        self.assertLess(max(len(line) for line in text.split(b"\r\n")), 72)
        again = before.gate.run("postoffice", "calibrate", before.office.root, "--text-to-send",
                                known, expect=None)
        self.assertNotEqual(again.status, 0)
        made = Calibrated(self, "known", known_text=known, known_user="ADMIN", **options)
        without = made.calibrate()
        told = made.calibrate("--known-text", known)
        self.assertLess(without["key_known"], 3000)
        self.assertGreaterEqual(told["key_known"], 4000)

    def test_hardly_any_cc(self):
        """One message with Cc, and one with files, is too little to learn from: they stay, with
        the reason, and all others go; with a better profile they go by themselves."""
        made = Calibrated(self, "few", seed=2, messages=100, max_attachments=3, few=1)
        self.assertEqual(made.calibrate()["verdict"], "proven")
        values = load(made.written)[0]
        self.assertNotIn("mai.field.cc", values)
        self.assertNotIn("mai.field.attachments", values)
        went, expected = made.drain()
        special = [m for m in made.office.truth["messages"] if m["cc"] or m["attachments"]]
        places = {(item["mailbag"], item["record"]) for m in special for item in m["items"]}
        self.assertGreater(went, 20)
        self.assertEqual(expected - went, len(places & made.office.expected()))
        self.assertGreater(expected - went, 0)
        self.assertLessEqual(places, set(made.office.live()))
        held = made.gate.json("status", "--remains")
        reasons = [row.get("reason", "") for row in held if "field:0" in row.get("reason", "")]
        self.assertEqual(len(reasons), len(places), held)
        shutil.copyfile(made.office.profile, made.written)
        self.assertEqual(made.drain(), (expected, expected))

    def test_nobody_used_cc(self):
        """A postoffice without carbon copies and attachments teaches all that it needs."""
        for layout in ("reference", "random"):
            made = Calibrated(self, "none-" + layout, seed=14, messages=120, layout=layout, few=0)
            self.assertEqual(made.calibrate()["verdict"], "proven")
            went, expected = made.drain()
            self.assertEqual(went, expected)

    def test_other_postoffice(self):
        """A profile that was learnt from another postoffice is refused."""
        made = Calibrated(self, "other", seed=902, messages=60, max_attachments=3)
        made.calibrate()
        title, values = made.office.native(profile=made.written, name="SOUTH/PORT",
                                           codepage=made.office.truth["codepage"])
        gate = Gateway(self.base, "other-po.gw", self.sink.relay(), [(title, values)],
                       [made.office.map], postmaster="postmaster@gw.test")
        done = gate.drain(expect=None)
        self.assertNotEqual(done.status, 0)
        self.assertIn("was learnt from NORTH/HQ, and this is postoffice SOUTH/PORT",
                      done.out + done.err)
        self.assertEqual(set(made.office.live()), made.office.expected("all"))

    def check_sabotage(self, kind, layout, seed):
        made = Calibrated(self, "%s-%s%d" % (kind, layout[:3], seed), seed=seed, messages=100,
                          sabotage=kind, layout=layout)
        verdict = made.gate.run("--json", "postoffice", "calibrate", made.office.root,
                                expect=None).rows()[-1]
        self.assertNotEqual(verdict["verdict"], "proven")
        TOTAL.sabotages += 1
        made.forget()


def add_sabotage(seeds):
    for kind in gateway.mkpostoffice.makesabotage.KINDS:
        for layout in SABOTAGES:
            for seed in seeds or SABOTAGES[layout]:
                setattr(Special, "test_sabotage_%s_%s_%03d" % (kind, layout, seed),
                        sabotage_test(kind, layout, seed))


def sabotage_test(kind, layout, seed):
    return lambda self: self.check_sabotage(kind, layout, seed)


def main():
    parser = gateway.parser_for(__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=seeds_of, metavar="1-12")
    parser.add_argument("--layout", choices=("reference", "random"), default="reference")
    parser.add_argument("--sabotage", type=seeds_of, metavar="1-60")
    parser.add_argument("--drain-all", action="store_true", help="relay from every proven one")
    options = parser.parse_args()
    for layout, seeds in {options.layout: options.seeds}.items() if options.seeds else SHORT.items():
        for seed in seeds:
            Seeds.add(seed, layout)
    add_sabotage(options.sabotage)
    status = gateway.run_program("calibrate", sys.modules[__name__], options)
    print("\n".join(TOTAL.lines()))
    if TOTAL.owed() < OWED:
        print("of those with %d messages and more only %.1f %% are proven or readable" % (
            ORDINARY, 100 * TOTAL.owed()))
        status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
