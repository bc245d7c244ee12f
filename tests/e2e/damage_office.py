#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A made postoffice with one queue and exactly the messages that a case of badcases.py sends."""
import datetime
import os
import random
import shutil

import gateway  # noqa: F401 (sets the path to the oracle and the peers)
import maketree
import mkpostoffice
from badcases import DOMAIN
from makeworld import OWN, World

LARGE = 100000  # octets of a message from which on most of it is an attachment
PEOPLE = ("alice", "bob", "carol", "dave", "erin")


def addressees(send):
    """The local parts of each message, in order."""
    if send["spread"]:
        return [[send["recipients"][n % len(send["recipients"])]] for n in range(send["messages"])]
    return [list(send["recipients"]) for _ in range(send["messages"])]


def _text(size, number):
    line = "Message %02d, a line of its text that is not long.\r\n" % number
    return (line * (size // len(line) + 1))[: max(size, len(line)) - 2] + "\r\n"


def _plan(send, address_of):
    now = datetime.datetime(1997, 4, 7, 8, 0)
    for number, names in enumerate(addressees(send), 1):
        big = send["bytes"] > LARGE
        # base64 makes 76 and a line end of 57 octets
        octets = bytes(range(256)) * (send["bytes"] * 57 // 78 // 256)
        yield {
            "sender": "/".join(OWN) + "/ADMIN",
            "to": [address_of[name] for name in names],
            "cc": [],
            "when": now + datetime.timedelta(minutes=number),
            "full": "Case message %d" % number,
            "text": _text(200 if big else send["bytes"], number),
            "priority": "3",
            "files": [("LARGE.BIN", octets)] if big else [],
            "wild": False,
        }


class CaseOffice:
    """root, profile, map; `name` and `queues` for the settings. One for each kind of `send`."""

    def __init__(self, base, title, send):
        self.root = os.path.join(base, title)
        args = mkpostoffice.arguments([self.root, "--queues", "1", "--users", "2", "--people", "1",
                                       "--bench", "1"])
        rng = random.Random("damage_office")
        key = bytes(rng.randrange(128) for _ in range(200))
        world = World(rng, args)
        queue = world.queues[0]
        world.map.clear()
        address_of = {}
        for name in PEOPLE:
            address_of[name] = "%s/%s" % (queue["name"], name.upper())
            world.map[address_of[name].upper()] = {
                "address": address_of[name], "smtp": "%s@%s" % (name, DOMAIN), "migrated_at": "",
                "state": "active", "display": name.capitalize(), "flags": ""}
        tree = maketree.Tree(self.root)
        tree.make_directories()
        builder = mkpostoffice.Builder(world, tree, key)
        builder.run(_plan(send, address_of))
        for bag in world.mailbags.values():
            tree.write(bag.key(rng), "KEY", bag.id + ".KEY")
            tree.write(bag.mbg(), "MBG", bag.id + ".MBG")
        maketree.write_users(tree, rng, world.users)
        maketree.write_routes(tree, rng, world.networks)
        maketree.write_globals(tree, rng, OWN, (world.numbers["mailbag"],
                                                world.numbers["letter"]), 1)
        self.profile, self.map = args.profile, args.map
        self.name, self.queues = "/".join(OWN), [queue["name"]]
        with open(self.profile, "w", encoding="ascii") as out:
            out.write(maketree.profile_text(key, True, args.codepage))
        mkpostoffice.write_map(world, self.map)

    def copy(self, root):
        """(title, settings) of a section for a copy of this postoffice in `root`."""
        shutil.copytree(self.root, root)
        return "HQ", {"name": self.name, "door": "native", "path": root, "profile": self.profile,
                      "queues": self.queues}
