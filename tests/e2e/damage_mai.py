#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Damage to message files (MAI) and attachments (ATT). Each case is a function of a Scene."""
import hashlib
import os
import random

import gateway  # noqa: F401 (sets the path to the oracle)
import makefips
import postoffice

HEAD = 34  # octets of a made MAI up to the end of its counters
NOOP = b"\x00\x00"


def mai(message):
    return postoffice.mai_name(message["mai"])


def att(part):
    return postoffice.att_name(part["id"])


def whole(body):
    """A message element with this content."""
    return b"\x4d\x83" + (len(body) + 1).to_bytes(3, "big") + b"\x01" + body


def built(scene, message, **changes):
    """The message once more, its parts replaced by `changes` (octets, b"" leaves one out)."""
    encoder = makefips.Encoder(scene.key, random.Random(7))
    codec = "cp" + scene.truth["codepage"]
    text = message["text"].encode(codec)
    parts = {
        "counters": scene.read(mai(message))[6:HEAD],
        "sender": encoder.field(1, encoder.address(message["sender"].encode(codec))),
        "to": encoder.field(5, b"".join(encoder.address(a.encode(codec)) for a in message["to"])),
        "cc": encoder.field(6, b"".join(encoder.address(a.encode(codec)) for a in message["cc"])),
        "date": encoder.field(2, encoder.date(message["date"].encode())),
        "priority": encoder.vendor(0x34, encoder.string(message["priority"].encode())),
        "subject": encoder.field(7, encoder.string(message["subject"].encode(codec))),
        "attachments": encoder.field(8, b"".join(
            item(encoder, part["id"], part["name"].encode(codec), part["size"], message["date"])
            for part in message["attachments"])),
        "text": encoder.field(4, encoder.string(text)),
        "end": b"",
    }
    parts.update({name: change(encoder) for name, change in changes.items()})
    return whole(b"".join(parts.values()))


def item(encoder, ident, name, size, date):
    return encoder.sequence(encoder.string(ident.encode()) + encoder.string(name)
                            + encoder.integer(size, 4) + encoder.date(date.encode()))


def has_files(message):
    return bool(message["attachments"])


def has_priority(message):
    return bool(message["priority"]) and bool(message["subject"])


# ---- octets of one MAI that make it unreadable --------------------------------------------------

OFFSET = r"MAI/MA[0-9A-F]/[0-9A-F]{8}\.MAI: offset 0x[0-9A-F]+"
FIRST = r"\.MAI: offset 0x0\b"
LEFT = OFFSET + r": an element claims \d+ octets, \d+ are left"

