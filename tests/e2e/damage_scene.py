#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A copy of a made postoffice that is damaged, drained, judged, repaired, and drained again.

A case is a function that gets a Scene: it damages files by put(), remove(), link() ..., and says
what must come of it by hold(), block(), error(). Everything that it does not name must be relayed
and equal the truth; everything that is not relayed must stay on the postoffice to the bit."""
import os
import re
import shutil
import stat
import zlib

import gateway
from gateway import Gateway, checkpo, maildir, postoffice

from badcases import CASES
from badsmtp import BadServer

CRASH = re.compile(r"Sanitizer|runtime error:|Assertion|Aborted|Segmentation")
POSTMASTER = "postmaster@elsewhere.example"
PLACE = r"mailbag %s, record %d, message "


class Snapshot:
    """All that lies beneath a root. As `folder` of the oracle's reader it is read from memory."""

    def __init__(self, root):
        self.root = root
        self.files, self.directories, self.others, self._octets = {}, {}, {}, {}
        for top, names, files in os.walk(root):
            inner = os.path.relpath(top, root)
            for name in names + files:
                self._add(os.path.normpath(os.path.join(inner, name)), os.path.join(top, name))

    def _add(self, name, path):
        mode = os.lstat(path).st_mode
        key = name.upper()
        if stat.S_ISLNK(mode):
            self.others[name] = ("link", os.readlink(path))
        elif stat.S_ISDIR(mode):
            self.directories[key] = name
        elif not stat.S_ISREG(mode):
            self.others[name] = ("special", stat.S_IFMT(mode))
        else:
            with open(path, "rb") as source:
                octets = source.read()
            if name != key:
                # made names are in capitals: this is a twin of one
                self.others[name] = ("twin", octets)
            else:
                self.files[key], self._octets[key] = name, octets

    def has(self, name):
        return name.upper() in self.files

    def read(self, name):
        try:
            return self._octets[name.upper()]
        except KeyError:
            raise postoffice.BadPostoffice("no file %s" % name) from None


class Memory(postoffice.Postoffice):
    """The oracle's reader over a snapshot."""

    def __init__(self, snapshot, profile):
        super().__init__(os.devnull, profile)
        self.folder = snapshot

    def records(self, mailbag):
        """Numbers of messages in capitals; what is no character stands for one that is none."""
        data = bytearray(self.folder.read("MBG/%s.MBG" % mailbag))
        for at in range(0, len(data), postoffice.RECORD_SIZE):
            for where in range(at + 0x42, at + 0x4C):
                data[where] = data[where] if data[where] < 0x80 else ord("?")
        found = postoffice.records(bytes(data))
        for record in found:
            record.mai = record.mai.upper()
        return found


class Sink:
    """A good server without TLS and what came to it."""

    def __init__(self, directory):
        self.directory = directory
        self.server = BadServer(CASES["good-plain"], None, store=directory, deadline=120)

    def __enter__(self):
        self.server.start()
        return self

    def __exit__(self, *_):
        self.server.stop()

    def relay(self):
        return {"hosts": ["127.0.0.1:%d" % self.server.port], "tls": "none"}

    def received(self):
        """As compare.py takes it."""
        found = []
        for row in self.server.messages():
            path = os.path.join(self.directory, row["file"])
            with open(path, "rb") as source:
                found.append(maildir.Received(path, source.read(), row["to"], row["from"]))
        return found


