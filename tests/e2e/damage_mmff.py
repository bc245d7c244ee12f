#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Damaged MMFF files through the ffapi door. A tiny GET program hands over a prepared file, once.

Most cases put one damaged message between two good ones. The good ones arrive; the octets of the
damaged one are kept in a file of their own, to the bit, and `status --remains` tells file, number
of the message and offset, with the published form of error (Q118533)."""
import os
import random
import re
import shutil

import gateway
from damage_scene import CRASH, Sink
from gateway import Gateway

GET = """#!/bin/sh
# Gives out the prepared file $1, once. As the real ones do it always ends with status 0.
[ ! -e "$1" ] || mv "$1" "$2"
exit 0
"""
MAP = "".join("NORTH/SALES/%s\t%s@corp.example\n" % (name.upper(), name)
              for name in ("alice", "bob", "carol"))
CRLF = b"\r\n"


def text_of(number):
    return b"This is good text number %d.%sIt has two lines.%s" % (number, CRLF, CRLF)


def good(number, end=CRLF):
    """A message with an attachment; its line ends may differ from those of the others."""
    text = text_of(number).replace(CRLF, end)
    return message(end, {"SUBJECT": b"Good %d" % number, "ATTACHMENT": b"NOTE.TXT 6"},
                   text + b"octets")


def message(end=CRLF, change=None, content=b"Text.\r\n", without=(), more=()):
    """Header lines with `change`, then the lines `more`, TEXT, and `content` as it is.

    The size in TEXT is that of `content` without the six octets of an attachment NOTE.TXT."""
    fields = {"VERSION": b"3.00", "TO": b"CSI:NORTH/SALES/ALICE", "FROM": b"CSI:NORTH/HQ/ADMIN",
              "DATE": b"1997-04-07", "TIME": b"08:15", "SUBJECT": b"Bad", "PRIORITY": b"3"}
    fields.update(change or {})
    size = len(content) - (6 if "ATTACHMENT" in fields and "TEXT" not in fields else 0)
    size_line = fields.pop("TEXT", b"%d" % size)
    lines = [name.encode() + b":" + value for name, value in fields.items() if name not in without]
    lines += list(more)
    if "TEXT" not in without:
        lines.append(b"TEXT:" + size_line)
    return end.join(lines) + end + content


def changed(code, text, **change):
    return message(change=change), code, text


def extra(code, text, *lines):
    return message(more=lines), code, text


NO_VERSION = "no VERSION behind"
# name: (octets of the damaged message, number of the error, text in the reason)
BETWEEN = {
    "mmff-text-too-short": changed(143, NO_VERSION, TEXT=b"3"),
    "mmff-text-too-long": changed(143, NO_VERSION, TEXT=b"9"),
    "mmff-text-past-the-end": changed(143, "the file has", TEXT=b"100000"),
    "mmff-text-of-64-bits": changed(143, "the file has", TEXT=b"18446744073709551607"),
    "mmff-text-beyond-64-bits": changed(140, "token TEXT", TEXT=b"99999999999999999999999"),
    "mmff-text-negative": changed(140, "token TEXT", TEXT=b"-7"),
    "mmff-text-hexadecimal": changed(140, "token TEXT", TEXT=b"0x7"),
    "mmff-text-no-number": changed(140, "token TEXT", TEXT=b"seven"),
    "mmff-text-empty": changed(140, "token TEXT", TEXT=b""),
    "mmff-without-text": (message(without=("TEXT",), content=b""), 143, "VERSION before TEXT"),
    "mmff-without-from": (message(without=("FROM",)), 142, "no FROM"),
    "mmff-without-to": (message(without=("TO",)), 142, "no TO"),
    "mmff-two-from": extra(142, "a second FROM", b"FROM:CSI:NORTH/HQ/OTHER"),
    "mmff-short-address": changed(142, "bad address", TO=b"CSI:NORTH/SALES"),
    "mmff-address-without-parts": changed(142, "bad address", TO=b"CSI:NORTH//ALICE"),
    "mmff-address-empty": changed(142, "bad address", TO=b""),
    "mmff-address-of-5000-octets": changed(142, "bad address", TO=b"SMTP:" + b"x" * 5000),
    "mmff-unknown-service": changed(151, "unknown service", TO=b"PIGEON:coop 7"),
    "mmff-unknown-token": extra(141, "cannot match token", b"COLOUR:red"),
    "mmff-long-token": extra(141, "cannot match token", b"X" * 3000 + b":red"),
    "mmff-line-without-token": extra(144, "no token", b"this is no header line"),
    "mmff-empty-line": extra(144, "no token", b""),
    "mmff-nul-in-a-line": extra(144, "a NUL", b"SUBJECT:one\0two"),
    "mmff-lf-in-a-crlf-file": extra(144, "line end", b"SUBJECT:one\nPRIORITY:3"),
    "mmff-cr-in-a-crlf-file": extra(144, "line end", b"SUBJECT:one\rPRIORITY:3"),
    "mmff-line-of-100000-octets": extra(144, "octets", b"SUBJECT:" + b"S" * 100000),
    "mmff-date-in-words": changed(140, "token DATE", DATE=b"7 April 1997"),
    "mmff-time-in-words": changed(140, "token TIME", TIME=b"noon"),
    "mmff-priority-in-words": changed(140, "token PRIORITY", PRIORITY=b"urgent"),
    "mmff-attachment-without-size": changed(140, "token ATTACHMENT", ATTACHMENT=b"NOTE.TXT"),
    "mmff-attachment-negative": changed(140, "token ATTACHMENT", ATTACHMENT=b"NOTE.TXT -6"),
    "mmff-attachment-without-name": changed(140, "token ATTACHMENT", ATTACHMENT=b" 0",
                                            TEXT=b"7"),
    "mmff-attachment-too-long": changed(143, NO_VERSION, ATTACHMENT=b"NOTE.TXT 7", TEXT=b"1"),
    "mmff-attachment-past-the-end": changed(143, "the file has",
                                            ATTACHMENT=b"NOTE.TXT 18446744073709551609"),
    "mmff-5000-attachments": extra(143, "4096", *[b"ATTACHMENT:A.TXT 0"] * 5000),
    "mmff-sizes-that-wrap-round": (
        message(change={"ATTACHMENT": b"A.TXT 18446744073709551609", "TEXT": b"14"}), 143,
        "the file has"),
    "mmff-xattach-with-a-path": extra(140, "token XATTACH", b"XATTACH:..\\..\\PASSWD.TXT,X.TXT"),
    "mmff-xattach-of-our-own": extra(140, "token XATTACH", b"XATTACH:../get.lock,X.TXT"),
    "mmff-xattach-no-name": extra(140, "token XATTACH", b"XATTACH:"),
    "mmff-xattach-dots": extra(140, "token XATTACH", b"XATTACH:..,X.TXT"),
    "mmff-xtext-missing": (message(without=("TEXT",), content=b"",
                                   more=(b"XTEXT:NOTHERE.TXT",)), 147, "text body file"),
    "mmff-xtext-no-name": (message(without=("TEXT",), content=b"",
                                   more=(b"XTEXT:a/very/long.name.indeed",)), 146, "XTEXT"),
    "mmff-ext-too-short": extra(140, "token EXT", b"EXT:I", b"0"),
    "mmff-ext-without-a-name": extra(140, "token EXT", b"EXT:I:3:", b"0"),
    "mmff-2000-ext": extra(143, "EXT fields", *[b"EXT:I:1:X", b"0"] * 2000),
    "mmff-version-of-words": (
        message(change={"VERSION": b"three"}), 140, "token VERSION"),
    "mmff-70000-recipients": (
        message(more=[b"TO:CSI:NORTH/SALES/BOB"] * 70000), 145, "addresses"),
}


class Door:
    """A gateway with an ffapi door, the prepared file, and the verdict."""

    def __init__(self, base, name):
        self.directory = os.path.join(base, name)
        os.mkdir(self.directory, 0o711)
        self.prepared = os.path.join(self.directory, "prepared")
        self.complaints = []

    def wrong(self, text, *values):
        self.complaints.append(text % values if values else text)

    def start(self, sink, content, **section):
        with open(self.prepared, "wb") as out:
            out.write(content)
        script, table = (os.path.join(self.directory, name) for name in ("get", "map.tsv"))
        gateway.write_file(script, GET, 0o755)
        gateway.write_file(table, MAP)
        values = {"name": "NORTH/HQ", "door": "ffapi", "codepage": "850",
                  "command": [script, self.prepared, "{file}"]}
        values.update(section)
        self.gateway = Gateway(self.directory, "gw", sink.relay(), [("GET", values)], [table],
                               postmaster="postmaster@elsewhere.example")
        self.spool = os.path.join(self.gateway.spool, "ffapi", "GET")

    def drain(self, status):
        done = self.gateway.run("drain", expect=None, timeout=60)
        if done.status != status or CRASH.search(done.err):
            self.wrong("drain ended with status %d, right is %d: %s", done.status, status, done)

    def kept(self):
        """{name: octets} of what lies in the door's directory, besides its lock."""
        found = {}
        for name in os.listdir(self.spool):
            if name != "get.lock":
                with open(os.path.join(self.spool, name), "rb") as source:
                    found[name] = source.read()
        return found

    def judge_mail(self, sink, numbers):
        received = sink.received()
        subjects = sorted(str(copy.message["Subject"]) for copy in received)
        if subjects != sorted("Good %d" % number for number in numbers):
            self.wrong("arrived: %s, right are %s", subjects, numbers)
            return
        for copy in received:
            number = int(str(copy.message["Subject"]).split()[1])
            parts = [part for part in copy.message.walk() if not part.is_multipart()]
            text = parts[0].get_content().replace("\r\n", "\n")
            if text != text_of(number).decode().replace("\r\n", "\n"):
                self.wrong("text of %d: %r", number, text)
            if len(parts) != 2 or parts[1].get_payload(decode=True) != b"octets" or \
                    parts[1].get_filename() != "NOTE.TXT":
                self.wrong("attachments of %d: %s", number, parts[1:])
            if copy.rcpts != ["alice@corp.example"]:
                self.wrong("recipients of %d: %s", number, copy.rcpts)

    def judge_held(self, held):
        """`held` is [(number in the file, offset, octets, number of the error or None, text)]."""
        rows = {row["record"]: row for row in self.gateway.json("status", "--remains")}
        kept = self.kept()
        if set(rows) != {one[0] for one in held}:
            self.wrong("status --remains: %s", rows)
            return
        for number, offset, octets, code, text in held:
            row = rows[number]
            said = re.match(r"(\S+) offset (\d+): (\d{3})-(\d{3,})-(\d{3,}) ", row["reason"])
            if row["cause"] != "damaged" or not said or text not in row["reason"]:
                self.wrong("message %d: %s, %r wanted", number, row, text)
                continue
            if said[1] != "get-00000001.mmf" or row["mai"] != said[1]:
                self.wrong("message %d: the file is not told: %s", number, row)
            if (code and int(said[3]) != code) or int(said[4]) != number:
                self.wrong("message %d: error %s-%s, %s wanted", number, said[3], said[4], code)
            if not offset <= int(said[2]) <= offset + len(octets):
                self.wrong("message %d: offset %s, it lies at %d", number, said[2], offset)
            name = re.search(r"held: (\S+)\)$", row["reason"])
            if not name or kept.pop(name[1], None) != octets:
                self.wrong("message %d: its octets are not kept as they were: %s", number,
                           row["reason"])
        if kept:
            self.wrong("left in the spool: %s", sorted(kept))

    def run(self, content, numbers, held, **section):
        with Sink(os.path.join(self.directory, "sink")) as sink:
            self.start(sink, content, **section)
            self.drain(1 if held else 0)
            self.judge_mail(sink, numbers)
            self.judge_held(held)
            for row in self.gateway.queue():
                if row["state"] != "sent":
                    self.wrong("%s is %s: %s", row["to"], row["state"], row["reply"])
            before = self.kept()
            self.drain(0)
            if len(sink.received()) != len(numbers) or self.kept() != before:
                self.wrong("a second run did something")
        return self.complaints


