#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What the tests of the oracle share: a made postoffice in a directory of its own."""

import contextlib
import io
import json
import os
import shutil
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.dirname(HERE)
sys.path[:0] = [HERE, TESTS]

import checkpo  # noqa: E402
import compare  # noqa: E402
import mkpostoffice  # noqa: E402
import postoffice  # noqa: E402

ZONE, ENCAP = "Europe/Berlin", "encap.example"


def quiet(function, *args):
    """(result, what it printed)"""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        result = function(*args)
    return result, out.getvalue()


def as_tuple(message, codec):
    """What a reader found in a message, to be compared with truth_tuple()."""
    return (
        message.sender,
        message.to,
        message.cc,
        message.date.decode("ascii"),
        message.subject.decode(codec),
        message.text.decode(codec),
        message.priority,
        message.counter,
        message.attachments,
    )


def truth_tuple(entry):
    names = ("sender", "to", "cc", "date", "subject", "text", "priority", "counter")
    files = [(a["id"], a["name"], a["size"]) for a in entry["attachments"]]
    return tuple(entry[name] for name in names) + (files,)


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
        return quiet(
            checkpo.main,
            [
                "--before",
                self.before,
                "--after",
                self.dir,
                "--truth",
                self.dir + ".truth.json",
                "--profile",
                self.dir + ".profile",
                "--relayed",
                relayed,
                *more,
            ],
        )

    def compare(self, received, *more):
        return quiet(
            compare.main,
            [
                "--truth",
                self.dir + ".truth.json",
                "--received",
                received,
                "--encap-domain",
                ENCAP,
                "--zone",
                ZONE,
                *more,
            ],
        )

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        shutil.rmtree(self.top)