class Scene:
    """A postoffice under damage, and what the case says of it."""

    def __init__(self, base, name, office):
        self.name, self.office, self.truth = name, office, office.truth
        self.directory = os.path.join(base, name)
        os.mkdir(self.directory, 0o711)
        self.root = os.path.join(self.directory, "po")
        shutil.copytree(office.root, self.root)
        self.profile_file = os.path.join(self.directory, "profile")
        shutil.copy(office.profile, self.profile_file)
        self.profile = postoffice.load_profile(office.profile)
        self.key = self.profile.stream(self.profile.period or len(self.profile.key))
        self.section = {}               # further settings of the postoffice
        self.prefix = []                # a program that runs the gateway
        self.held = {}                  # (mailbag, record): pattern of the reason
        self.kinds = {}                 # (mailbag, record): kinds that are right, if not damaged
        self.blocked = set()            # items that are not relayed
        self.errors = []                # patterns of the error about the postoffice
        self.tolerated = []             # patterns of differences that are meant to be
        self.extra = []                 # functions (scene, received) that give complaints
        self.ignore = []                # files that checkpo does not look at
        self.not_removed = set()        # items that are relayed, but removed after the repair only
        self.unfinished = []            # files that the removal of relayed items did not get to
        self.repairable = True
        self.undo = []
        self.complaints = []
        self.choice = zlib.crc32(name.encode())

    # ---- the truth

    def relayed(self):
        """{(mailbag, record): message} of what is to be relayed."""
        return {(item["mailbag"], item["record"]): message
                for message, item in checkpo.truth_items(self.truth) if item["relay"]}

    def message(self, wanted=lambda message: True):
        """One of the messages that are to be relayed; another one for another case."""
        found = {message["mai"]: message for message in self.relayed().values() if wanted(message)}
        if not found:
            raise LookupError("%s: the made postoffice has no such message" % self.name)
        names = sorted(found)
        return found[names[self.choice % len(names)]]

    def queue(self, kind="po"):
        """(name, mailbag) of a queue with mail to relay."""
        busy = {place[0] for place in self.relayed()}
        return next((queue["name"], queue["mailbag"]) for queue in self.truth["queues"]
                    if queue["kind"] == kind and queue["mailbag"] in busy)

    def places(self, message):
        return [(item["mailbag"], item["record"]) for item in message["items"]]

    # ---- damage

    def path(self, name):
        return os.path.join(self.root, name)

    def read(self, name):
        with open(self.path(name), "rb") as source:
            return source.read()

    def _away(self, name):
        """Moves what is there aside; the repair brings it back."""
        path, safe = self.path(name), os.path.join(self.directory, "safe-%d" % len(self.undo))
        there = os.path.lexists(path)
        if there:
            os.rename(path, safe)

        def back():
            if os.path.lexists(path):
                (shutil.rmtree if os.path.isdir(path) and not os.path.islink(path)
                 else os.unlink)(path)
            if there:
                os.rename(safe, path)

        self.undo.append(back)

    def put(self, name, octets):
        self._away(name)
        with open(self.path(name), "wb") as out:
            out.write(octets)

    def edit(self, name, offset, octets):
        whole = bytearray(self.read(name))
        whole[offset:offset + len(octets)] = octets
        self.put(name, bytes(whole))

    def remove(self, name):
        self._away(name)

    def link(self, name, target):
        self._away(name)
        os.symlink(target, self.path(name))

    def link_outside(self, name):
        """The right content, but through a symbolic link that leads out of the postoffice."""
        outside = os.path.join(self.directory, "outside")
        source = self.path(name)
        (shutil.copytree if os.path.isdir(source) else shutil.copy)(source, outside)
        self.link(name, outside)

    def fifo(self, name):
        self._away(name)
        os.mkfifo(self.path(name))

    def make_directory(self, name):
        self._away(name)
        os.mkdir(self.path(name))

    def device(self, name):
        self._away(name)
        os.mknod(self.path(name), stat.S_IFCHR | 0o666, os.makedev(1, 5))  # /dev/zero

    # ---- what must come of it

    def hold(self, message, pattern, kinds=("damaged",)):
        """All items of this message stay, with a reason that fits."""
        for place in self.places(message):
            if place in self.relayed():
                self.hold_place(place, pattern, kinds)

    def hold_place(self, place, pattern, kinds=("damaged",)):
        self.held[place] = pattern
        self.kinds[place] = kinds
        self.blocked.add(place)

    def block(self, mailbag):
        """Nothing of this mailbag is relayed."""
        self.blocked |= {place for place in self.relayed() if place[0] == mailbag}

    def block_all(self):
        self.blocked |= set(self.relayed())

    def error(self, pattern):
        self.errors.append(pattern)

    # ---- the run

    def wrong(self, text, *values):
        self.complaints.append(text % values if values else text)

    def start(self, sink):
        values = dict({"path": self.root, "profile": self.profile_file}, **self.section)
        title, section = self.office.native(**values)
        self.gateway = Gateway(self.directory, "gw", sink.relay(), [(title, section)],
                               [self.office.map], postmaster=POSTMASTER)
        self.command = self.gateway.command

    def drain(self, part, status):
        if self.prefix:
            wrapper = os.path.join(self.gateway.directory, "wrapped")
            gateway.write_file(wrapper, "#!/bin/sh\nexec %s %s \"$@\"\n" % (
                " ".join(self.prefix), self.command), 0o755)
            self.gateway.command = wrapper
        done = self.gateway.run("drain", expect=None, timeout=60)
        if done.status not in status:
            self.wrong("%s: drain ended with status %d, right is %s: %s", part, done.status,
                       " or ".join(map(str, status)), done)
        if CRASH.search(done.err):
            self.wrong("%s: %s", part, done.err)
        return done

    def judge_remains(self, part, held):
        """`held` is {(mailbag, record): pattern}."""
        rows = {(row["mailbag"], row["record"]): row
                for row in self.gateway.json("status", "--remains")}
        for place, pattern in sorted(held.items()):
            row = rows.get(place)
            kinds = self.kinds.get(place, ("damaged",))
            if row is None or row["cause"] not in kinds:
                self.wrong("%s: %s record %d is not in status --remains as %s: %s", part,
                           *place, "/".join(kinds), row)
            elif not re.search(pattern, row["reason"]):
                self.wrong("%s: reason %r does not tell %r", part, row["reason"], pattern)
            elif row["cause"] == "damaged" and not re.match(PLACE % place, row["reason"]):
                self.wrong("%s: reason %r does not tell the place", part, row["reason"])
        for place, row in sorted(rows.items()):
            if row["cause"] != "unmapped" and place not in held:
                self.wrong("%s: %s record %d is said to be %s: %s", part, *place, row["cause"],
                           row["reason"])

    def judge_status(self, part, patterns, console, held):
        """The error about the postoffice in `status --json`; it was told on stderr too."""
        rows = self.gateway.json("status", expect=None)
        text = " ".join(row["error"] or "" for row in rows if row["kind"] == "postoffice")
        told = sum(row["damaged"] or 0 for row in rows if row["kind"] == "postoffice")
        count = sum("damaged" in self.kinds[place] for place in held)
        if told != count and all(len(self.kinds[place]) == 1 for place in held):
            self.wrong("%s: status tells of %s damaged items, not %d", part, told, count)
        for pattern in patterns:
            if not re.search(pattern, text):
                self.wrong("%s: status says %r and not %r", part, text, pattern)
            if not re.search(pattern, console):
                self.wrong("%s: stderr does not tell %r: %s", part, pattern, console)
        if text and not patterns:
            self.wrong("%s: an error about the postoffice: %s", part, text)

    def list_of(self, places):
        path = os.path.join(self.directory, "items-%d" % len(places))
        gateway.write_file(path, "".join("%s %d\n" % place for place in sorted(places)))
        return path

    def judge_mail(self, part, sink, places):
        received = sink.received()
        found = self.office.compare(received, items=self.list_of(places))
        for text in found:
            if not any(re.search(pattern, text) for pattern in self.tolerated):
                self.wrong("%s: %s", part, text)
        for look in self.extra:
            for text in look(self, received):
                self.wrong("%s: %s", part, text)

    def judge_postoffice(self, part, before, places, ignore=()):
        after = Snapshot(self.root)
        for name in sorted(set(before.others) | set(after.others)):
            stranded = name.upper().startswith("P1/") and name not in after.others
            if before.others.get(name) != after.others.get(name) and not stranded:
                self.wrong("%s: %s was changed", part, name)
        for text in checkpo.violations(Memory(before, self.profile), Memory(after, self.profile),
                                       places, ignore):
            self.wrong("%s: %s", part, text)

    def judge_queue(self, part):
        for row in self.gateway.queue():
            if row["state"] != "sent":
                self.wrong("%s: %s is %s: %s", part, row["to"], row["state"], row["reply"])

    def run(self, damage):
        """Returns the complaints."""
        pristine = Snapshot(self.root)
        damage(self)
        before = Snapshot(self.root)
        taken = set(self.relayed()) - self.blocked
        trouble = bool(self.errors) or "damaged" in {k for p in self.held for k in self.kinds[p]}
        with Sink(os.path.join(self.directory, "sink")) as sink:
            self.start(sink)
            done = self.drain("damaged", (1, 2) if trouble else (0,))
            self.judge_remains("damaged", self.held)
            self.judge_status("damaged", self.errors, done.err, self.held)
            self.judge_mail("damaged", sink, taken)
            self.judge_postoffice("damaged", before, taken - self.not_removed,
                                  self.ignore + self.unfinished)
            self.judge_queue("damaged")
            if self.repairable and (self.blocked or self.errors):
                self.repair(sink, pristine)
            else:
                self.drain_again(sink)
        return self.complaints

    def drain_again(self, sink):
        """What is done is done; headers without a message are reported now."""
        before, count = Snapshot(self.root), len(sink.received())
        self.drain("again", (0, 1, 2))
        more = [copy for copy in sink.received()[count:] if copy.rcpts != [POSTMASTER]]
        if more:
            self.wrong("again: a second run relayed %d more", len(more))
        self.judge_postoffice("again", before, ())

    def repair(self, sink, pristine):
        """With the damage undone the rest is relayed, and nothing for the second time."""
        for back in reversed(self.undo):
            back()
        shutil.copy(self.office.profile, self.profile_file)
        self.gateway.command, self.prefix = self.command, []
        done = self.drain("repaired", (0,))
        self.tolerated, self.extra = [], []
        self.judge_remains("repaired", {})
        self.judge_status("repaired", [], done.err, {})
        self.judge_mail("repaired", sink, set(self.relayed()))
        self.judge_postoffice("repaired", pristine, set(self.relayed()))
        self.judge_queue("repaired")


def one_case(base, name, office, damage):
    """Complaints of one case; its directory stays when there are any."""
    scene = Scene(base, name, office)
    found = scene.run(damage)
    if not found:
        shutil.rmtree(scene.directory)
    return found
