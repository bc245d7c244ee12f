#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Damage to mailbags (KEY, MBG), to the tables that route, to locks, rights and the profile."""
import fcntl
import os
import re
import struct

import gateway  # noqa: F401 (sets the path to the oracle)
import maketree
import postoffice
from damage_mai import mai

BITMAP = 0x30
RECORD = postoffice.RECORD_SIZE
MAI_AT = 0x43   # of a mailbag record
NETWORK, XTN = postoffice.NETWORK_SIZE, postoffice.XTN_SIZE
# root without the right to pass over a file's mode
UNPRIVILEGED = ["setpriv", "--bounding-set=-dac_override,-dac_read_search",
                "--inh-caps=-dac_override,-dac_read_search"]


def key_of(bag):
    return "KEY/%s.KEY" % bag


def mbg_of(bag):
    return "MBG/%s.MBG" % bag


# ---- KEY and MBG: the whole mailbag is reported -------------------------------------------------


def mailbag_case(file_of, make, pattern):
    """`make` damages the file; nothing of this mailbag is relayed, all the rest is."""

    def damage(scene):
        _, bag = scene.queue()
        name = file_of(bag)
        make(scene, name)
        scene.block(bag)
        scene.error(re.escape(name) + pattern)

    return damage


def cut(size):
    """A negative size counts from the end."""
    return lambda scene, name: scene.put(name, scene.read(name)[:size])


def grow(octets):
    return lambda scene, name: scene.put(name, scene.read(name) + octets)


def twins(scene, name):
    content = scene.read(name)
    scene.remove(name)
    for end in (name[-3:].lower(), name[-3:].capitalize()):
        scene.put(name[:-3] + end, content)


KINDS = {
    "missing": (lambda scene, name: scene.remove(name), ": No such file"),
    "is-a-directory": (lambda scene, name: scene.make_directory(name), ": is not a regular file"),
    "is-a-fifo": (lambda scene, name: scene.fifo(name), ": is not a regular file"),
    "is-a-device": (lambda scene, name: scene.device(name), ": is not a regular file"),
    "is-a-link": (lambda scene, name: scene.link_outside(name), ": leads outside"),
    "is-a-cycle": (lambda scene, name: scene.link(name, os.path.basename(name)),
                   ": leads outside"),
}
KEY_SIZES = {
    "empty": (cut(0), ": 0 octets, a KEY has 560"),
    "one-octet-short": (cut(-1), ": 559 octets, a KEY has 560"),
    "one-octet-long": (grow(b"\0"), ": 561 octets, a KEY has 560"),
    "twice-as-long": (grow(bytes(560)), ": 1120 octets, a KEY has 560"),
}
MBG_SIZES = {
    "one-octet": (cut(1), ": 1 octets are not a whole number of records"),
    "half-a-record-short": (cut(-58), r": \d+ octets are not a whole number of records"),
    "one-octet-long": (grow(b"\0"), r": \d+ octets are not a whole number of records"),
    "more-than-4096-records": (grow(bytes(RECORD * 4096)), r": \d+ octets, more than the limit"),
}


def twin_case(file_of):
    def damage(scene):
        _, bag = scene.queue()
        twins(scene, file_of(bag))
        scene.block(bag)
        scene.error(r"(?i)%s\.%s: two names differ only in case" % (bag, file_of(bag)[:3]))

    return damage


def mbg_empty(scene):
    """No record, no mail: nothing to relay, and nothing that could be told about single items."""
    _, bag = scene.queue()
    scene.put(mbg_of(bag), b"")
    scene.block(bag)


def key_says_all_deleted(scene):
    _, bag = scene.queue()
    scene.edit(key_of(bag), BITMAP, b"\xff" * 512)
    scene.block(bag)


def _counters(*values):
    """The counters are wrong: mail goes all the same, and none falls below zero."""

    def damage(scene):
        _, bag = scene.queue()
        scene.edit(key_of(bag), 0, struct.pack("<HHH", *values))

    return damage


