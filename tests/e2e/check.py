#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""msmailgw postoffice check: one thing is damaged at a time, and exactly that is found.

Each case says what it does to a made postoffice and which findings that gives: severity, code, file
(a pattern) and whether relaying is still safe. Nothing else may be found, the status must fit, and
no octet of the postoffice may change. A postoffice as it was made gives no warning."""
import fcntl
import fnmatch
import json
import os
import re
import shutil
import struct
import subprocess
import sys

import gateway
from gateway import Case, Office, program

OFFICE = {"seed": 9, "messages": 30, "queues": 6, "users": 12, "people": 4, "max_attachments": 3}
NOTE, WARNING, FAULT = "NOTE", "WARNING", "FAULT"
BITMAP = 0x30  # of the reference layout: least significant bit first, set is deleted


def snapshot(root):
    """{name: (mode, time of change of its contents, octets or None for a directory)}"""
    found = {}
    for top, directories, files in os.walk(root):
        for name in directories + files:
            path = os.path.join(top, name)
            st = os.lstat(path)
            content = None
            if name in files:
                with open(path, "rb") as source:
                    content = source.read()
            found[os.path.relpath(path, root)] = (st.st_mode, st.st_mtime_ns, content)
    return found


class Scene:
    """A copy of the postoffice, its truth, and ways to damage it."""

    def __init__(self, base, name, office):
        self.root, self.truth, self.office = os.path.join(base, name), office.truth, office
        shutil.copytree(office.before, self.root, symlinks=True)
        self.profile = office.profile
        self.held = []

    def path(self, name):
        return os.path.join(self.root, name)

    def read(self, name):
        with open(self.path(name), "rb") as source:
            return source.read()

    def put(self, name, octets):
        with open(self.path(name), "wb") as out:
            out.write(octets)

    def add(self, name, octets):
        self.put(name, self.read(name) + octets)

    def cut(self, name, count=1):
        self.put(name, self.read(name)[:-count])

    def edit(self, name, offset, octets):
        whole = bytearray(self.read(name))
        whole[offset : offset + len(octets)] = octets
        self.put(name, bytes(whole))

    def remove(self, name):
        os.unlink(self.path(name))

    def move(self, old, new):
        os.rename(self.path(old), self.path(new))

    # ---- what there is

    def message(self, wanted=lambda message: True):
        """The first message with one live header or more that fits."""
        return next(m for m in self.truth["messages"] if self.live(m) and wanted(m))

    @staticmethod
    def live(message):
        return [place for place in message["places"] if place["live"]]

    @staticmethod
    def mai(message):
        return "MAI/MA%s/%s.MAI" % (message["mai"][-1], message["mai"])

    @staticmethod
    def att(attachment):
        return "ATT/AT%s/%s.ATT" % (attachment["id"][-1], attachment["id"])

    def queue(self, kind="po"):
        """Mailbag of the first queue of a kind that has live headers."""
        busy = {place["mailbag"] for m in self.truth["messages"] for place in self.live(m)}
        return next(q["mailbag"] for q in self.truth["queues"]
                    if q["kind"] == kind and q["mailbag"] in busy)

    def empty_queue(self):
        return next(q["mailbag"] for q in self.truth["queues"] if q["name"] == "MSMAIL")

    def user(self, at=1):
        """Mailbag of a user, and where his record of ACCESS2 begins."""
        table = self.read("GLB/ACCESS2.GLB")
        rows = [n for n in range(0, len(table), 69) if table[n + 2]]
        return table[rows[at] + 0x20 : rows[at] + 0x28].decode("ascii"), rows[at]

    def idle_user(self):
        """The same for one without mail."""
        busy = {p["mailbag"] for m in self.truth["messages"] for p in self.live(m)}
        users = [self.user(at) for at in range(OFFICE["users"])]
        return next(user for user in users if user[0] not in busy)

    def record(self, place, offset, octets):
        self.edit("MBG/%s.MBG" % place["mailbag"], place["record"] * 116 + offset, octets)

    def network(self, name):
        """Where the active record of this network begins."""
        table = self.read("GLB/NETWORK.GLB")
        return next(n for n in range(0, len(table), 122)
                    if table[n] == 1 and table[n + 2 :].startswith(name.encode() + b"\0"))

    def xtn(self, name):
        table = self.read("GLB/NETWORK.GLB")
        at = self.network(name)
        return "XTN/%s.XTN" % table[at + 0x0D : at + 0x15].decode("ascii")

    def fill(self, mailbag, count):
        """Headers of one message until COUNT are live: all in one mailbag, as clones."""
        self.put("MBG/%s.MBG" % mailbag, b"".join(
            self._header(n) for n in range(count)))
        key = bytearray(560)
        struct.pack_into("<HHH", key, 0, count, count, count)
        self.put("KEY/%s.KEY" % mailbag, bytes(key))

    def _header(self, number):
        out = bytearray(116)
        out[0x02:0x07] = b"ADMIN"
        out[0x0D:0x12] = b"Clone"
        struct.pack_into("<6H", out, 0x36, 0, number % 60, 8, 7, 4, 1997)
        out[0x43:0x4B] = b"%08X" % (0x10 + number)
        return bytes(out)

    def hold(self, name):
        """Another program has this file open and locked."""
        out = open(self.path(name), "ab")
        fcntl.fcntl(out, fcntl.F_OFD_SETLK if hasattr(fcntl, "F_OFD_SETLK") else 37,
                    struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0))
        self.held.append(out)

    def end(self):
        for out in self.held:
            out.close()
        shutil.rmtree(self.root)


CASES = {}


def case(*findings):
    """`findings`: (severity, code, pattern of the file, stops)."""
    def keep(function):
        CASES[function.__name__] = (function, findings)
        return function
    return keep


def sized(name, severity=FAULT, stops=False, change=lambda s, name: s.add(name, b"\0"), more=()):
    CASES["size-" + name.replace("/", "-")] = (
        lambda scene: change(scene, name), ((severity, "size", name, stops),) + tuple(more))


# ---- sizes: one octet more, or one less


for table in ("NETWORK", "CONTROL", "MASTER", "ACCESS", "ACCESS2", "ACCESS3"):
    sized("GLB/%s.GLB" % table, stops=True, more=(
        ((FAULT, "routing", "GLB/NETWORK.GLB", True),) if table == "NETWORK" else
        ((FAULT, "user-count", "GLB/ACCESS2.GLB", True),) if "ACCESS" in table else ()))
for table in ("FLAG", "GLOBAL", "GROUP", "GRPMEM", "MODEM", "NETPO", "PROCESS", "REQCONF", "SERVER",
              "SRVCONF", "TID", "RNETSEM", "C850SORT", "ANSISORT"):
    sized("GLB/%s.GLB" % table)
sized("GLB/SVRCONF.GLB", change=lambda s, name: s.put(name, bytes(1025)))
sized("GLB/GALINDEX.GLB", change=lambda s, name: s.put(name, bytes(209)))
sized("NME/GAL.NME", WARNING)
sized("GRP/ADMIN.GRP", WARNING)
sized("GRP/00000099.GRP", WARNING, change=lambda s, name: s.put(name, b""))
sized("MEM/00000101.MEM", WARNING, change=lambda s, name: s.put(name, bytes(5)))
sized("MEM/00000102.MEM", WARNING, change=lambda s, name: s.put(name, bytes(2004)))
sized("USR/00000098.USR", WARNING, change=lambda s, name: s.put(name, bytes(54)))
sized("FOLDERS/FOLDROOT.IDX", WARNING, change=lambda s, name: s.put(name, bytes(101)))
sized("FOLDERS/PUB/00000011.IDX", WARNING, change=lambda s, name: s.put(name, bytes(5)))
sized("FOLDERS/PUB/00000012.FLD", WARNING, change=lambda s, name: s.put(name, bytes(128)))


@case((WARNING, "size", "FOLDERS/LOC/00000001/*.IDX", False))
def size_user_folder(scene):
    os.mkdir(scene.path("FOLDERS/LOC/00000001"))
    scene.put("FOLDERS/LOC/00000001/00000002.IDX", bytes(100 + 157))
    scene.put("FOLDERS/LOC/00000001/00000003.IDX", bytes(100 + 158))


@case((FAULT, "size", "XTN/*.XTN", True), (FAULT, "routing", "GLB/NETWORK.GLB", True),
      (WARNING, "no-owner", "MBG/*.MBG", False), (WARNING, "no-owner", "MBG/*.MBG", False))
def size_xtn(scene):
    scene.cut(scene.xtn("NORTH"))


@case((FAULT, "size", "KEY/*.KEY", True))
def size_key(scene):
    scene.cut("KEY/%s.KEY" % scene.empty_queue())


@case((FAULT, "size", "MBG/*.MBG", True))
def size_mbg(scene):
    scene.add("MBG/%s.MBG" % scene.empty_queue(), b"\0")


@case((FAULT, "size", "MBG/*.MBG", True))
def size_mbg_too_long(scene):
    scene.put("MBG/%s.MBG" % scene.empty_queue(), bytes(116 * 4097))


@case()
def size_right_and_rare(scene):
    """What a postoffice need not have, in its right size."""
    scene.put("GLB/GALINDEX.GLB", bytes(208 + 60))
    scene.put("GLB/SVRCONF.GLB", bytes(2048))
    scene.put("MEM/00000101.MEM", b"")
    scene.put("FOLDERS/00799123.IDX", bytes(4))
    scene.put("FOLDERS/FOLDROOT.IDX", bytes(100))


# ---- directories and tables


@case((FAULT, "directory", "P1", True))
def no_p1(scene):
    shutil.rmtree(scene.path("P1"))


@case((FAULT, "directory", "GLB", True), *(
    (FAULT, "absent", "GLB/%s.GLB" % name, True)
    for name in ("NETWORK", "CONTROL", "MASTER", "ACCESS", "ACCESS2", "ACCESS3")), *(
    (NOTE, "absent", "GLB/*.GLB", False) for _ in range(10)))
def no_glb(scene):
    shutil.rmtree(scene.path("GLB"))


@case((WARNING, "directory", "TPL", False))
def no_tpl(scene):
    shutil.rmtree(scene.path("TPL"))


@case((FAULT, "absent", "GLB/MASTER.GLB", True))
def no_master(scene):
    scene.remove("GLB/MASTER.GLB")


# ---- pairs


@case((FAULT, "pair", "KEY/*.KEY", True))
def key_alone(scene):
    scene.put("KEY/00000900.KEY", bytes(560))


@case((FAULT, "pair", "MBG/*.MBG", True))
def mbg_alone(scene):
    scene.remove("KEY/%s.KEY" % scene.empty_queue())


@case((NOTE, "no-owner", "MBG/*.MBG", False), (FAULT, "shared-mailbag", "MBG/*.MBG", True))
def two_users_one_mailbag(scene):
    """A user's record leads to the administrator's mailbag, his own is nobody's."""
    scene.edit("GLB/ACCESS2.GLB", scene.idle_user()[1] + 0x20, scene.user(0)[0].encode("ascii"))


