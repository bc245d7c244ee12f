#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What other programs do to a postoffice while the gateway is at one of its steps.

A deed gets the Scene of steps.py and returns the errno that the gateway's step is to fail with (0:
none), or None when a program that keeps the rules would have to wait now: KEY or the message is
locked. Then it is asked again at the next step."""
import errno
import fcntl
import os
import signal
import struct

import damage_tables
from gateway import postoffice

RECORD = postoffice.RECORD_SIZE


def locked(path):
    """Somebody has that file locked, as a client sees it that locks before it writes."""
    try:
        with open(path, "r+b", buffering=0) as file:
            damage_tables.lock_range(file)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def key_locked(scene):
    return locked(scene.path("KEY/%s.KEY" % scene.bag))


def put_in_place(scene, name, octets):
    with open(scene.path(name), "r+b") as file:
        file.write(octets)
        file.truncate()


def set_live(key, record, live):
    at, mask = key._place(record)
    used = key.profile.values["key.bitmap_set"] == "used"
    if live == used:
        key.data[at] |= mask
    else:
        key.data[at] &= ~mask & 0xFF


def add_to_counts(key, names, by):
    for name in names:
        offset = key.profile.number("key.count_" + name)
        value = max(0, struct.unpack_from("<H", key.data, offset)[0] + by)
        struct.pack_into("<H", key.data, offset, value)


def victim_of(scene, reader):
    """The record of the victim now, wherever it lies; None when it is gone."""
    return next((r.number for r in reader.live(scene.bag) if r.mai == scene.victim), None)


def delete_victim(scene):
    """The client's part: False when it has to wait, else the record or None."""
    if key_locked(scene) or locked(scene.path(postoffice.mai_name(scene.victim))):
        return False
    reader = scene.reader()
    record = victim_of(scene, reader)
    if record is not None:
        reader.remove(scene.bag, record)
        scene.maybe.add(scene.victim)
    return record


def client_deletes(scene):
    """A user or an administrator deletes the very item."""
    return None if delete_victim(scene) is False else 0


