# SPDX-License-Identifier: BSD-2-Clause
"""Groups of a made postoffice: GROUP.GLB, ADMIN.NME, ADMIN.GRP and MEM files.

Published: the size of each record (Q77926), that a record of GROUP.GLB has alias, address, TID, type
and delete flag (Q107767), names in clear (Q119685); where they lie is not. So each postoffice has
its own order of them. An ADMIN.NME record has alias and TID in known places, type 4 (Q107767), and a
MEM file the mailbags of the local members, 4 octets each (Q87396, Q107767).
"""

import os
import random
import struct

import maketree

GROUP_SIZE, NME_SIZE, TYPE_GROUP = 51, 45, 4
FILLER = 3  # what is left of the record


class Groups:
    """Adds groups to the postoffice at `root`; the same seed always gives the same order of parts."""

    def __init__(self, root, seed):
        self.root = root
        self.rng = random.Random("makegroups %d" % seed)
        self.order = ["flag", "type", "address", "alias", "tid", "filler"]
        self.rng.shuffle(self.order)
        self.live = self.rng.choice((0, 1))

    def path(self, *parts):
        return os.path.join(self.root, *parts)

    def append(self, content, *parts):
        with open(self.path(*parts), "ab") as out:
            out.write(content)

    def next_tid(self):
        with open(self.path("GLB", "TID.GLB"), "r+b") as table:
            tid = struct.unpack("<I", table.read())[0]
            table.seek(0)
            table.write(struct.pack("<I", tid + 1))
        return tid

    def record(self, address, alias, tid, flag=None):
        parts = {
            "flag": bytes([self.live if flag is None else flag]),
            "type": bytes([TYPE_GROUP]),
            "address": maketree.padded(address, 11),
            "alias": maketree.padded(alias, 31),
            "tid": struct.pack("<I", tid),
            "filler": bytes(FILLER),
        }
        out = b"".join(parts[name] for name in self.order)
        assert len(out) == GROUP_SIZE
        return out

    def add(self, address, alias, mailbags, listed=True, mem=True):
        """One group; its TID. `listed` False: deleted, only GROUP.GLB remembers it."""
        tid = self.next_tid()
        name = maketree.hexid(tid) + ".MEM"
        flag = self.live if listed else 1 - self.live
        self.append(self.record(address, alias, tid, flag), "GLB", "GROUP.GLB")
        if listed:
            self.list_members(alias, tid, mailbags)
        if mem:
            with open(self.path("MEM", name), "wb") as out:
                out.write(b"".join(struct.pack("<I", int(bag, 16)) for bag in mailbags))
        return tid

    def list_members(self, alias, tid, mailbags):
        """What clients read: the address list, and a chain of members behind it (Q107767)."""
        at = os.path.getsize(self.path("GRP", "ADMIN.GRP"))
        nodes = b""
        for number, _ in enumerate(mailbags):
            last = number + 1 == len(mailbags)
            following = 0 if last else at + 8 * (number + 1)
            nodes += struct.pack("<II", 0x100 + number, following)
        self.append(nodes, "GRP", "ADMIN.GRP")
        entry = bytearray(maketree.nme_record(TYPE_GROUP, alias, tid))
        struct.pack_into("<I", entry, 33, at)
        for name in ("ADMIN.NME", "GAL.NME"):
            self.append(bytes(entry), "NME", name)


def add_some(root, seed, users, count):
    """`count` groups of these users {mailbox: mailbag}, one of them deleted again, and one without
    members: what the truth says of them."""
    groups, told = Groups(root, seed), []
    boxes = sorted(users)
    for number in range(count):
        members = sorted(groups.rng.sample(boxes, groups.rng.randint(1, len(boxes))))
        address, alias = "GROUP%d" % (number + 1), "Everybody of list %d" % (number + 1)
        if number == 1:
            members = []
        groups.add(address, alias, [users[box] for box in members])
        told.append({"address": address, "alias": alias, "members": members})
        if number == 0:
            groups.add("GONE", "A list that was deleted", [], listed=False)
    return told
