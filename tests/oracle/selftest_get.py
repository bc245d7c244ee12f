#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Tests: the stand-in GET program."""

import base64
import os
import re
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from selftest_made import TESTS, Made  # noqa: E402


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
        text, at = data[at : at + int(value)], at + int(value)
        for name, value in fields:
            if name == b"ATTACHMENT":
                file_name, size = value.rsplit(b" ", 1)
                files.append((file_name, data[at : at + int(size)]))
                at += int(size)
        out.append((fields, text, files))
    return out


class StandIn(unittest.TestCase):
    def get(self, made, *options, **environment):
        out = os.path.join(made.top, "out.api")
        done = subprocess.run(
            [sys.executable, os.path.join(TESTS, "standin-gtwget.py"), *options, out],
            check=False,
            capture_output=True,
            env=dict(os.environ, **environment),
            timeout=60,
        )
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
                done, out = self.get(
                    made, queue["name"], "-d" + made.dir, "-aadmin:x", option, "-h", "-n7"
                )
                self.assertEqual((done.returncode, done.stdout), (0, b""))
                if not os.path.exists(out):
                    break
                with open(out, "rb") as file:
                    came += read_mmff(file.read(), line_end)
                os.unlink(out)
            want = [
                m
                for m in made.truth["messages"]
                if any(i["mailbag"] == queue["mailbag"] for i in m["items"])
            ]
            self.assertEqual(len(came), len(want))
            found = sorted((dict(f)[b"DATE"] + dict(f)[b"TIME"], t, files) for f, t, files in came)
            self.assertEqual(
                found,
                sorted(
                    (
                        m["date"].replace(" ", "").encode(),
                        re.sub(b"\r\n|\n|\r", lambda _: line_end, m["text"].encode(codec)),
                        [
                            (a["name"].encode(codec), base64.b64decode(a["b64"]))
                            for a in m["attachments"]
                        ],
                    )
                    for m in want
                ),
            )
        status, text = made.check("all")
        self.assertEqual(status, 0, text)

    def test_basic_and_limits(self):
        with Made("--bench", "500", "--messages", "60") as made:
            done, out = self.get(made, "NORTH/SALES", "-d" + made.dir, "-aadmin:x", "-f2")
            with open(out, "rb") as file:
                came = read_mmff(file.read(), b"\r\n")
            self.assertEqual(len(came), 50)
            self.assertEqual(
                [name for name, _ in came[0][0]],
                [b"VERSION", b"TO", b"FROM", b"DATE", b"TIME", b"SUBJECT", b"PRIORITY"],
            )
            done, _ = self.get(made, "NORTH/SALES", "-d" + made.dir, "-aadmin:x")
            self.assertRegex(done.stdout, rb"^140-000-000 output file")
            for options in (
                ("-d" + made.dir, "-aadmin:x", "-n51"),
                ("-d" + made.dir,),
                ("NO/PO", "-d" + made.dir, "-aa:b"),
                ("-d" + made.dir + "x", "-aa:b"),
                ("-d" + made.dir, "-aa:b", "-f3"),
            ):
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
            self.assertEqual(
                count, next(q["items"] for q in made.truth["queues"] if q["kind"] == "ffapi")
            )

    def test_death_takes_nothing(self):
        for where in ("writing", "written"):
            with Made("--seed", "43") as made:
                made.keep()
                done, out = self.get(made, "SMTP", "-d" + made.dir, "-aa:b", STANDIN_DIE=where)
                self.assertEqual(done.returncode, 3)
                self.assertTrue(os.path.exists(out))
                self.assertEqual(made.check("none")[0], 0)