# ---- live records, messages, attachments


def alone(message):
    return len(message["places"]) == 1


@case((FAULT, "message-missing", "MBG/*.MBG", False))
def message_missing(scene):
    scene.remove(scene.mai(scene.message(lambda m: alone(m) and not m["attachments"])))


@case((FAULT, "message-missing", "MBG/*.MBG", False), (NOTE, "attachment-orphan", "ATT", False))
def message_missing_with_attachment(scene):
    scene.remove(scene.mai(scene.message(lambda m: alone(m) and m["attachments"])))


@case((FAULT, "message-number", "MBG/*.MBG", False), (NOTE, "message-orphan", "MAI", False))
def message_number(scene):
    message = scene.message(lambda m: alone(m) and not m["attachments"])
    scene.record(message["places"][0], 0x43, b"0000XYZ0")


@case((FAULT, "attachment-missing", "MAI/*.MAI", False))
def attachment_missing(scene):
    scene.remove(scene.att(scene.message(lambda m: m["attachments"])["attachments"][0]))


@case((NOTE, "message-orphan", "MAI", False), (NOTE, "attachment-orphan", "ATT", False))
def orphans(scene):
    """The header is deleted, and it was the last one."""
    message = scene.message(lambda m: alone(m) and m["attachments"])
    place = message["places"][0]
    name = "KEY/%s.KEY" % place["mailbag"]
    at = BITMAP + place["record"] // 8
    scene.edit(name, at, bytes([scene.read(name)[at] | 1 << place["record"] % 8]))


