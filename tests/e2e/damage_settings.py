#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Errors in the settings file, in what it names, and in the address map.

An error of the settings file or of the map ends msmailgw and msmailgwd with status 2 before
anything is touched; the message names file, line and setting. `map check` lists all problems with their
lines, and ends with status 1."""
import os
import re
import shutil
import subprocess

import gateway
from damage_scene import CRASH

TEXT = """\
spool = "%(dir)s/spool"
hostname = gw.test
postmaster = postmaster@corp.example
map = "%(dir)s/map.tsv"
log = "%(dir)s/relay.log"
log-level = debug
retry-first = 1
retry-longest = 2
postoffice HQ {
    name = NORTH/HQ
    path = "%(po)s"
    profile = "%(profile)s"
    queues = { "NORTH/SALES", SMTP }
}
relay {
    hosts = { 127.0.0.1:2525 }
    tls = none
}
"""

# name: (what is replaced, by what, lines from there to the line that is told (None: no line is),
#        pattern of the message)
SETTINGS = {
    "settings-unknown-name": ("hostname", "colour = red\nhostname", 0, "colour"),
    "settings-unknown-section": ("relay {", "gateway X {\n}\nrelay {", 0, "gateway"),
    "settings-name-twice": ("retry-longest", "hostname = other.test\nretry-longest", 0,
                            "hostname is there twice: first in line 2"),
    "settings-no-value": ("gw.test", "", 1, "postmaster|premature|unexpected|hostname"),
    "settings-quotation-open": ("hostname = gw.test", 'hostname = "gw.test', 0, "not closed"),
    "settings-comment-open": ("hostname", "/* hostname", 0, "comment is not closed"),
    "settings-brace-open": ("}\nrelay", "relay", -5, "brace is not closed"),
    "settings-brace-too-many": ("}\nrelay", "}\n}\nrelay", 1, "brace|unexpected"),
    "settings-control-octet": ("gw.test", "gw\x01.test", 0, "control octet 0x01"),
    "settings-nul": ("gw.test", "gw\0.test", 0, "control octet 0x00"),
    "settings-spool-missing": ('spool = "%(dir)s/spool"\n', "", None, "spool: is missing"),
    "settings-map-missing": ('map = "%(dir)s/map.tsv"\n', "", None, "map: is missing"),
    "settings-hostname-missing": ("hostname = gw.test\n", "", None, "hostname: is missing"),
    "settings-postmaster-missing": ("postmaster = postmaster@corp.example\n", "", None,
                                    "postmaster: is missing"),
    "settings-hostname-no-name": ("gw.test", '"gw..test"', 0, "hostname: .*gw\\.\\.test"),
    "settings-postmaster-no-address": ("postmaster@corp.example", "postmaster", 0,
                                       "postmaster: .*SMTP address"),
    "settings-postmaster-with-a-command": ("postmaster@corp.example",
                                           '"a@b.c>\\r\\nRCPT TO:<evil@x.y"', 0, "postmaster"),
    "settings-log-level": ("debug", "loud", 0, "log-level: .*error, warn, info, debug"),
    "settings-retry-words": ("retry-first = 1", "retry-first = soon", 0, "retry-first: .*number"),
    "settings-retry-negative": ("retry-first = 1", "retry-first = -1", 0, "retry-first: .*number"),
    "settings-retry-zero": ("retry-first = 1", "retry-first = 0", 0, "retry-first: .*number"),
    "settings-retry-too-large": ("retry-first = 1", "retry-first = 99999999999999999999", 0,
                                 "retry-first: .*number"),
    "settings-retry-longest-less": ("retry-first = 1", "retry-first = 9", 1,
                                    "retry-longest: 2 is less than retry-first"),
    "settings-no-postoffice": ("postoffice HQ {\n    name = NORTH/HQ\n    path = \"%(po)s\"\n"
                               "    profile = \"%(profile)s\"\n"
                               "    queues = { \"NORTH/SALES\", SMTP }\n}\n", "", None,
                               "no section postoffice"),
    "settings-no-relay": ("relay {\n    hosts = { 127.0.0.1:2525 }\n    tls = none\n}\n", "", None,
                          "one section relay"),
    "settings-two-relays": ("relay {", "relay {\n    hosts = { a.test }\n}\nrelay {", None,
                            "one section relay"),
    "settings-title-with-a-path": ("HQ {", '"../HQ" {', None, "title"),
    "settings-titles-differ-in-case": (
        "relay {", "postoffice hq {\n    name = A/B\n    path = /a\n    profile = /b\n"
        "    queues = { X }\n}\nrelay {", None, "title"),
    "settings-name-no-postoffice": ("NORTH/HQ", "NORTH", 0, "name: .*NETWORK/POSTOFFICE"),
    "settings-name-too-long": ("NORTH/HQ", "NORTHERNMOST/HQ", 0, "name: .*1 to 10"),
    "settings-door": ("    path", "    door = back\n    path", 0, "door: .*native, ffapi"),
    "settings-door-without-path": ('    path = "%(po)s"\n', "", None, "path: is missing"),
    "settings-door-without-profile": ('    profile = "%(profile)s"\n', "", None,
                                      "profile: is missing"),
    "settings-no-queues": ('    queues = { "NORTH/SALES", SMTP }\n', "", None,
                           "queues: is missing"),
    "settings-queue-twice": ("SMTP }", '"north/sales" }', 0, "queues: .*twice"),
    "settings-queue-no-name": ("SMTP }", '"A/B/C" }', 0, "queues: .*gateway"),
    "settings-command-with-native": ("    path", '    command = { "/bin/true" }\n    path', 0,
                                     "command: has no meaning"),
    "settings-codepage": ("    path", "    codepage = 99999\n    path", 0, "codepage: .*99999"),
    "settings-timezone": ("    path", "    timezone = Mars/Base\n    path", 0,
                          "timezone: .*time zone"),
    "settings-timezone-with-a-path": ("    path", '    timezone = "../../etc/passwd"\n    path', 0,
                                      "timezone: .*time zone"),
    "settings-interval": ("    path", "    interval = 0\n    path", 0, "interval: .*number"),
    "settings-batch": ("    path", "    batch = 4097\n    path", 0, "batch: .*4096"),
    "settings-max-size": ("    path", "    max-size = 1\n    path", 0, "max-size: .*number"),
    "settings-no-hosts": ("    hosts = { 127.0.0.1:2525 }\n", "", None, "hosts: is missing"),
    "settings-host-port": ("2525", "65536", 0, "hosts: .*not a host"),
    "settings-host-blank": ("127.0.0.1:2525", '"a b"', 0, "hosts: .*not a host"),
    "settings-tls": ("tls = none", "tls = maybe", 0, "tls: .*starttls, implicit, none"),
    "settings-tls-none-with-a-ca": ("tls = none", "tls = none\n    ca-file = ca.pem", 1,
                                    "ca-file: has no meaning"),
    "settings-pin": ("tls = none", "pin = 12:34\n    tls = starttls", 0, "pin: .*64 hex"),
    "settings-user-without-password": ("tls = none", "user = u", None,
                                       "password-file: is missing"),
    "settings-password-without-user": ("tls = none", "password-file = p", 0,
                                       "password-file: has no meaning without user"),
    "settings-credential-with-a-path": (
        "tls = none", 'user = u\n    password-file = "credential:../../etc/shadow"', 1,
        "password-file: .*credential"),
    "settings-mechanism": ("tls = none", "mechanisms = { ROT13 }\n    user = u", 0,
                           "mechanisms: .*SCRAM-SHA-256"),
    "settings-plain-to-another-host": (
        "hosts = { 127.0.0.1:2525 }\n    tls = none",
        "hosts = { mail.example.com }\n    tls = none\n    user = u\n    password-file = p\n"
        "    plain-without-tls = true", 4, "plain-without-tls: .*clear text"),
    "settings-recipients": ("tls = none", "max-recipients = 1001\n    tls = none", 0,
                            "max-recipients: .*1000"),
}

GOOD = "NORTH/SALES/ALICE\talice@corp.example"
# name: (the octets of the map, lines that have a problem, pattern)
MAPS = {
    "map-no-address": ([GOOD, "NORTH/SALES/BOB"], [2], "needs at least"),
    "map-no-smtp-address": ([GOOD, "NORTH/SALES/BOB\tbob"], [2], "not an SMTP address"),
    "map-address-with-a-blank": ([GOOD, "NORTH/SALES/BOB\tbo b@corp.example"], [2],
                                 "not an SMTP address"),
    "map-address-with-a-command": ([GOOD, "NORTH/SALES/BOB\tb@c.d>\x0bRCPT"], [2],
                                   "control character 0x0B"),
    "map-key-of-two-parts": (["# users", GOOD, "NORTH/BOB\tbob@corp.example"], [3],
                             "not of the form NET/PO/USER"),
    "map-key-of-four-parts": ([GOOD, "A/B/C/D\tbob@corp.example"], [2], "not of the form"),
    "map-key-too-long": ([GOOD, "NORTH/SALES/BOBBOBBOBBOB\tb@c.example"], [2], "longer than 10"),
    "map-key-not-ascii": ([GOOD, "NORTH/SALES/BÖB\tbob@corp.example"], [2], "7-bit"),
    "map-key-of-the-system": ([GOOD, "NORTH/SALES/$SYSTEM\tbob@corp.example"], [2], "system"),
    "map-key-of-a-gateway": ([GOOD, "SMTP/SALES/BOB\tbob@corp.example"], [2], "reserved"),
    "map-twice": ([GOOD, "# and again", GOOD], [3], "already in line 1"),
    "map-twice-in-another-case": ([GOOD, "north/Sales/alice\tother@corp.example"], [2],
                                  "already in line 1"),
    "map-time": ([GOOD, "NORTH/SALES/BOB\tbob@corp.example\tyesterday"], [2], "migrated_at"),
    "map-state": ([GOOD, "NORTH/SALES/BOB\tbob@corp.example\t\tgone"], [2], "unknown state"),
    "map-seven-fields": ([GOOD, "NORTH/SALES/BOB\tb@c.example\t\t\t\t\tx"], [2], "more than 6"),
    "map-not-utf-8": (b"A/B/C\tc@d.example\nA/B/D\td@d.example\t\t\t\xff\n", [2], "UTF-8"),
    "map-nul": (b"A/B/C\tc@d.example\nA/B/D\0\td@d.example\n", [2], "control character 0x00"),
    "map-binary": (bytes(range(256)) * 4, [1], "control character"),
    "map-three-problems": (["NORTH/SALES/BOB", GOOD, "A/B\tc@d.example", "#", GOOD], [1, 3, 5],
                           "needs at least"),
}


class Place:
    """A settings file and what it names; the programs run with it."""

    def __init__(self, base, name, office):
        self.directory = os.path.join(base, name)
        os.mkdir(self.directory, 0o711)
        self.values = {"dir": self.directory, "po": office.root, "profile": office.profile}
        self.file = os.path.join(self.directory, "msmailgw.conf")
        self.complaints = []
        gateway.write_file(self.path("map.tsv"), GOOD + "\n")

    def path(self, name):
        return os.path.join(self.directory, name)

    def wrong(self, text, *values):
        self.complaints.append(text % values if values else text)

    def run(self, program, *words):
        """(status, what was printed)"""
        done = subprocess.run([program, "-c", self.file, *words], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=30)
        text = done.stdout.decode("utf-8", "replace")
        if CRASH.search(text) or done.returncode < 0:
            self.wrong("%s: status %d: %s", words, done.returncode, text)
        return done.returncode, text

    def refuse(self, pattern, commands=(("drain",), ("status",), ("check",), ("queue", "list"))):
        """Both programs end with status 2 and this message, and nothing was made."""
        runs = [(gateway.program("MSMAILGW", "msmailgw"), words) for words in commands]
        runs.append((gateway.program("MSMAILGWD", "msmailgwd"), ()))
        for program, words in runs:
            status, text = self.run(program, *words)
            if status != 2:
                self.wrong("%s %s: status %d, not 2: %s", os.path.basename(program), words, status,
                           text)
            if not re.search(pattern, text):
                self.wrong("%s %s does not tell %r: %s", os.path.basename(program), words, pattern,
                           text)
        if os.path.exists(self.path("spool/queue.db")):
            self.wrong("a queue was made")


def settings_case(place, old, new, lines, pattern):
    if old not in TEXT:
        raise LookupError("the settings do not hold %r" % old)
    text = TEXT.replace(old, new, 1)
    at = text[:TEXT.index(old)].count("\n") + 1
    with open(place.file, "wb") as out:
        out.write((text % place.values).encode())
    where = r"msmailgw\.conf: " if lines is None else r"msmailgw\.conf:%d: " % (at + lines)
    place.refuse(where + ".*(" + pattern + ")")


def map_case(place, content, lines, pattern):
    gateway.write_file(place.file, TEXT % place.values)
    octets = content if isinstance(content, bytes) else ("\n".join(content) + "\n").encode()
    with open(place.path("map.tsv"), "wb") as out:
        out.write(octets)
    place.refuse(r"map\.tsv line %d: .*%s" % (lines[0], pattern), (("drain",), ("map", "show")))
    status, text = place.run(gateway.program("MSMAILGW", "msmailgw"), "map", "check")
    found = [int(number) for number in re.findall(r"(?m)^FAIL +(\d+) ", text)]
    if status != 1 or found[:len(lines)] != lines or not re.search(pattern, text):
        place.wrong("map check: status %d, lines %s: %s", status, found, text)


# ---- what the settings name ----------------------------------------------------------------------


def settings_absent(place):
    place.refuse(r"msmailgw\.conf: No such file")


def settings_are_a_directory(place):
    os.mkdir(place.file)
    place.refuse(r"msmailgw\.conf")


def settings_are_huge(place):
    gateway.write_file(place.file, TEXT % place.values + "# comment\n" * 200000)
    place.refuse(r"msmailgw\.conf: \d+ octets, more than the limit")


def settings_are_a_binary(place):
    with open(place.file, "wb") as out:
        out.write(bytes(range(256)) * 8)
    place.refuse(r"msmailgw\.conf:1: control octet 0x00")


def settings_are_a_device(place):
    os.symlink("/dev/zero", place.file)
    place.refuse(r"msmailgw\.conf")


def map_absent(place):
    gateway.write_file(place.file, TEXT % place.values)
    os.unlink(place.path("map.tsv"))
    place.refuse(r"map\.tsv: cannot open.*No such file", (("drain",), ("map", "show")))


def map_is_a_directory(place):
    gateway.write_file(place.file, TEXT % place.values)
    os.unlink(place.path("map.tsv"))
    os.mkdir(place.path("map.tsv"))
    place.refuse(r"map\.tsv: .*not a regular file", (("drain",), ("map", "show")))


def map_is_a_fifo(place):
    gateway.write_file(place.file, TEXT % place.values)
    os.unlink(place.path("map.tsv"))
    os.mkfifo(place.path("map.tsv"))
    place.refuse(r"map\.tsv: .*not a regular file", (("drain",), ("map", "show")))


def spool_open_to_others(place):
    gateway.write_file(place.file, TEXT % place.values)
    os.mkdir(place.path("spool"))
    os.chmod(place.path("spool"), 0o755)
    place.refuse(r"spool .*: open to others \(mode 755\); chmod 700", (("drain",),))


def spool_is_a_file(place):
    gateway.write_file(place.file, TEXT % place.values)
    gateway.write_file(place.path("spool"), "")
    place.refuse(r"%s" % re.escape(place.path("spool")), (("drain",),))


def queue_is_no_database(place):
    """A queue that is something else is never replaced by a new one."""
    gateway.write_file(place.file, TEXT % place.values)
    os.mkdir(place.path("spool"), 0o700)
    garbage = b"this is no database\n" * 500
    with open(place.path("spool/queue.db"), "wb") as out:
        out.write(garbage)
    for words in (("drain",), ("status",), ("queue", "list"), ("check",)):
        status, text = place.run(gateway.program("MSMAILGW", "msmailgw"), *words)
        if status not in (1, 2) or "queue.db" not in text:
            place.wrong("%s: status %d: %s", words, status, text)
    with open(place.path("spool/queue.db"), "rb") as source:
        if source.read() != garbage:
            place.wrong("queue.db was changed")


def password_case(make, pattern):
    """The mail waits in the queue; what is wrong with the secret is told, and never the secret."""

    def run(place):
        text = TEXT.replace("tls = none", "user = u\n    password-file = password\n"
                            "    tls = starttls\n")
        gateway.write_file(place.file, text % place.values)
        make(place.path("password"))
        for words in (("check",), ("relay", "test"), ("drain",)):
            status, text = place.run(gateway.program("MSMAILGW", "msmailgw"), *words)
            if status not in (1, 2) or not re.search(pattern, text) or "canary" in text:
                place.wrong("%s: status %d: %s", words, status, text)

    return run


def ca_case(make, pattern):
    def run(place):
        text = TEXT.replace("tls = none", "tls = starttls\n    ca-file = ca.pem")
        gateway.write_file(place.file, text % place.values)
        make(place.path("ca.pem"))
        for words in (("check",), ("relay", "test"), ("drain",)):
            status, text = place.run(gateway.program("MSMAILGW", "msmailgw"), *words)
            if status not in (1, 2) or not re.search(pattern, text):
                place.wrong("%s: status %d: %s", words, status, text)

    return run


PLACES = {
    "settings-absent": settings_absent,
    "settings-are-a-directory": settings_are_a_directory,
    "settings-are-huge": settings_are_huge,
    "settings-are-binary": settings_are_a_binary,
    "settings-are-a-device": settings_are_a_device,
    "map-absent": map_absent,
    "map-is-a-directory": map_is_a_directory,
    "map-is-a-fifo": map_is_a_fifo,
    "spool-open-to-others": spool_open_to_others,
    "spool-is-a-file": spool_is_a_file,
    "queue-is-no-database": queue_is_no_database,
    "password-absent": password_case(lambda path: None, "password: .*No such file"),
    "password-open-to-others": password_case(
        lambda path: gateway.write_file(path, "canary\n", 0o644),
        r"password: others can read this secret \(mode 644\)"),
    "password-empty": password_case(lambda path: gateway.write_file(path, "", 0o600),
                                    "password: the secret is empty"),
    "password-is-a-directory": password_case(os.mkdir, "password: is not a regular file"),
    "password-huge": password_case(lambda path: gateway.write_file(path, "canary" * 2000, 0o600),
                                   r"password: \d+ octets"),
    "ca-absent": ca_case(lambda path: None, r"ca\.pem"),
    "ca-garbage": ca_case(lambda path: gateway.write_file(path, "no certificate\n"), r"ca\.pem"),
}
NAMES = tuple(SETTINGS) + tuple(MAPS) + tuple(PLACES)


def one_case(base, name, office):
    """Complaints of one case. The postoffice is only read: nothing gets as far as to change it."""
    if name.startswith(("password-", "ca-", "queue-")):
        office = _copy(base, name, office)
    place = Place(base, name, office)
    if name in SETTINGS:
        settings_case(place, *SETTINGS[name])
    elif name in MAPS:
        map_case(place, *MAPS[name])
    else:
        PLACES[name](place)
    if not place.complaints:
        shutil.rmtree(place.directory)
    return place.complaints


class _Copy:
    def __init__(self, root, profile):
        self.root, self.profile = root, profile


def _copy(base, name, office):
    root = os.path.join(base, name + ".po")
    shutil.copytree(office.root, root)
    return _Copy(root, office.profile)