# ---- whole files: (octets, good messages, [(number, offset, octets, code, text)]) --------------


def between(octets, code, text):
    first = good(1)
    return first + octets + good(2), [1, 2], [(2, len(first), octets, code, text)]


def first_and_last(octets, code, text):
    """The same damage in the first and in the last message of a file."""
    middle = good(1)
    return octets + middle + octets, [1], [
        (1, 0, octets, code, text), (3, len(octets) + len(middle), octets, None, "")]


def behind(octets, code, text):
    first = good(1)
    return first + octets, [1], [(2, len(first), octets, code, text)]


def alone(octets, code, text):
    return octets, [], [(1, 0, octets, code, text)]


def three_line_ends():
    """Each message of a file has line ends of its own."""
    return good(1, b"\r\n") + good(2, b"\r") + good(3, b"\n"), [1, 2, 3], []


def padded(octets):
    return good(1) + octets, [1], []


GARBAGE = random.Random(11).randbytes(5000).replace(b"VERSION:", b"")
WHOLE = {
    "mmff-empty-file": lambda: (b"", [], []),
    "mmff-only-an-end-mark": lambda: (b"\x1a", [], []),
    "mmff-only-line-ends": lambda: (CRLF * 5, [], []),
    "mmff-padded-with-end-marks": lambda: padded(b"\x1a" * 100),
    "mmff-blank-line-between": lambda: (good(1) + CRLF + good(2), [1, 2], []),
    "mmff-three-line-ends": three_line_ends,
    "mmff-garbage-file": lambda: alone(GARBAGE, None, ""),
    "mmff-zeros-file": lambda: alone(bytes(4000), None, ""),
    "mmff-html-file": lambda: alone(b"<html><body>Not found</body></html>\r\n", 144,
                                    "begins with VERSION"),
    "mmff-without-version": lambda: alone(message(without=("VERSION",)), 144,
                                          "begins with VERSION"),
    "mmff-only-version": lambda: alone(b"VERSION:3.00\r\n", 143, "ends before TEXT"),
    "mmff-garbage-behind": lambda: behind_content(),
    "mmff-cut-in-the-header": lambda: behind(message()[:60], 143, "ends before TEXT"),
    "mmff-cut-in-a-word": lambda: behind(message()[:17], None, ""),
    "mmff-cut-in-the-text": lambda: behind(message()[:-3], 143, "the file has"),
    "mmff-cut-in-the-attachment": lambda: behind(good(7)[:-2], 143, "the file has"),
    "mmff-damaged-first-and-last": lambda: first_and_last(
        message(without=("FROM",)), 142, "no FROM"),
    "mmff-three-damaged-in-a-row": lambda: row_of_three(),
    "mmff-a-message-in-a-text": lambda: inner_message(),
}