@case((NOTE, "attachment-orphan", "ATT", False))
def attachment_orphan(scene):
    scene.put("ATT/AT1/00000001.ATT", b"nobody's")


@case()
def message_on_its_way(scene):
    """An envelope in P1 belongs to a message without header."""
    message = scene.message(lambda m: alone(m) and m["attachments"])
    place = message["places"][0]
    name = "KEY/%s.KEY" % place["mailbag"]
    at = BITMAP + place["record"] // 8
    scene.edit(name, at, bytes([scene.read(name)[at] | 1 << place["record"] % 8]))
    scene.put("P1/%s.P1" % message["mai"], b"envelope")


@case((FAULT, "counter-low", "MAI/*.MAI", True))
def counter_low(scene):
    message = scene.message(lambda m: m["counter"] > 1)
    scene.edit(scene.mai(message), 0x0B, struct.pack("<H", message["counter"] - 1))


@case((WARNING, "counter-high", "MAI/*.MAI", False))
def counter_high(scene):
    message = scene.message()
    scene.edit(scene.mai(message), 0x0B, struct.pack("<H", message["counter"] + 1))


@case((WARNING, "message-twice", "MBG/*.MBG", False))
def message_twice(scene):
    """The same header again, in a new record."""
    place = scene.live(scene.message())[0]
    name = "MBG/%s.MBG" % place["mailbag"]
    scene.add(name, scene.read(name)[place["record"] * 116 : (place["record"] + 1) * 116])


