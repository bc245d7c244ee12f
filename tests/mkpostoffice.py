#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Make a postoffice in the reference layout, with the truth about it beside it.

Written from the published description of the formats only; see tests/oracle/README.
The same arguments always give the same octets.
"""

import argparse
import base64
import datetime
import hashlib
import json
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "oracle"))

import makecontent  # noqa: E402
import makefips  # noqa: E402
import maketree  # noqa: E402
from makeworld import OWN, World  # noqa: E402

DEMO_COUNTS = ((13, 3), (11, 3), (7, 3))


def random_case(rng, person):
    """Names are not case-sensitive; only people of the map are written otherwise now and then."""
    return (
        person["address"].lower() if person["mapped"] and rng.random() < 0.1 else person["address"]
    )


def sender_of(world):
    rng = world.rng
    local = "/".join(OWN) + "/" + rng.choice([user["box"] for user in world.users if user["box"]])
    return rng.choices(
        (
            local,
            "WEST/BRANCH/%s" % rng.choice(("PEREZ", "OBRIEN", "LI")),
            "SMTP:%s@partner.example" % rng.choice(("j_smith", "sales.team", "o'neil")),
        ),
        (85, 10, 5),
    )[0]


def recipients_of(world):
    rng = world.rng
    locals_ = ["/".join(OWN) + "/" + user["box"] for user in world.users if user["box"]]
    outside = [random_case(rng, person) for queue in world.queues for person in queue["people"]]
    to, cc = [], []
    if rng.random() < 0.12:
        return rng.sample(locals_, min(len(locals_), rng.randint(1, 3))), []
    to.append(rng.choice(outside))
    for target, most in ((to, 3), (cc, 3)):
        for _ in range(rng.randint(0, most) if rng.random() < 0.45 else 0):
            name = rng.choice(outside if rng.random() < 0.7 else locals_)
            if name.upper() not in [other.upper() for other in to + cc]:
                target.append(name)
    if rng.random() < 0.03:
        cc.append(to[0])
    if rng.random() < 0.05:
        for name in rng.sample(outside, min(len(outside), 30)):
            if name.upper() not in [other.upper() for other in to + cc]:
                to.append(name)
    rng.shuffle(to)
    return to, cc


def next_time(rng, now):
    if rng.random() < 0.08:
        return now
    now += datetime.timedelta(minutes=rng.randint(1, 45))
    if now.hour >= 19:
        now = (now + datetime.timedelta(days=1)).replace(hour=7, minute=rng.randrange(60))
    return now


def random_plan(world):
    rng, args = world.rng, world.args
    now, plan, seen = datetime.datetime(1997, 4, 7, 8, 0), [], set()
    while len(plan) < args.messages:
        now = next_time(rng, now)
        to, cc = recipients_of(world)
        serial = len(plan) + 1
        full = makecontent.subject(rng, serial, args.codepage)
        item = {
            "sender": sender_of(world),
            "to": to,
            "cc": cc,
            "when": now,
            "full": full,
            "text": makecontent.text(rng, serial, args.codepage),
            "priority": rng.choice("1233345R33"),
            "files": makecontent.attachments(rng, args.max_attachments, args.codepage),
            "wild": rng.random() < 0.4,
        }
        if rng.random() < 0.04:
            item["priority"] = ""
        key = (item["sender"], now, full[:40], item["text"])
        if key not in seen:
            seen.add(key)
            plan.append(item)
    return plan


def bench_plan(world):
    """One recipient each, one queue, a text of the wanted size, no attachments."""
    rng, now, plan = world.rng, datetime.datetime(1997, 4, 7, 8, 0), []
    people = world.queues[0]["people"]
    for serial in range(world.args.messages):
        now += datetime.timedelta(minutes=1)
        line = "Message %d for the benchmark, " % serial + makecontent.words(
            rng, 8, world.args.codepage
        )
        text = (
            "\r\n".join([line[:72]] * (world.args.bench // 60 + 1))[: world.args.bench - 2] + "\r\n"
        )
        plan.append(
            {
                "sender": "/".join(OWN) + "/ADMIN",
                "to": [rng.choice(people)["address"]],
                "cc": [],
                "when": now,
                "full": "Benchmark %d" % serial,
                "text": text,
                "priority": "3",
                "files": [],
                "wild": False,
            }
        )
    return plan


def demo_plan(world):
    """Forty messages: for each queue those for people who moved, and three that stay."""
    rng, jobs = world.rng, []
    for queue, (go, stay) in zip(world.queues, DEMO_COUNTS):
        moved = [p for p in queue["people"] if p["mapped"]]
        others = [p for p in queue["people"] if not p["mapped"]]
        for at in range(go):
            jobs.append([moved[at % len(moved)]])
        for at in range(stay):
            jobs.append([others[at % len(others)]] + ([moved[0]] if at == stay - 1 else []))
    rng.shuffle(jobs)
    now, plan = datetime.datetime(1997, 4, 7, 8, 5), []
    for at, people in enumerate(jobs):
        subject, text = makecontent.DEMO[at % len(makecontent.DEMO)]
        user = rng.choice([u for u in world.users if u["box"] not in ("", "ADMIN")])
        files = {0: 0, 4: 1, 7: 2}.get(at % 10)
        plan.append(
            {
                "sender": "/".join(OWN) + "/" + user["box"],
                "to": [people[0]["address"]],
                "cc": [p["address"] for p in people[1:]],
                "when": now,
                "full": subject,
                "text": text % {"first": people[0]["first"], "me": user["full"]},
                "priority": "3",
                "files": [] if files is None else [makecontent.DEMO_FILES[files]],
                "wild": False,
            }
        )
        now += datetime.timedelta(minutes=rng.randint(7, 50))
    return plan


def stale_record(world, when):
    """A header of mail that was taken long ago: its file number leads nowhere."""
    rng = world.rng
    size = rng.randint(300, 5000)
    return maketree.mailbag_record(
        rng,
        when - datetime.timedelta(days=rng.randint(1, 90)),
        b"OLDSENDER",
        b"Taken long ago %d" % rng.randrange(1000),
        world.next_letter(),
        size,
        "3",
    )


class Builder:
    """Plays the history: headers come and go, each taking the first vacant record."""

    def __init__(self, world, tree, key):
        self.world, self.tree, self.key = world, tree, key
        self.stale = []
        self.truth = []

    def _churn(self, when):
        rng = self.world.rng
        bags = [bag for bag in self.world.mailbags.values() if bag.kind != "system"]
        if rng.random() < 0.35:
            for _ in range(rng.randint(1, 3)):
                bag = rng.choice(bags)
                self.stale.append((bag, bag.insert(stale_record(self.world, when))))
        while self.stale and rng.random() < 0.35:
            bag, at = self.stale.pop(rng.randrange(len(self.stale)))
            bag.delete(at)

    def run(self, plan):
        for item in plan:
            if not self.world.args.bench:
                self._churn(item["when"])
            self._message(item)
        for bag, at in self.stale:
            bag.delete(at)

    def _files(self, item):
        out = []
        for name, content in item["files"]:
            ident = self.world.next_letter()
            self.tree.write(
                makefips.encipher(content, self.key), "ATT", "AT" + ident[-1], ident + ".ATT"
            )
            out.append(
                {
                    "id": ident,
                    "name": name,
                    "raw_name": name.encode(self.world.args.codec),
                    "size": len(content),
                    "content": content,
                }
            )
        return out

    def _mai(self, item, files, subject, counter):
        world, codec = self.world, self.world.args.codec
        raw = item["text"].encode(codec)
        encoder = makefips.Encoder(self.key, world.rng, item["wild"])
        fields = {
            "counter": counter,
            "sender": item["sender"].encode(codec),
            "sender_extra": world.rng.randbytes(12),
            "to": [a.encode(codec) for a in item["to"]],
            "cc": [a.encode(codec) for a in item["cc"]],
            "stamp": item["when"].strftime("%Y-%m-%d %H:%M").encode("ascii"),
            "priority": item["priority"],
            "subject": subject,
            "attachments": files,
            "text": raw,
            "drop_empty": world.rng.random() < 0.5,
            "chunks": makecontent.chunks(world.rng, len(raw), item["wild"]),
        }
        return (
            makefips.message_file(encoder, fields),
            raw,
            max(
                [len(raw) and max(fields["chunks"])]
                + [f["size"] for f in files]
                + [len(item["sender"]) + 17]
            ),
        )

    def _message(self, item):
        world, rng = self.world, self.world.rng
        if rng.random() < 0.1:
            world.next_letter()
        bags = []
        for address in item["to"] + item["cc"]:
            bag = world.mailbag_of(address)
            if bag not in bags:
                bags.append(bag)
        gone = [bag for bag in bags if bag.kind == "user" and len(bags) > 1 and rng.random() < 0.25]
        gone = gone[: len(bags) - 1]
        files = self._files(item)
        ident = world.next_letter()
        subject = item["full"].encode(world.args.codec)[:40]
        counter = len(bags) - len(gone)
        mai, raw, longest = self._mai(item, files, subject, counter)
        self.tree.write(mai, "MAI", "MA" + ident[-1], ident + ".MAI")
        box = item["sender"].split(":")[-1].split("@")[0].split("/")[-1].encode(world.args.codec)
        record = maketree.mailbag_record(
            rng, item["when"], box, subject, ident, len(mai), item["priority"]
        )
        places = [(bag, bag.insert(record)) for bag in bags]
        for bag, at in places:
            if bag in gone:
                bag.delete(at)
        self._note(
            item,
            ident,
            subject,
            raw,
            files,
            counter,
            longest,
            [(bag, at, bag not in gone) for bag, at in places],
        )

    def _note(self, item, ident, subject, raw, files, counter, longest, places):
        codec = self.world.args.codec
        entry = {
            "mai": ident,
            "sender": item["sender"],
            "to": item["to"],
            "cc": item["cc"],
            "date": item["when"].strftime("%Y-%m-%d %H:%M"),
            "subject": subject.decode(codec),
            "subject_as_typed": item["full"],
            "text": raw.decode(codec),
            "text_size": len(raw),
            "text_sha256": hashlib.sha256(raw).hexdigest(),
            "priority": item["priority"],
            "counter": counter,
            "longest_run": longest,
            "attachments": [
                {
                    "id": f["id"],
                    "name": f["name"],
                    "size": f["size"],
                    "sha256": hashlib.sha256(f["content"]).hexdigest(),
                    "b64": base64.b64encode(f["content"]).decode("ascii"),
                }
                for f in files
            ],
            "places": [
                {"mailbag": bag.id, "kind": bag.kind, "name": bag.name, "record": at, "live": live}
                for bag, at, live in places
            ],
            "items": [],
        }
        for bag, at, live in places:
            if live and bag.kind != "user":
                entry["items"].append(self._item(bag, at, item))
        self.truth.append(entry)

    def _item(self, bag, at, item):
        """What a relay that leaves half-mapped items must do with this header."""
        mine = []
        for address in item["to"] + item["cc"]:
            if self.world.mailbag_of(address) is bag and address.upper() not in [
                m.upper() for m in mine
            ]:
                mine.append(address)
        mapped = [
            {"address": a, "smtp": self.world.map[a.upper()]["smtp"]}
            for a in mine
            if a.upper() in self.world.map
        ]
        unmapped = [a for a in mine if a.upper() not in self.world.map]
        reason = "" if not unmapped else "not in the map: " + ", ".join(unmapped)
        return {
            "queue": bag.name,
            "mailbag": bag.id,
            "record": at,
            "recipients": mine,
            "mapped": mapped,
            "unmapped": unmapped,
            "relay": not unmapped,
            "reason": reason,
        }


def write_truth(world, truth, args):
    items = [item for message in truth for item in message["items"]]
    out = {
        "network": OWN[0],
        "postoffice": OWN[1],
        "codepage": args.codepage,
        "seed": args.seed,
        "layout": args.layout,
        "lowercase": args.lowercase,
        "queues": [
            {
                "kind": q["kind"],
                "name": q["name"],
                "mailbag": q["mailbag"],
                "items": sum(i["mailbag"] == q["mailbag"] for i in items),
            }
            for q in world.queues
        ],
        "map": world.map,
        "messages": truth,
        "expect": {
            "relayed_items": sum(i["relay"] for i in items),
            "left_items": sum(not i["relay"] for i in items),
            "relayed_recipients": sum(len(i["mapped"]) for i in items if i["relay"]),
        },
    }
    with open(args.truth, "w", encoding="utf-8") as file:
        json.dump(out, file, ensure_ascii=False, indent=1)
        file.write("\n")
    return out


def write_map(world, path):
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        file.write("# address\tsmtp\tmigrated_at\tstate\tdisplay\tflags\n")
        for entry in world.map.values():
            file.write(
                "\t".join(
                    entry[k]
                    for k in ("address", "smtp", "migrated_at", "state", "display", "flags")
                )
                + "\n"
            )


def make(args):
    # a string seed: an integer one would make seeds of equal size share their first choices
    rng = random.Random("mkpostoffice %d" % args.seed)
    key = bytes(
        rng.randrange(128)
        for _ in range(rng.choice((rng.randint(64, 250), 251, rng.randint(252, 1024))))
    )
    world = World(rng, args)
    tree = maketree.Tree(args.dir, args.lowercase)
    tree.make_directories()
    builder = Builder(world, tree, key)
    builder.run(
        demo_plan(world) if args.demo else bench_plan(world) if args.bench else random_plan(world)
    )
    for bag in world.mailbags.values():
        tree.write(bag.key(rng), "KEY", bag.id + ".KEY")
        tree.write(bag.mbg(), "MBG", bag.id + ".MBG")
    maketree.write_users(tree, rng, world.users)
    maketree.write_routes(tree, rng, world.networks)
    maketree.write_globals(
        tree, rng, OWN, (world.numbers["mailbag"], world.numbers["letter"]), len(world.queues)
    )
    if args.stranded_lock:
        tree.write(b"", "P1", world.queues[0]["mailbag"] + ".0LK")
    known = (
        key if not args.known_key else (key * (args.known_key // len(key) + 1))[: args.known_key]
    )
    with open(args.profile, "w", encoding="ascii") as file:
        file.write(maketree.profile_text(known, not args.known_key, args.codepage))
    write_map(world, args.map)
    return write_truth(world, builder.truth, args)


def arguments(argv):
    parser = argparse.ArgumentParser(description="Make a postoffice with known contents.")
    parser.add_argument("dir")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--messages", type=int, default=100)
    parser.add_argument("--codepage", choices=("437", "850", "1252"), default="850")
    parser.add_argument(
        "--queues", type=int, default=6, help="outbound queues besides the empty MSMAIL one"
    )
    parser.add_argument("--users", type=int, default=12, help="local users, with ADMIN")
    parser.add_argument("--people", type=int, default=8, help="people behind each queue")
    parser.add_argument("--max-attachments", type=int, default=5)
    parser.add_argument("--mapped-share", type=float, default=0.8)
    parser.add_argument("--layout", choices=("reference",), default="reference")
    parser.add_argument("--domain", default="corp.example", help="of the SMTP addresses in the map")
    parser.add_argument("--lowercase", action="store_true", help="file names in lower case")
    parser.add_argument(
        "--stranded-lock", action="store_true", help="leave a .0LK of the first queue"
    )
    parser.add_argument(
        "--known-key",
        type=int,
        default=0,
        metavar="N",
        help="profile knows N positions and no period",
    )
    parser.add_argument(
        "--bench",
        type=int,
        default=0,
        metavar="SIZE",
        help="one queue, one recipient, text of SIZE octets",
    )
    parser.add_argument(
        "--demo", action="store_true", help="three mailbags, 40 messages, 31 to relay"
    )
    parser.add_argument("--truth")
    parser.add_argument("--profile")
    parser.add_argument("--map")
    args = parser.parse_args(argv)
    args.dir = args.dir.rstrip("/")
    args.codec = "cp" + args.codepage
    if os.path.isdir(args.dir) and os.listdir(args.dir):
        parser.error("%s is not empty" % args.dir)
    if args.bench:
        args.queues, args.mapped_share = 1, 1.0
    for name, suffix in (("truth", ".truth.json"), ("profile", ".profile"), ("map", ".map.tsv")):
        if getattr(args, name) is None:
            setattr(args, name, args.dir + suffix)
    return args


def main(argv):
    args = arguments(argv)
    truth = make(args)
    print(
        "%s: %d messages, %d items to relay, %d to leave"
        % (
            args.dir,
            len(truth["messages"]),
            truth["expect"]["relayed_items"],
            truth["expect"]["left_items"],
        )
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