# name: (what becomes of the octets, pattern of the reason)
OCTETS = {
    "mai-empty": (lambda data: b"", FIRST),
    "mai-one-octet": (lambda data: data[:1], OFFSET),
    "mai-two-octets": (lambda data: data[:2], OFFSET),
    "mai-length-cut-off": (lambda data: data[:4], OFFSET),
    "mai-cut-behind-its-length": (lambda data: data[:5], FIRST),
    "mai-cut-behind-its-counters": (lambda data: data[:HEAD], LEFT),
    "mai-half": (lambda data: data[:len(data) // 2], LEFT),
    "mai-one-octet-short": (lambda data: data[:-1], LEFT),
    "mai-length-past-the-end": (
        lambda data: data[:2] + (len(data) + 1000).to_bytes(3, "big") + data[5:], LEFT),
    "mai-length-of-4-gb": (lambda data: b"\x4d\x84\xff\xff\xff\xff" + data[5:], LEFT),
    "mai-length-of-64-bits": (lambda data: b"\x4d\x88" + b"\xff" * 8 + data[5:],
                              FIRST + ": a length beyond any file"),
    "mai-length-of-127-octets": (lambda data: b"\x4d\xff" + b"\x01" * 127 + data[5:],
                                 FIRST + ": a length beyond any file"),
    "mai-without-an-end": (lambda data: b"\x4d\x80" + data[5:],
                           OFFSET + ": a constructor of indefinite length has no end"),
    "mai-zeros": (lambda data: bytes(len(data)), FIRST),
    "mai-ones": (lambda data: b"\xff" * len(data), OFFSET),
    "mai-of-text": (lambda data: b"Dear Sir,\r\nthis is no message.\r\n" * 20, OFFSET),
    "mai-garbage": (lambda data: random.Random(3).randbytes(5000), OFFSET),
    "mai-garbage-behind-its-head": (
        lambda data: data[:6] + random.Random(5).randbytes(len(data) - 6), OFFSET),
    "mai-nested-5000-deep": (lambda data: whole(data[6:HEAD] + b"\x0b\x80" * 5000),
                             OFFSET + ": elements are nested too deep"),
    "mai-property-lists-nested": (
        lambda data: whole(data[6:HEAD] + b"\xcc\x80\x10" + b"\x24\x80" * 5000),
        OFFSET + ": elements are nested too deep"),
    "mai-a-million-elements": (lambda data: whole(data[6:HEAD] + NOOP * 1100000),
                               OFFSET + ": more elements than any message has"),
    "mai-end-of-nothing": (lambda data: whole(data[6:HEAD] + b"\x01\x00" + data[HEAD:]),
                           OFFSET + ": an end-of-constructor that ends nothing"),
    "mai-field-past-the-end": (
        lambda data: whole(data[6:HEAD] + b"\x4c\x84\x7f\xff\xff\xff\x01" + data[HEAD:]), LEFT),
    "mai-qualifier-of-100-octets": (
        lambda data: whole(data[6:HEAD] + b"\x4c\x70\xe4" + b"\x01" * 111 + data[HEAD:]),
        OFFSET + ": a qualifier of more than 8 octets"),
    "mai-string-without-a-length": (
        lambda data: whole(data[6:HEAD] + b"\x4c\x07\x01\x02\x80abc\x00"),
        OFFSET + ": a primitive element without a length"),
    "mai-counter-elsewhere": (lambda data: whole(NOOP + data[6:]),
                              r"\.MAI: offset 0xB: no reference counter is here"),
    "mai-counter-is-a-string": (
        lambda data: data[:9] + b"\x02" + data[10:],
        r"\.MAI: offset 0xB: no reference counter is here"),
}


def octets_case(change, pattern):
    def damage(scene):
        message = scene.message()
        scene.put(mai(message), change(scene.read(mai(message))))
        scene.hold(message, pattern)

    return damage


# ---- contents of one MAI that mean nothing ------------------------------------------------------


def _attachment(*strings):
    def field(encoder):
        return encoder.field(8, encoder.sequence(b"".join(
            encoder.string(text) for text in strings) + encoder.integer(9, 4)))

    return {"attachments": field}




# name: (changes of built(), pattern of the reason)
CONTENTS = {
    "mai-no-originator": ({"sender": lambda encoder: b""}, OFFSET + ": the message has no origin"),
    "mai-originator-of-9000-octets": (
        {"sender": lambda encoder: encoder.field(1, encoder.address(b"N/P/" + b"X" * 9000))},
        OFFSET + ": a string longer than any"),
    "mai-recipient-of-5000-octets": (
        {"cc": lambda encoder: encoder.field(6, encoder.address(b"SMTP:" + b"x" * 5000))},
        OFFSET + ": address"),
    "mai-subject-of-2000-octets": (
        {"subject": lambda encoder: encoder.field(7, encoder.string(b"S" * 2000))},
        OFFSET + ": a string longer than any"),
    "mai-attachment-without-number": (
        _attachment(), OFFSET + ": an attachment without file number"),
    "mai-attachment-number-backslashes": (
        _attachment(b"..\\..\\AB", b"X.TXT"), OFFSET + ": an attachment without a file number"),
    "mai-attachment-number-slashes": (
        _attachment(b"../../ab", b"X.TXT"), OFFSET + ": an attachment without a file number"),
    "mai-attachment-number-short": (
        _attachment(b"000001", b"X.TXT"), OFFSET + ": an attachment without a file number"),
    "mai-attachment-without-name": (
        _attachment(b"0000FFFF"), OFFSET + ": an attachment without file number or name"),
    "mai-attachment-name-of-5000-octets": (
        _attachment(b"0000FFFF", b"N" * 5000), OFFSET + ": a string longer than any"),
    "mai-5000-attachments": (
        {"attachments": lambda encoder: encoder.field(8, encoder.sequence(
            encoder.string(b"0000FFFF") + encoder.string(b"X")) * 5000)},
        r"message [0-9A-F]{8}: .*4096"),
    "mai-70000-recipients": (
        {"cc": lambda encoder: encoder.field(6, encoder.address(b"A/B/C") * 70000)},
        OFFSET + ": address"),
}


def contents_case(changes, pattern):
    def damage(scene):
        message = scene.message()
        scene.put(mai(message), built(scene, message, **changes))
        scene.hold(message, pattern)

    return damage


# ---- files that are not what they should be -----------------------------------------------------


def mai_missing(scene):
    message = scene.message()
    scene.remove(mai(message))
    scene.hold(message, r"%s: No such file" % mai(message))


def mai_is_a_directory(scene):
    message = scene.message()
    scene.make_directory(mai(message))
    scene.hold(message, r"%s: is not a regular file" % mai(message))


def mai_is_a_fifo(scene):
    message = scene.message()
    scene.fifo(mai(message))
    scene.hold(message, r"%s: is not a regular file" % mai(message))


def mai_is_a_device(scene):
    message = scene.message()
    scene.device(mai(message))
    scene.hold(message, r"%s: is not a regular file" % mai(message))


def mai_is_a_link(scene):
    message = scene.message()
    scene.link_outside(mai(message))
    scene.hold(message, r"%s: leads outside the directory or is a link" % mai(message))


def mai_is_a_dangling_link(scene):
    message = scene.message()
    scene.link(mai(message), "/nonexistent/file")
    scene.hold(message, r"%s: leads outside the directory or is a link" % mai(message))


def mai_is_a_cycle(scene):
    message = scene.message()
    scene.link(mai(message), os.path.basename(mai(message)))
    scene.hold(message, r"%s: leads outside the directory or is a link" % mai(message))


def mai_twins(scene):
    """Two names that differ only in case, neither as it should be written."""
    message = scene.message()
    content = scene.read(mai(message))
    stem = mai(message)[:-4]
    scene.remove(mai(message))
    scene.put(stem + ".mai", content)
    scene.put(stem + ".Mai", content)
    scene.hold(message, "two names differ only in case")


def mai_twin_beside(scene):
    """The name as it should be written exists: it counts, and the twin is left alone."""
    message = scene.message()
    scene.put(mai(message)[:-4] + ".mai", b"not this one")
    scene.repairable = False


def _folder_of(scene):
    """(directory, messages in it) of a directory MAI/MAx in use."""
    folder = os.path.dirname(mai(scene.message()))
    return folder, [message for message in {m["mai"]: m for m in scene.relayed().values()}.values()
                    if os.path.dirname(mai(message)) == folder]


def mai_folder_missing(scene):
    folder, messages = _folder_of(scene)
    scene.remove(folder)
    for message in messages:
        scene.hold(message, r"%s: No such file" % mai(message))


def mai_folder_is_a_file(scene):
    folder, messages = _folder_of(scene)
    scene.put(folder, b"not a directory")
    for message in messages:
        scene.hold(message, r"MAI/MA[0-9A-F]\b")


def mai_folder_is_a_link(scene):
    folder, messages = _folder_of(scene)
    scene.link_outside(folder)
    for message in messages:
        scene.hold(message, "leads outside the directory or is a link")


def mai_folder_is_a_cycle(scene):
    folder, messages = _folder_of(scene)
    scene.link(folder, ".")
    for message in messages:
        scene.hold(message, "leads outside the directory or is a link")


# ---- not damage enough to hold a message --------------------------------------------------------


def mai_date_unreadable(scene):
    """The header's date is that of the message."""
    message = scene.message()
    scene.put(mai(message), built(
        scene, message, date=lambda encoder: encoder.field(2, encoder.date(b"31.02.97 25:61"))))


def mai_priority_unknown(scene):
    message = scene.message(has_priority)
    scene.put(mai(message), built(
        scene, message, priority=lambda encoder: encoder.vendor(0x34, encoder.string(b"ZZ"))))


def mai_strange_parts(scene):
    """Elements that no reader knows are stepped over by their length, whatever is in them."""
    message = scene.message()
    strange = (b"\x7f\x06\x44\x4c\x84\xff\xff\xff" + NOOP + b"\x21\x04\x01\x00\x01\x00"
               + b"\x0b\x80\x0b\x80\x08\x01\xff\x01\x00\x01\x00")
    scene.put(mai(message), built(scene, message, end=lambda encoder: strange))


def mai_nobody_of_the_queue(scene):
    """Nothing tells for whom it is: it stays, and is told as such."""
    message = scene.message()
    scene.put(mai(message), built(scene, message, to=lambda encoder: b"", cc=lambda encoder: b""))
    scene.hold(message, "no recipient of this queue", ("foreign",))


def mai_recipient_with_line_ends(scene):
    """A recipient that would be a command of SMTP. It is not in the map, so the item stays."""
    message = scene.message(lambda m: any(i["queue"] == "NORTH/SALES" for i in m["items"]))
    evil = b"NORTH/SALES/A\r\nRCPT TO:<evil@elsewhere.example>\r\n\x1b[2J"
    scene.put(mai(message), built(scene, message, cc=lambda encoder: encoder.field(
        6, b"".join(encoder.address(a.encode("cp" + scene.truth["codepage"]))
                    for a in message["cc"]) + encoder.address(evil))))
    scene.hold(message, ".", ("unmapped", "damaged"))

    def harmless(scene, received):
        done = scene.gateway.run("status", "--remains")
        if "\r" in done.out or "\x1b" in done.out:
            yield "status --remains prints control characters: %r" % done.out
        for copy in received:
            if "evil" in " ".join(copy.rcpts):
                yield "mail for %s" % copy.rcpts

    scene.extra.append(harmless)


# ---- attachments --------------------------------------------------------------------------------


def _lost(message, part):
    """The mail tells that this attachment was lost; all else of it is right."""

    def look(scene, received):
        text = 'The attachment "%s" was lost on the postoffice' % part["name"]
        copies = [copy for copy in received
                  if str(copy.message["Subject"] or "") == message["subject"]]
        told = [copy for copy in copies if any(
            text in piece.get_content() for piece in copy.message.walk()
            if piece.get_content_type() == "text/plain"
            and piece.get_content_disposition() != "attachment")]
        if not told:
            yield "no mail tells that %s was lost" % part["name"]

    return look


def att_missing(scene):
    message = scene.message(has_files)
    scene.remove(att(message["attachments"][-1]))
    scene.tolerated.append(r"\(MAI %s\): attachment \d" % message["mai"])
    scene.extra.append(_lost(message, message["attachments"][-1]))
    scene.ignore.append(att(message["attachments"][-1]))
    scene.repairable = False


def att_folder_missing(scene):
    message = scene.message(has_files)
    folder = os.path.dirname(att(message["attachments"][0]))
    scene.remove(folder)
    for other in scene.relayed().values():
        for part in other["attachments"]:
            if os.path.dirname(att(part)) == folder:
                scene.tolerated.append(r"\(MAI %s\): attachment \d" % other["mai"])
                scene.extra.append(_lost(other, part))
    scene.repairable = False


def att_shorter(octets):
    """The file's own octets count; its end is gone for good."""

    def damage(scene):
        message = scene.message(lambda m: has_files(m) and m["attachments"][0]["size"] > 8)
        part = message["attachments"][0]
        content = scene.read(att(part))
        scene.put(att(part), content[:octets])
        scene.tolerated.append(r"\(MAI %s\): attachment 1" % message["mai"])
        clear = scene.profile.decipher(content[:octets])
        digest = hashlib.sha256(clear).hexdigest()

        def look(scene, received):
            for copy in received:
                for piece in copy.message.walk():
                    if piece.get_filename() == part["name"] and hashlib.sha256(
                            piece.get_payload(decode=True) or b"").hexdigest() == digest:
                        return
            yield "what is left of %s did not arrive" % part["name"]

        scene.extra.append(look)
        scene.repairable = False

    return damage


def _att_is(make, pattern):
    def damage(scene):
        message = scene.message(has_files)
        name = att(message["attachments"][-1])
        make(scene, name)
        scene.hold(message, re_escape(name) + pattern)

    return damage


def re_escape(name):
    return name.replace(".", r"\.")


def att_twins(scene):
    message = scene.message(has_files)
    name = att(message["attachments"][0])
    content = scene.read(name)
    scene.remove(name)
    scene.put(name[:-4] + ".att", content)
    scene.put(name[:-4] + ".Att", content)
    scene.hold(message, "two names differ only in case")


def too_large(scene):
    """Texts and attachments above max-size are held, all others go."""
    scene.section["max-size"] = 1024
    for message in {m["mai"]: m for m in scene.relayed().values()}.values():
        if message["text_size"] > 1024 or any(p["size"] > 1024 for p in message["attachments"]):
            scene.hold(message, r"(?i)max.size|limit|1024")
    scene.repairable = False


NATIVE = {name: octets_case(*row) for name, row in OCTETS.items()}
NATIVE.update((name, contents_case(*row)) for name, row in CONTENTS.items())
NATIVE.update({
    "mai-missing": mai_missing,
    "mai-is-a-directory": mai_is_a_directory,
    "mai-is-a-fifo": mai_is_a_fifo,
    "mai-is-a-device": mai_is_a_device,
    "mai-is-a-link": mai_is_a_link,
    "mai-is-a-dangling-link": mai_is_a_dangling_link,
    "mai-is-a-cycle": mai_is_a_cycle,
    "mai-twins": mai_twins,
    "mai-twin-beside": mai_twin_beside,
    "mai-folder-missing": mai_folder_missing,
    "mai-folder-is-a-file": mai_folder_is_a_file,
    "mai-folder-is-a-link": mai_folder_is_a_link,
    "mai-folder-is-a-cycle": mai_folder_is_a_cycle,
    "mai-date-unreadable": mai_date_unreadable,
    "mai-priority-unknown": mai_priority_unknown,
    "mai-strange-parts": mai_strange_parts,
    "mai-nobody-of-the-queue": mai_nobody_of_the_queue,
    "mai-recipient-with-line-ends": mai_recipient_with_line_ends,
    "att-missing": att_missing,
    "att-folder-missing": att_folder_missing,
    "att-half": att_shorter(5),
    "att-empty": att_shorter(0),
    "att-is-a-directory": _att_is(lambda scene, name: scene.make_directory(name),
                                  ": is not a regular file"),
    "att-is-a-fifo": _att_is(lambda scene, name: scene.fifo(name), ": is not a regular file"),
    "att-is-a-link": _att_is(lambda scene, name: scene.link_outside(name),
                             ": leads outside the directory or is a link"),
    "att-is-a-cycle": _att_is(lambda scene, name: scene.link(name, os.path.basename(name)),
                              ": leads outside the directory or is a link"),
    "att-twins": att_twins,
    "larger-than-max-size": too_large,
})