@case((FAULT, "subject", "MAI/*.MAI", True))
def other_subject(scene):
    scene.record(scene.live(scene.message())[0], 0x0D, b"Not its subject".ljust(41, b"\0"))


@case((WARNING, "sender", "MAI/*.MAI", False))
def other_sender(scene):
    message = scene.message(lambda m: ":" not in m["sender"])
    scene.record(scene.live(message)[0], 0x02, b"NOBODY".ljust(11, b"\0"))


@case((FAULT, "message-unreadable", "MAI/*.MAI", False))
def message_unreadable(scene):
    scene.put(scene.mai(scene.message(lambda m: not m["attachments"])), b"\0" * 300)


@case((FAULT, "message-unreadable", "MAI/*.MAI", False))
def message_empty(scene):
    scene.put(scene.mai(scene.message(lambda m: not m["attachments"])), b"")


@case((FAULT, "attachment-shared", "ATT/*.ATT", True))
def attachment_shared(scene):
    """A second message with the same contents."""
    message = scene.message(lambda m: alone(m) and len(m["attachments"]) == 1)
    place = message["places"][0]
    number = b"%08X" % 0x20
    scene.put("MAI/MA0/00000020.MAI", scene.read(scene.mai(message)))
    name = "MBG/%s.MBG" % place["mailbag"]
    header = bytearray(scene.read(name)[place["record"] * 116 : (place["record"] + 1) * 116])
    header[0x43:0x4B] = number
    scene.add(name, bytes(header))


@case((WARNING, "wrong-directory", "MAI/MA3/*.MAI", False),
      (WARNING, "wrong-directory", "ATT/AT4/*.ATT", False))
def wrong_directory(scene):
    scene.put("MAI/MA3/00000014.MAI", b"x")
    scene.put("ATT/AT4/00000013.ATT", b"x")


@case((WARNING, "wrong-directory", "MAI/*.MAI", False))
def wrong_directory_above(scene):
    scene.put("MAI/00000014.MAI", b"x")


@case((FAULT, "name-twin", "MAI/*.MAI", False))
def message_twin(scene):
    name = scene.mai(scene.message())
    scene.put(name[:-3] + "mai", scene.read(name))


# ---- fill


def full(count, severity):
    def damage(scene):
        scene.fill(scene.empty_queue(), count)
    CASES["fill-%d" % count] = (damage, (
        (severity, "fill", "MBG/*.MBG", False), (FAULT, "message-missing", "MBG/*.MBG", False)) +
        ((FAULT, "message-missing", "MBG/*.MBG", False),) * 4 +
        ((FAULT, "message-missing", "MBG", False),))


full(2048, NOTE)
full(3400, WARNING)
full(4096, FAULT)


# ---- users


@case((FAULT, "user-count", "GLB/ACCESS2.GLB", True))
def user_count(scene):
    scene.add("GLB/ACCESS3.GLB", bytes(512))


@case((FAULT, "user-mailbag", "MBG/*.MBG", False))
def user_without_mailbag(scene):
    mailbag = scene.idle_user()[0]
    scene.remove("KEY/%s.KEY" % mailbag)
    scene.remove("MBG/%s.MBG" % mailbag)