def behind_content():
    """What is behind the last message and is none belongs to it: its sizes are not believed."""
    octets = good(1) + b"and more, which no size tells of"
    return octets, [], [(1, 0, octets, 143, NO_VERSION)]


def row_of_three():
    parts = [message(without=("TO",)), message(change={"TEXT": b"-1"}), message(more=(b"?",))]
    content, held = good(1), []
    for number, (octets, code) in enumerate(zip(parts, (142, 140, 144)), 2):
        held.append((number, len(content), octets, code, ""))
        content += octets
    return content + good(2), [1, 2], held


def inner_message():
    """A text that holds a whole message is one text, as its size says."""
    inner = message(change={"SUBJECT": b"Inner"})
    outer = message(change={"SUBJECT": b"Good 1", "ATTACHMENT": b"NOTE.TXT 6"},
                    content=text_of(1) + b"octets")
    whole = message(change={"SUBJECT": b"Outer", "TO": b"CSI:NORTH/SALES/ALICE"}, content=inner)
    return outer + whole + good(2), [1, 2, "outer"], []


def _whole_with_outer(door, content, numbers):
    """The case of inner_message(): three mails, and none with the subject Inner."""
    with Sink(os.path.join(door.directory, "sink")) as sink:
        door.start(sink, content)
        door.drain(0)
        subjects = sorted(str(copy.message["Subject"]) for copy in sink.received())
        if subjects != ["Good 1", "Good 2", "Outer"]:
            door.wrong("arrived: %s", subjects)
        text = next((copy.message.get_content() for copy in sink.received()
                     if str(copy.message["Subject"]) == "Outer"), "")
        if "SUBJECT:Inner" not in text or "TEXT:7" not in text:
            door.wrong("the text that holds a message: %r", text)
    return door.complaints


def too_large(door):
    """A text above max-size is held."""
    text = b"x" * 3000 + CRLF
    octets = message(content=text)
    first = good(1)
    return door.run(first + octets + good(2), [1, 2],
                    [(2, len(first), octets, 143, "the limit is 1024")], **{"max-size": 1024})


NAMES = tuple(BETWEEN) + tuple(WHOLE) + ("mmff-larger-than-max-size",)


def one_case(base, name, office):
    """Complaints of one case; `office` is not needed."""
    del office
    door = Door(base, name)
    if name in BETWEEN:
        found = door.run(*between(*BETWEEN[name]))
    elif name == "mmff-larger-than-max-size":
        found = too_large(door)
    elif name == "mmff-a-message-in-a-text":
        content, numbers, _ = inner_message()
        found = _whole_with_outer(door, content, numbers)
    else:
        found = door.run(*WHOLE[name]())
    if not found:
        shutil.rmtree(door.directory)
    return found