def deliver(scene, record=None):
    """New mail: its files, then its header into the first vacant record, as MTAs do it (Q147586)."""
    mail = scene.reserve
    for name, octets in mail.files.items():
        with open(scene.path(name), "wb") as out:
            out.write(octets)
    reader = scene.reader()
    key, whole = reader.key(scene.bag), bytearray(reader.folder.read("MBG/%s.MBG" % scene.bag))
    if record is None:
        record = next((n for n in range(len(whole) // RECORD) if not key.live(n)),
                      len(whole) // RECORD)
    whole[record * RECORD:(record + 1) * RECORD] = mail.raw
    put_in_place(scene, "MBG/%s.MBG" % scene.bag, bytes(whole))
    set_live(key, record, True)
    add_to_counts(key, ("new", "unread", "live"), 1)
    put_in_place(scene, "KEY/%s.KEY" % scene.bag, bytes(key.data))
    scene.delivered = True


def new_mail(scene):
    if key_locked(scene):
        return None
    deliver(scene)
    return 0


def slot_reused(scene):
    """The item is deleted, and new mail comes into the same record."""
    record = delete_victim(scene)
    if record is False:
        return None
    deliver(scene, record)
    return 0


def compress(scene):
    """Admin's Compress: MBG is written anew without the vacant records, and renamed (Q101749)."""
    if key_locked(scene):
        return None
    reader = scene.reader()
    whole = reader.folder.read("MBG/%s.MBG" % scene.bag)
    live = [record.number for record in reader.live(scene.bag)]
    name = scene.path("MBG/%s.MBG" % scene.bag)
    with open(name + ".new", "wb") as out:
        # the last first: nothing lies where it lay
        out.write(b"".join(whole[n * RECORD:(n + 1) * RECORD] for n in reversed(live)))
    os.rename(name + ".new", name)
    key = reader.key(scene.bag)
    for record in range(4096):
        set_live(key, record, record < len(live))
    put_in_place(scene, "KEY/%s.KEY" % scene.bag, bytes(key.data))
    return 0


def compress_by_rename(scene):
    """The same by a program that makes KEY anew, too."""
    if key_locked(scene):
        return None
    compress(scene)
    name = scene.path("KEY/%s.KEY" % scene.bag)
    with open(name, "rb") as source, open(name + ".new", "wb") as out:
        out.write(source.read())
    os.rename(name + ".new", name)
    return 0


def reset(scene):
    """MAILQ16 or the debugger makes the mailbag empty (Q130285, Q104279)."""
    if key_locked(scene):
        return None
    reader = scene.reader()
    scene.maybe |= {record.mai for record in reader.live(scene.bag)}
    scene.orphans = True
    key = reader.key(scene.bag)
    for record in range(4096):
        set_live(key, record, False)
    add_to_counts(key, ("new", "unread", "live"), -0x10000)
    put_in_place(scene, "KEY/%s.KEY" % scene.bag, bytes(key.data))
    put_in_place(scene, "MBG/%s.MBG" % scene.bag, b"")
    return 0


def stale_key(scene):
    """KEY as it was before: a program that held it open writes its old copy back (Q120220)."""
    if key_locked(scene):
        return None
    put_in_place(scene, "KEY/%s.KEY" % scene.bag, scene.first_key)
    return 0


def client_reads(scene):
    """A client marks one item as read: only a counter of KEY changes."""
    if key_locked(scene):
        return None
    key = scene.reader().key(scene.bag)
    add_to_counts(key, ("unread",), -1)
    put_in_place(scene, "KEY/%s.KEY" % scene.bag, bytes(key.data))
    return 0


def hold(scene, path):
    """True when the lock is ours; it is held until the gateway has ended."""
    holder = open(path, "a+b", buffering=0)
    try:
        damage_tables.lock_range(holder)
        fcntl.flock(holder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder.close()
        return False
    scene.after.append(holder.close)
    return True


def lock_taken(scene):
    """Another MTA takes the mailbag, when it gets it, and keeps it."""
    path = scene.path("P1/%s.0LK" % scene.bag)
    if hold(scene, path):
        scene.after.insert(0, lambda: os.unlink(path))
    return 0


def lock_stolen(scene):
    """Somebody deletes our lock as a stranded one, and another MTA takes the mailbag."""
    path = scene.path("P1/%s.0LK" % scene.bag)
    if os.path.lexists(path):
        os.unlink(path)
    if not hold(scene, path):
        scene.wrong("a new lock file is locked by somebody else")
    number = os.stat(path).st_ino

    def back():
        if not os.path.lexists(path) or os.stat(path).st_ino != number:
            scene.wrong("the lock of another program was removed")
        else:
            os.unlink(path)

    scene.after.insert(0, back)
    return 0


def share_gone(scene):
    """The share goes away: the mount point is an empty directory until the gateway has ended."""
    away = scene.root + ".away"
    os.mkdir(away)
    for name in os.listdir(scene.root):
        os.rename(os.path.join(scene.root, name), os.path.join(away, name))

    def back():
        for name in os.listdir(away):
            os.rename(os.path.join(away, name), os.path.join(scene.root, name))
        os.rmdir(away)

    scene.after.append(back)
    return 0


def killed(scene):
    """The machine or somebody ends the gateway at once."""
    os.kill(scene.gateway.lock_holder("intake"), signal.SIGKILL)
    return 0


def nothing(scene):
    return 0


DEEDS = {
    "nothing": nothing,
    "client-deletes": client_deletes,
    "client-reads": client_reads,
    "new-mail": new_mail,
    "slot-reused": slot_reused,
    "compress": compress,
    "compress-renames-key": compress_by_rename,
    "reset": reset,
    "stale-key": stale_key,
    "lock-taken": lock_taken,
    "lock-stolen": lock_stolen,
    "share-gone": share_gone,
    "EIO": lambda scene: errno.EIO,
    "ESTALE": lambda scene: errno.ESTALE,
    "ENOENT": lambda scene: errno.ENOENT,
    "killed": killed,
}