@case((WARNING, "no-owner", "MBG/*.MBG", False))
def user_forgotten(scene):
    """His name is gone from ACCESS2, his mail is not."""
    busy = {p["mailbag"] for m in scene.truth["messages"] for p in scene.live(m)}
    at = next(scene.user(n)[1] for n in range(12) if scene.user(n)[0] in busy)
    scene.edit("GLB/ACCESS2.GLB", at + 2, b"\0" * 11)


@case((FAULT, "shared-mailbag", "MBG/*.MBG", True), (WARNING, "no-owner", "MBG/*.MBG", False))
def user_on_a_queue(scene):
    busy = {p["mailbag"] for m in scene.truth["messages"] for p in scene.live(m)}
    at = next(scene.user(n)[1] for n in range(12) if scene.user(n)[0] in busy)
    scene.edit("GLB/ACCESS2.GLB", at + 0x20, scene.queue().encode("ascii"))


# ---- routing


@case((FAULT, "route-mailbag", "MBG/*.MBG", True), (NOTE, "no-owner", "MBG/*.MBG", False))
def route_to_nowhere(scene):
    scene.edit("GLB/NETWORK.GLB", scene.network("MSMAIL") + 0x21, b"0000000F")
    numbers = {name[:8] for name in os.listdir(scene.path("MBG"))}
    if "0000000F" in numbers:
        scene.edit("GLB/NETWORK.GLB", scene.network("MSMAIL") + 0x21, b"00000008")


@case((WARNING, "no-owner", "MBG/*.MBG", False))
def route_removed(scene):
    scene.edit("GLB/NETWORK.GLB", scene.network("SMTP"), b"\0")


@case((FAULT, "routing", "GLB/NETWORK.GLB", True), (WARNING, "no-owner", "MBG/*.MBG", False))
def route_without_number(scene):
    scene.edit("GLB/NETWORK.GLB", scene.network("SMTP") + 0x21, b"\0" * 9)


@case((NOTE, "shared-mailbag", "MBG/*.MBG", False))
def gateways_share(scene):
    """Allowed: one gateway uses the mailbag of another (Q104425)."""
    at = scene.network("SMTP")
    record = bytearray(scene.read("GLB/NETWORK.GLB")[at : at + 122])
    record[2:13] = b"FAX".ljust(11, b"\0")
    scene.add("GLB/NETWORK.GLB", bytes(record))


@case((NOTE, "shared-mailbag", "MBG/*.MBG", False),
      (WARNING, "same-name", "GLB/NETWORK.GLB", True))
def same_name(scene):
    at = scene.network("SMTP")
    scene.add("GLB/NETWORK.GLB", scene.read("GLB/NETWORK.GLB")[at : at + 122])


@case((WARNING, "name-tail", "GLB/NETWORK.GLB", False),
      (NOTE, "shared-mailbag", "MBG/*.MBG", False))
def names_alike(scene):
    """SOUTH/LABORATOR1 and, in the same mailbag, SOUTH/LABORATOR2."""
    name = scene.xtn("SOUTH")
    record = bytearray(scene.read(name)[:698])
    record[1:12] = b"LABORATOR1\0"
    scene.edit(name, 0, bytes(record))
    record[1:12] = b"LABORATOR2\0"
    scene.add(name, bytes(record))


@case((WARNING, "name-tail", "GLB/NETWORK.GLB", False),
      (NOTE, "shared-mailbag", "MBG/*.MBG", False))
def networks_alike(scene):
    at = scene.network("SMTP")
    record = bytearray(scene.read("GLB/NETWORK.GLB")[at : at + 122])
    record[2:13] = b"ABCDEFGHI1\0"
    scene.edit("GLB/NETWORK.GLB", at, bytes(record))
    record[2:13] = b"ABCDEFGHI2\0"
    scene.add("GLB/NETWORK.GLB", bytes(record))


@case((WARNING, "reserved-name", "GLB/NETWORK.GLB", False),
      (WARNING, "reserved-name", "GLB/NETWORK.GLB", False))
def reserved_name(scene):
    """Both postoffices of SOUTH are now behind a network that is called PROFS."""
    scene.edit("GLB/NETWORK.GLB", scene.network("SOUTH") + 2, b"PROFS".ljust(11, b"\0"))