def key_says_all_live(scene):
    """Records that were vacated long ago look live: their messages are gone."""
    _, bag = max(((len(scene.read(mbg_of(queue["mailbag"]))), queue["mailbag"])
                  for queue in scene.truth["queues"]))
    scene.edit(key_of(bag), BITMAP, bytes(512))
    reader = postoffice.Postoffice(scene.root, scene.profile)
    live = {record for (mailbag, record) in scene.relayed() if mailbag == bag}
    left = {item["record"] for message in scene.truth["messages"] for item in message["items"]
            if item["mailbag"] == bag} - live
    stale = [r for r in reader.records(bag) if r.number not in live | left]
    for record in stale:
        scene.hold_place((bag, record.number), r"MAI/MA[0-9A-F]/%s\.MAI: No such" % record.mai)
    scene.repairable = False


def record_case(octets, pattern, kind="append"):
    """One more live record, which points nowhere."""

    def damage(scene):
        _, bag = scene.queue()
        content = scene.read(mbg_of(bag))
        record = bytearray(content[:RECORD])
        record[MAI_AT:MAI_AT + 9] = octets.ljust(9, b"\0")[:9]
        if kind == "all":
            record = bytearray(octets * RECORD)
        scene.put(mbg_of(bag), content + bytes(record))
        number = len(content) // RECORD
        key = bytearray(scene.read(key_of(bag)))
        key[BITMAP + number // 8] &= ~(1 << number % 8) & 0xFF
        scene.put(key_of(bag), bytes(key))
        scene.hold_place((bag, number), pattern)
        scene.repairable = False

    return damage


def record_in_small_letters(scene):
    """File numbers are hexadecimal in any case."""
    message = scene.message(lambda m: re.search("[A-F]", m["mai"]))
    for bag, number in scene.places(message):
        scene.edit(mbg_of(bag), number * RECORD + MAI_AT, message["mai"].lower().encode())


def record_date_is_garbage(scene):
    message = scene.message()
    for bag, number in scene.places(message):
        scene.edit(mbg_of(bag), number * RECORD + 0x36, b"\xff" * 12)


def record_twice(scene):
    """Two records of one mailbag for one message: relayed once, and both records go."""
    message = scene.message(lambda m: len(m["places"]) == 1 and m["counter"] == 1)
    (bag, number), = scene.places(message)
    content = scene.read(mbg_of(bag))
    scene.put(mbg_of(bag), content + content[number * RECORD:(number + 1) * RECORD])
    twin = len(content) // RECORD
    key = bytearray(scene.read(key_of(bag)))
    key[BITMAP + twin // 8] &= ~(1 << twin % 8) & 0xFF
    scene.put(key_of(bag), bytes(key))
    scene.ignore.append(key_of(bag))
    scene.repairable = False

    def gone(scene, received):
        key = scene.read(key_of(bag))
        for record in (number, twin):
            if not key[BITMAP + record // 8] >> record % 8 & 1:
                yield "record %d of %s is still live" % (record, bag)

    scene.extra.append(gone)


def mbg_of_many_batches(scene):
    """2,050 records without a message and batches of one: one round looks at every item."""
    scene.section["batch"] = 1
    _, bag = scene.queue()
    content = scene.read(mbg_of(bag))
    record = bytearray(content[:RECORD])
    record[0x36:0x42] = struct.pack("<6H", 0, 0, 0, 1, 1, 1984)
    record[0x43:0x4C] = b"0FFFFFF0\0"
    first = len(content) // RECORD
    scene.put(mbg_of(bag), content + bytes(record) * 2050)
    key = bytearray(scene.read(key_of(bag)))
    for number in range(first, first + 2050):
        key[BITMAP + number // 8] &= ~(1 << number % 8) & 0xFF
        scene.hold_place((bag, number), ": No such file")
    scene.put(key_of(bag), bytes(key))
    scene.repairable = False


# ---- tables -------------------------------------------------------------------------------------


def _network(scene, name):
    """(number, octets) of the record of that network."""
    table = scene.read("GLB/NETWORK.GLB")
    for at in range(0, len(table), NETWORK):
        raw = table[at:at + NETWORK]
        if raw[0] == 1 and raw[2:13].split(b"\0", 1)[0].decode() == name:
            return at // NETWORK, raw
    raise LookupError(name)


def _north(scene):
    """(name of the queue, mailbag, number of its network's record, name of its XTN file)."""
    name, bag = scene.queue()
    number, raw = _network(scene, name.partition("/")[0])
    return name, bag, number, "XTN/%s.XTN" % raw[0x0D:0x15].decode()


def table_case(make, pattern):
    """GLB/NETWORK.GLB as a whole: no queue can be found."""

    def damage(scene):
        make(scene, "GLB/NETWORK.GLB")
        scene.block_all()
        scene.error(pattern)

    return damage


def network_case(offset, octets, pattern):
    """One record of NETWORK.GLB: the postoffices of that network cannot be found."""

    def damage(scene):
        name, bag, number, _ = _north(scene)
        scene.edit("GLB/NETWORK.GLB", number * NETWORK + offset, octets)
        scene.block(bag)
        scene.error(pattern % {"queue": name, "record": number})

    return damage


def xtn_case(make, pattern):
    def damage(scene):
        name, bag, number, xtn = _north(scene)
        make(scene, xtn)
        scene.block(bag)
        scene.error(pattern % {"queue": name, "record": number, "file": re.escape(xtn)})

    return damage


def _xtn_edit(offset, octets):
    return lambda scene, name: scene.edit(name, offset, octets)


def xtn_leads_elsewhere(scene):
    """A record that leads into the mailbag of another queue: who takes mail out of it would take
    it away from the people of that queue."""
    name, bag, _, xtn = _north(scene)
    other_name, other = scene.queue("gateway")
    scene.edit(xtn, 0x0C, other.encode())
    scene.block(bag)
    scene.block(other)
    scene.error(re.escape(other))


# ---- locks and rights ---------------------------------------------------------------------------


def lock_range(file):
    """As lockf() does, but the lock belongs to this open file: closing another does not end it."""
    fcntl.fcntl(file, fcntl.F_OFD_SETLK, struct.pack("hhqqi", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0))


def lock_held(take):
    """Another program has the mailbag. It is left alone until that program is done."""

    def damage(scene):
        _, bag = scene.queue()
        name = "P1/%s.0LK" % bag
        scene.put(name, b"")
        holder = open(scene.path(name), "r+b", buffering=0)
        take(holder)
        scene.undo.append(holder.close)
        scene.block(bag)
        scene.error(re.escape(name))

    return damage


def lock_is(make, pattern):
    def damage(scene):
        _, bag = scene.queue()
        make(scene, "P1/%s.0LK" % bag)
        scene.block(bag)
        scene.error(pattern % bag)

    return damage


def lock_of_an_older_kind(scene):
    _, bag = scene.queue()
    scene.put("P1/%s.0A1" % bag, b"")
    scene.block(bag)
    scene.error(r"P1/%s\.0A1" % bag)


def lock_stranded(scene):
    """Nobody holds it: it is in nobody's way, in any case of letters."""
    _, bag = scene.queue()
    scene.put("P1/%s.0lk" % bag.lower(), b"")
    scene.repairable = False
    scene.extra.append(lambda scene, received: [])


def p1_missing(scene):
    scene.remove("P1")
    scene.block_all()
    scene.error(r"\bP1 is absent")


def p1_is_a_file(scene):
    scene.put("P1", b"")
    scene.block_all()
    scene.error(r"P1")


def key_locked_by_a_client(scene):
    """A client has the KEY at the moment of the removal: the mail is relayed, and removed later."""
    _, bag = scene.queue()
    holder = open(scene.path(key_of(bag)), "r+b", buffering=0)
    lock_range(holder)
    scene.undo.append(holder.close)
    _relayed_not_removed(scene, bag)
    scene.error(re.escape(key_of(bag)))


def _relayed_not_removed(scene, bag):
    scene.not_removed |= {place for place in scene.relayed() if place[0] == bag}


def read_only(file_of):
    """What may not be written: the mail is relayed once, and removed when it may."""

    def damage(scene):
        _, bag = scene.queue()
        name = file_of(bag)
        scene.prefix = UNPRIVILEGED
        mode = os.stat(scene.path(name)).st_mode
        os.chmod(scene.path(name), mode & 0o555)
        scene.undo.append(lambda: os.chmod(scene.path(name), mode))
        _relayed_not_removed(scene, bag)
        scene.error(re.escape(name))

    return damage


def mai_read_only(scene):
    """The delete bit is set, then the message cannot be counted down: finished at the next run."""
    message = scene.message()
    name = mai(message)
    scene.prefix = UNPRIVILEGED
    os.chmod(scene.path(name), 0o444)
    scene.undo.append(lambda: os.chmod(scene.path(name), 0o644))
    scene.unfinished += ["MAI/*", "ATT/*"]
    scene.error(re.escape(name))


def mai_folder_read_only(scene):
    message = scene.message(lambda m: m["counter"] == 1)
    name = os.path.dirname(mai(message))
    scene.prefix = UNPRIVILEGED
    os.chmod(scene.path(name), 0o555)
    scene.undo.append(lambda: os.chmod(scene.path(name), 0o755))
    scene.unfinished += ["MAI/*", "ATT/*"]
    scene.error(re.escape(name))


def unreadable(file_of, pattern):
    def damage(scene):
        _, bag = scene.queue()
        name = file_of(bag)
        scene.prefix = UNPRIVILEGED
        os.chmod(scene.path(name), 0)
        scene.undo.append(lambda: os.chmod(scene.path(name), 0o644))
        scene.block(bag)
        scene.error(re.escape(name) + pattern)

    return damage


def mai_unreadable(scene):
    """A message that cannot be opened now waits; those before and behind it do not."""
    message = scene.message()
    scene.prefix = UNPRIVILEGED
    os.chmod(scene.path(mai(message)), 0)
    scene.undo.append(lambda: os.chmod(scene.path(mai(message)), 0o644))
    scene.blocked |= set(scene.places(message))
    scene.error(re.escape(mai(message)) + ": cannot open: Permission denied")


# ---- the profile --------------------------------------------------------------------------------


def profile_lines(scene):
    with open(scene.profile_file, encoding="ascii") as source:
        return source.read().split("\n")


def profile_case(change, pattern, line=None):
    """`change` gets the lines and changes them; nothing is relayed."""

    def damage(scene):
        lines = profile_lines(scene)
        change(lines)
        gateway.write_file(scene.profile_file, "\n".join(lines))
        scene.block_all()
        place = re.escape(scene.profile_file) + (r":%d: " % line if line else "")
        scene.error((place + ".*" if line else "") + pattern)

    return damage


def replace(old, new):
    def change(lines):
        at = next(at for at, text in enumerate(lines) if text.startswith(old))
        lines[at:at + 1] = [] if new is None else [new]

    return change


def number_of(old):
    """Line of the made profile, counted from 1."""
    text = maketree.profile_text(bytes(16), True, "850").split("\n")
    return 1 + next(at for at, line in enumerate(text) if line.startswith(old))


def insert(text, at=2):
    return lambda lines: lines.insert(at - 1, text)


def profile_missing(scene):
    os.unlink(scene.profile_file)
    scene.block_all()
    scene.error(re.escape(scene.profile_file) + ".*No such file")


def profile_is_a_directory(scene):
    os.unlink(scene.profile_file)
    os.mkdir(scene.profile_file)
    scene.undo.append(lambda: os.rmdir(scene.profile_file))
    scene.block_all()
    scene.error(re.escape(scene.profile_file))


def profile_is_binary(scene):
    with open(scene.profile_file, "wb") as out:
        out.write(bytes(range(256)) * 10)
    scene.block_all()
    scene.error(re.escape(scene.profile_file) + ".*NUL")


def key_with_holes(scene):
    """Positions that are not known are never guessed: what needs them is held, the rest goes."""
    first = 150
    holes = range(first, len(scene.key))
    gateway.write_file(scene.profile_file, maketree.profile_text(
        scene.key, True, scene.truth["codepage"], holes))
    _hold_longer_than(scene, first)


def key_without_a_period(scene):
    first = len(scene.key)
    gateway.write_file(scene.profile_file, maketree.profile_text(
        scene.key, False, scene.truth["codepage"]))
    _hold_longer_than(scene, first)


def key_of_another_postoffice(scene):
    """The key is a wrong one: what comes of it is no message of anybody, and nothing is taken."""
    wrong = bytes(octet ^ 0x55 for octet in scene.key)
    gateway.write_file(scene.profile_file, maketree.profile_text(
        wrong, True, scene.truth["codepage"]))
    for place in scene.relayed():
        scene.hold_place(place, ".", ("damaged", "foreign", "unmapped"))


def _hold_longer_than(scene, known):
    held = 0
    for message in {m["mai"]: m for m in scene.relayed().values()}.values():
        if message["longest_run"] > known:
            scene.hold(message, r"key position %d is not known by profile" % known)
            held += 1
    # what stays for another reason needs the key as well
    for message in scene.truth["messages"]:
        for item in message["items"]:
            if not item["relay"]:
                scene.kinds.setdefault((item["mailbag"], item["record"]), ("damaged", "unmapped"))
    if held < 2 or held == len(scene.relayed()):
        raise LookupError("%s: %d messages need more of the key" % (scene.name, held))


def path_missing(scene):
    scene.section["path"] = scene.root + ".not-here"
    scene.block_all()
    scene.error(re.escape(scene.root + ".not-here"))
    scene.repairable = False


NATIVE = {}
for _what, (_make, _text) in KINDS.items():
    NATIVE["key-" + _what] = mailbag_case(key_of, _make, _text)
    NATIVE["mbg-" + _what] = mailbag_case(mbg_of, _make, _text)
for _what, (_make, _text) in KEY_SIZES.items():
    NATIVE["key-" + _what] = mailbag_case(key_of, _make, _text)
for _what, (_make, _text) in MBG_SIZES.items():
    NATIVE["mbg-" + _what] = mailbag_case(mbg_of, _make, _text)
NATIVE.update({
    "key-twins": twin_case(key_of),
    "mbg-twins": twin_case(mbg_of),
    "mbg-empty": mbg_empty,
    "key-says-all-deleted": key_says_all_deleted,
    "key-says-all-live": key_says_all_live,
    "key-counters-zero": _counters(0, 0, 0),
    "key-counters-too-high": _counters(0xFFFF, 0xFFFF, 0xFFFF),
    "key-counters-disagree": _counters(7, 1, 0),
    "record-leads-nowhere": record_case(b"FFFFFFFF", r"MAI/MAF/FFFFFFFF\.MAI: No such file"),
    "record-with-backslashes": record_case(b"..\\..\\A0", "holds no message number"),
    "record-with-slashes": record_case(b"../../a0", "holds no message number"),
    "record-with-a-short-number": record_case(b"0000012", "holds no message number"),
    "record-with-a-long-number": record_case(b"000000123", "holds no message number"),
    "record-with-blanks": record_case(b"      12", "holds no message number"),
    "record-without-a-number": record_case(b"", "holds no message number"),
    "record-of-ones": record_case(b"\xff", "holds no message number", "all"),
    "record-of-zeros": record_case(b"\0", "holds no message number", "all"),
    "record-in-small-letters": record_in_small_letters,
    "record-date-is-garbage": record_date_is_garbage,
    "record-twice": record_twice,
    "network-missing": table_case(lambda scene, name: scene.remove(name),
                                  r"GLB/NETWORK\.GLB: No such file"),
    "network-odd-size": table_case(cut(-1), r"GLB/NETWORK\.GLB: \d+ octets are not a whole"),
    "network-empty": table_case(cut(0), r"GLB/NETWORK\.GLB"),
    "network-is-a-fifo": table_case(lambda scene, name: scene.fifo(name),
                                    r"GLB/NETWORK\.GLB: is not a regular file"),
    "network-is-a-link": table_case(lambda scene, name: scene.link_outside(name),
                                    r"GLB/NETWORK\.GLB: leads outside"),
    "network-huge": table_case(grow(bytes(NETWORK * 8200)), r"GLB/NETWORK\.GLB: \d+ octets, more"),
    "network-record-inactive": network_case(0, b"\0", "queue %(queue)s: no active record"),
    "network-name-is-garbage": network_case(2, b"\xff" * 11, "queue %(queue)s: no active record"),
    "network-xtn-with-slashes": network_case(
        0x0D, b"../../et", r"GLB/NETWORK\.GLB: record %(record)d has no XTN or mailbag id"),
    "network-xtn-with-backslashes": network_case(
        0x0D, b"..\\..\\AB", r"GLB/NETWORK\.GLB: record %(record)d has no XTN or mailbag id"),
    "network-xtn-leads-nowhere": network_case(
        0x0D, b"FFFFFFFF", r"GLB/NETWORK\.GLB: record %(record)d: .*XTN/FFFFFFFF\.XTN"),
    "xtn-missing": xtn_case(lambda scene, name: scene.remove(name),
                            r"GLB/NETWORK\.GLB: record %(record)d: .*%(file)s"),
    "xtn-odd-size": xtn_case(cut(-1), "%(file)s"),
    "xtn-empty": xtn_case(cut(0), "queue %(queue)s"),
    "xtn-is-a-directory": xtn_case(lambda scene, name: scene.make_directory(name), "%(file)s"),
    "xtn-is-a-fifo": xtn_case(lambda scene, name: scene.fifo(name), "%(file)s"),
    "xtn-is-a-link": xtn_case(lambda scene, name: scene.link_outside(name), "%(file)s"),
    "xtn-mailbag-with-backslashes": xtn_case(_xtn_edit(0x0C, b"..\\..\\AB"),
                                             "%(file)s: record 0 has no mailbag id"),
    "xtn-mailbag-missing": xtn_case(_xtn_edit(0x0C, bytes(9)),
                                    "%(file)s: record 0 has no mailbag id"),
    "xtn-mailbag-leads-nowhere": xtn_case(_xtn_edit(0x0C, b"00FFFFFF"), r"00FFFFFF"),
    "xtn-leads-elsewhere": xtn_leads_elsewhere,
    "lock-held-by-range": lock_held(lock_range),
    "lock-held-as-a-whole": lock_held(lambda file: fcntl.flock(file, fcntl.LOCK_EX)),
    "lock-is-a-directory": lock_is(lambda scene, name: scene.make_directory(name), r"P1/%s\.0LK"),
    "lock-is-a-link": lock_is(lambda scene, name: scene.link(name, "/etc/passwd"), r"P1/%s\.0LK"),
    "lock-is-a-fifo": lock_is(lambda scene, name: scene.fifo(name), r"P1/%s\.0LK"),
    "lock-of-an-older-kind": lock_of_an_older_kind,
    "lock-stranded": lock_stranded,
    "p1-missing": p1_missing,
    "p1-is-a-file": p1_is_a_file,
    "key-locked-by-a-client": key_locked_by_a_client,
    "key-read-only": read_only(key_of),
    "key-unreadable": unreadable(key_of, ": cannot open: Permission denied"),
    "mai-unreadable": mai_unreadable,
    "mbg-of-many-batches": mbg_of_many_batches,
    "mbg-unreadable": unreadable(mbg_of, ": cannot open: Permission denied"),
    "mai-read-only": mai_read_only,
    "mai-folder-read-only": mai_folder_read_only,
    "postoffice-missing": path_missing,
    "profile-missing": profile_missing,
    "profile-is-a-directory": profile_is_a_directory,
    "profile-is-binary": profile_is_binary,
    "profile-with-a-strange-line": profile_case(insert("this is no setting"), "name = value", 2),
    "profile-with-an-unknown-name": profile_case(insert("colour = red"), "colour: unknown name", 2),
    "profile-with-a-name-twice": profile_case(insert("key.count_new = 0x00", number_of(
        "key.count_unread")), "key.count_new is given twice", number_of("key.count_unread")),
    "profile-offset-too-large": profile_case(
        replace("key.bitmap_offset", "key.bitmap_offset = 561"), "key.bitmap_offset",
        number_of("key.bitmap_offset")),
    "profile-octet-is-none": profile_case(
        replace("mai.address_trailer", "mai.address_trailer = GG"), "trailer",
        number_of("mai.address_trailer")),
    "profile-key-too-short": profile_case(
        replace("cipher.key[0..15]", "cipher.key[0..15] = 00 01"), "cipher.key",
        number_of("cipher.key[0..15]")),
    "profile-key-given-twice": profile_case(
        insert("cipher.key[0..0] = 00"), r"key position 0 is given twice",
        number_of("cipher.key[0..15]") + 1),
    "profile-knows-no-bitmap": profile_case(replace("key.bitmap_offset", None),
                                            "key.bitmap_offset; calibrate"),
    "profile-knows-no-counter": profile_case(replace("mai.counter_offset", None),
                                             "mai.counter_offset; calibrate"),
    "profile-knows-no-trailer": profile_case(replace("mai.address_trailer", None),
                                             "mai.address_trailer; calibrate"),
    "profile-not-proven": profile_case(replace("verdict", "verdict = readable"), "not .proven"),
    "key-with-holes": key_with_holes,
    "key-without-a-period": key_without_a_period,
    "key-of-another-postoffice": key_of_another_postoffice,
})
