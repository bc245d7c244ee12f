#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Who exists on a made postoffice: users, networks, queues, the people behind them, the map."""

import makecontent
import maketree

OWN = ("NORTH", "HQ")
PLAIN_NETWORK, FFAPI_NETWORK, MSMAIL_GATEWAY, SMTP_GATEWAY = 0x02, 0x64, 0x10, 0x30
POOL = (
    ("po", "NORTH", "SALES"),
    ("gateway", "SMTP", ""),
    ("ffapi", "EXCHNET", "MAIL"),
    ("po", "NORTH", "WORKS"),
    ("po", "SOUTH", "LAB"),
    ("po", "SOUTH", "PORT"),
)
DEMO_POOL = (("po", "NORTH", "SALES"), ("po", "NORTH", "WORKS"), ("po", "SOUTH", "LAB"))


class World:
    """Who exists: local users, queues with the people behind them, the map, the mailbags."""

    def __init__(self, rng, args):
        self.rng = rng
        self.args = args
        self.numbers = {"mailbag": rng.randint(1, 40), "letter": rng.randint(0x60, 0x20000)}
        self.map = {}
        self.mailbags = {}
        self.serial = 0
        self.users = self._make_users(args.users)
        self.queues, self.networks = self._make_queues(args)
        for queue in self.queues:
            queue["people"] = [] if queue["name"] == "MSMAIL" else self._make_people(queue, args)
        for name in ("INQUEUE", "INQUEUE3", "SYSTEM"):
            self.mailbags[name] = maketree.Mailbag(name, "system", name)

    def next_mailbag(self):
        self.numbers["mailbag"] += 1
        return maketree.hexid(self.numbers["mailbag"] - 1)

    def next_letter(self):
        self.numbers["letter"] += 1
        return maketree.hexid(self.numbers["letter"] - 1)

    def person(self):
        """A mailbox name of at most ten characters, unique in this world, and the full name."""
        self.serial += 1
        first, last = self.rng.choice(makecontent.FIRST), self.rng.choice(makecontent.LAST)
        tail = "" if self.args.demo else str(self.serial)
        return (first[0] + last)[: 10 - len(tail)].upper() + tail, first, last

    def add_to_map(self, address, first, last):
        style = 0 if self.args.demo else self.rng.randrange(8)
        display = {
            1: "%s, %s" % (last, first),
            2: "%s %s (Sales)" % (first, last),
            3: '%s "Bo" %s' % (first, last),
            4: "%s Mül%s" % (first, last),
            5: "",
            6: "%s.%s" % (first, last),
        }.get(style, first + " " + last)
        smtp = "%s.%s%d@%s" % (first.lower(), last.lower(), self.serial, self.args.domain)
        when = self.rng.choice(("", "1997-03-01T08:00:00+01:00", "1997-02-14T18:30:00+00:00"))
        self.map[address.upper()] = {
            "address": address,
            "smtp": smtp,
            "migrated_at": when,
            "state": "active",
            "display": display,
            "flags": "",
        }

    def _make_users(self, count):
        users = [{"box": "ADMIN", "full": "Administrator", "mailbag": "00000000"}]
        while len(users) < count:
            box, first, last = self.person()
            if any(box == user["box"] for user in users):
                continue
            users.append(
                {"box": box, "full": (first + " " + last)[:30], "mailbag": self.next_mailbag()}
            )
            if not self.args.demo and self.rng.random() < 0.4:
                self.add_to_map("/".join(OWN) + "/" + box, first, last)
        users.insert(len(users) // 2, {"box": "", "full": "", "mailbag": self.next_mailbag()})
        for user in users:
            if user["box"]:
                name = "/".join(OWN) + "/" + user["box"]
                self.mailbags[user["mailbag"]] = maketree.Mailbag(user["mailbag"], "user", name)
        return users

    def _make_queues(self, args):
        plan = list(DEMO_POOL if args.demo else POOL[: args.queues])
        plan += (
            [("po", "SOUTH", "PO%02d" % n) for n in range(len(POOL) + 1, args.queues + 1)]
            if not args.demo
            else []
        )
        queues, networks = [], {}
        for kind, net, post in plan:
            ident = self.next_mailbag()
            name = net if kind == "gateway" else net + "/" + post
            queues.append({"kind": kind, "name": name, "mailbag": ident})
            self.mailbags[ident] = maketree.Mailbag(ident, kind, name)
            if kind == "gateway":
                networks[net] = {"name": net, "kind": SMTP_GATEWAY, "mailbag": ident}
                continue
            entry = networks.setdefault(
                net,
                {
                    "name": net,
                    "kind": FFAPI_NETWORK if kind == "ffapi" else PLAIN_NETWORK,
                    "postoffices": [],
                },
            )
            entry["postoffices"].append({"name": post, "mailbag": ident, "known": args.people})
        for net in networks.values():
            if "postoffices" in net:
                net["xtn"] = self.next_mailbag()
                net["postoffices"].insert(
                    1, {"name": "CLOSED", "mailbag": self.next_mailbag(), "active": False}
                )
        order = list(networks.values())
        order.insert(
            1,
            {"name": "OLDNET", "kind": PLAIN_NETWORK, "xtn": self.next_mailbag(), "active": False},
        )
        if not args.demo:
            ident = self.next_mailbag()
            order.append({"name": "MSMAIL", "kind": MSMAIL_GATEWAY, "mailbag": ident})
            queues.append({"kind": "gateway", "name": "MSMAIL", "mailbag": ident})
            self.mailbags[ident] = maketree.Mailbag(ident, "gateway", "MSMAIL")
        return queues, order

    def _make_people(self, queue, args):
        people, taken = [], set()
        moved = round(args.people * args.mapped_share)
        flags = [True] * moved + [False] * (args.people - moved)
        self.rng.shuffle(flags)
        while len(people) < len(flags):
            box, first, last = self.person()
            if box in taken:
                continue
            taken.add(box)
            if queue["kind"] == "gateway":
                address = "%s:%s.%s@host%d.example" % (
                    queue["name"],
                    first.lower(),
                    box.lower(),
                    self.serial % 3,
                )
            else:
                address = queue["name"] + "/" + box
            people.append({"address": address, "first": first, "mapped": flags[len(people)]})
            if people[-1]["mapped"]:
                self.add_to_map(address, first, last)
        return people

    def mailbag_of(self, address):
        """The mailbag in which mail for this address lies on this postoffice."""
        upper = address.upper()
        if upper.startswith("/".join(OWN) + "/"):
            name = upper
        elif ":" in upper.split("/")[0]:
            name = upper.split(":")[0]
        else:
            name = upper.rsplit("/", 1)[0]
        return next(bag for bag in self.mailbags.values() if bag.name == name)