@case((WARNING, "many-networks", "GLB/NETWORK.GLB", False))
def many_networks(scene):
    scene.add("GLB/NETWORK.GLB", bytes(122) * 66)


# ---- locks


@case((NOTE, "lock-stranded", "P1/*.0LK", False))
def lock_stranded(scene):
    scene.put("P1/%s.0LK" % scene.queue(), b"")


@case((NOTE, "lock-held", "P1/*.0LK", False))
def lock_held(scene):
    scene.hold("P1/%s.0LK" % scene.queue())


@case((NOTE, "lock-stranded", "P1/*.0lk", False))
def lock_lower_case(scene):
    scene.put("P1/%s.0lk" % scene.queue().lower(), b"")


@case((WARNING, "lock-twin", "P1/*", True))
def lock_twin(scene):
    scene.put("P1/%s.0LK" % scene.queue(), b"")
    scene.put("P1/%s.0lk" % scene.queue(), b"")


@case((WARNING, "lock-older", "P1/*.012", False))
def lock_older(scene):
    scene.put("P1/%s.012" % scene.queue(), b"")


# ---- what removal could not write


def read_only(name, *findings):
    def damage(scene):
        found = name(scene) if callable(name) else name
        os.chmod(scene.path(found), 0o555 if os.path.isdir(scene.path(found)) else 0o444)
    return damage, findings


CASES["read-only-key"] = read_only(
    lambda s: "KEY/%s.KEY" % s.queue(), (FAULT, "read-only", "KEY/*.KEY", True))
CASES["read-only-mai"] = read_only(
    lambda s: s.mai(s.message()), (FAULT, "read-only", "MAI/*.MAI", True))
CASES["read-only-p1"] = read_only("P1", (FAULT, "read-only", "P1", True))
CASES["read-only-att"] = read_only("ATT/AT3", (FAULT, "read-only", "ATT/AT3", True))
CASES["read-only-master"] = read_only(
    "GLB/MASTER.GLB", (WARNING, "read-only", "GLB/MASTER.GLB", False))


# ---- numbers


@case((FAULT, "number-reuse", "GLB/CONTROL.GLB", True))
def control_letters(scene):
    highest = max(int(m["mai"], 16) for m in scene.truth["messages"])
    scene.edit("GLB/CONTROL.GLB", 4, struct.pack("<I", highest))


@case((FAULT, "number-reuse", "GLB/CONTROL.GLB", True))
def control_mailbags(scene):
    scene.edit("GLB/CONTROL.GLB", 0, struct.pack("<I", 1))


@case((FAULT, "number-reuse", "GLB/CONTROL.GLB", True), (NOTE, "message-orphan", "MAI", False))
def control_behind_a_file(scene):
    """Nobody refers to the file; it would be overwritten all the same."""
    scene.put("MAI/MA0/7F000000.MAI", b"x")


# ---- profiles


def with_profile(name, change, *findings, damage=lambda scene: None):
    def run(scene):
        damage(scene)
        with open(scene.profile, encoding="ascii") as source:
            text = change(source.read())
        scene.profile = scene.root + ".profile"
        gateway.write_file(scene.profile, text)
    CASES["profile-" + name] = (run, findings)


def without(*names):
    return lambda text: "".join(line + "\n" for line in text.splitlines()
                                if not line.startswith(names))


NOT_PROVEN = (NOTE, "profile", "", True)
with_profile("readable", lambda text: re.sub("verdict = proven", "verdict = readable", text),
             NOT_PROVEN)
with_profile("no-users", without("access2."), (NOTE, "not-checked", "GLB/ACCESS2.GLB", False))
with_profile("no-bitmap", without("key.bitmap"), (NOTE, "not-checked", "KEY", False),
             damage=lambda s: s.remove(s.mai(s.message())))
with_profile("no-messages", without("cipher.key", "cipher.period"),
             (NOTE, "not-checked", "MAI", False))
with_profile("no-messages-missing", without("cipher.key", "cipher.period"),
             (NOTE, "not-checked", "MAI", False), (FAULT, "message-missing", "MBG/*.MBG", False),
             damage=lambda s: s.remove(s.mai(s.message(alone))))

class Base(Case):
    """Runs the check and looks at what it says."""

    office = None

    @classmethod
    def get_office(cls):
        if Base.office is None:
            Base.office = Office(cls.base, "office", **OFFICE)
        return Base.office

    def run_check(self, scene, *words, profile=True):
        argv = [program("MSMAILGW", "msmailgw"), *words, "postoffice", "check", scene.root]
        if profile:
            argv += ["--profile", scene.profile]
        return subprocess.run(argv, capture_output=True, timeout=60, stdin=subprocess.DEVNULL)

    def rows(self, scene, **more):
        done = self.run_check(scene, "--json", **more)
        self.assertEqual(done.stderr, b"")
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual(rows[-1]["kind"], "verdict")
        return done.returncode, rows[:-1], rows[-1]

    def judge(self, name, scene, findings):
        before = snapshot(scene.root)
        status, rows, verdict = self.rows(scene)
        text = self.run_check(scene).stdout.decode("utf-8")
        self.assertEqual(snapshot(scene.root), before, "the postoffice was changed")
        left = [row for row in rows if row["severity"] != "OK"]
        for severity, code, file, stops in findings:
            found = next((row for row in left if (row["severity"], row["code"], row["stops"]) ==
                          (severity, code, stops) and fnmatch.fnmatchcase(row["file"] or "", file)),
                         None)
            self.assertIsNotNone(found, "%s: no %s %s %s in %s" % (name, severity, code, file, rows))
            left.remove(found)
        self.assertEqual(left, [], "%s: more than was damaged" % name)
        safe = not any(stops for *_, stops in findings)
        wrong = not safe or any(severity != NOTE for severity, *_ in findings)
        self.assertEqual(verdict["safe"], safe)
        self.assertEqual(status, int(wrong))
        last = text.splitlines()[-1]
        self.assertRegex(last, r"^relaying from here is safe$" if safe
                         else r"^relaying from here is not safe, because .")


class Check(Base):
    """One test for each case; main() makes them."""

    @classmethod
    def add(cls, name):
        damage, findings = CASES[name]

        def one(self):
            scene = Scene(self.base, name, self.get_office())
            damage(scene)
            try:
                self.judge(name, scene, findings)
            finally:
                scene.end()

        setattr(cls, "test_" + name.replace("-", "_"), one)


class Whole(Base):
    """Postoffices without damage, of many kinds."""

    def test_clean(self):
        for options in ({"seed": 3}, {"seed": 4, "lowercase": True}, {"seed": 5, "layout": "random"},
                        {"seed": 6, "codepage": "437", "queues": 9, "users": 30},
                        {"seed": 7, "layout": "random", "lowercase": True}):
            office = Office(self.base, "clean%d" % options["seed"], **options)
            scene = Scene(self.base, "clean%d.copy" % options["seed"], office)
            self.judge("clean", scene, ())
            scene.end()

    def test_wrong_profile(self):
        """That of another postoffice: told as such, and not message by message."""
        other = Office(self.base, "other", seed=77, messages=20)
        scene = Scene(self.base, "wrong-profile", self.get_office())
        scene.profile = other.profile
        status, rows, verdict = self.rows(scene)
        self.assertEqual((status, verdict["safe"]), (1, False))
        self.assertTrue(any(row["code"] == "profile" and row["stops"] for row in rows))
        self.assertLess(len(rows), 60)
        scene.end()

    def test_no_directory(self):
        """With a directory all that is in it is missing."""
        scene = Scene(self.base, "no-directory", self.get_office())
        shutil.rmtree(scene.path("ATT/AT7"))
        status, rows, verdict = self.rows(scene)
        found = [row["code"] for row in rows if row["severity"] != "OK"]
        lost = sum(a["id"][-1] == "7" for m in scene.truth["messages"] for a in m["attachments"])
        self.assertEqual((status, verdict["safe"], found[0]), (1, False, "directory"))
        self.assertEqual(found[1:], ["attachment-missing"] * min(lost, 6))
        scene.end()

    def test_no_profile(self):
        scene = Scene(self.base, "no-profile", self.get_office())
        status, rows, verdict = self.rows(scene, profile=False)
        self.assertEqual((status, verdict["safe"]), (1, False))
        self.assertEqual({row["code"] for row in rows}, {"profile", "not-checked"})
        scene.end()


def main():
    parser = gateway.parser_for(__doc__.partition("\n")[0])
    options = parser.parse_args()
    for name in CASES:
        Check.add(name)
    return gateway.run_program("check", sys.modules[__name__], options)


if __name__ == "__main__":
    sys.exit(main())
