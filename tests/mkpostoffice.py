#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Make a postoffice in the reference layout or a random one, with the truth about it beside it.

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
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "oracle"))

import corpora  # noqa: E402
import makefips  # noqa: E402
import makegroups  # noqa: E402
import makelayout  # noqa: E402
import makeplan  # noqa: E402
import makesabotage  # noqa: E402
import maketree  # noqa: E402
from makeworld import OWN, World  # noqa: E402


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


def whole_characters(octets, codec):
    """What a postoffice kept of a subject, without a character of two octets that was cut."""
    try:
        return octets.decode(codec)
    except UnicodeDecodeError as error:
        if error.start != len(octets) - 1:
            raise
        return octets[:-1].decode(codec)


class Builder:
    """Plays the history: headers come and go, each taking the first vacant record."""

    def __init__(self, world, tree, key, other=None):
        """`other` is a layout and a key that every second message has instead, or None."""
        self.world, self.tree = world, tree
        self.layouts = [(world.args.form, key)] + ([other] if other else [])
        self.turn = 0
        self.layout, self.key = self.layouts[0]
        self.longest = 0
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

    def settle(self):
        """What was taken long ago is deleted."""
        for bag, at in self.stale:
            bag.delete(at)

    def _files(self, item):
        out = []
        for name, content in item["files"]:
            ident = self.world.next_letter()
            stored = makefips.encipher(content, self.key) if self.layout.att_enciphered else content
            self.tree.write(stored, "ATT", "AT" + ident[-1], ident + ".ATT")
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
            "sender_extra": world.rng.randbytes(self.layout.extra),
            "to": [a.encode(codec) for a in item["to"]],
            "cc": [a.encode(codec) for a in item["cc"]],
            "stamp": self.layout.date(item["when"]),
            "priority": item["priority"],
            "subject": subject,
            "attachments": files,
            "text": raw,
            "drop_empty": world.rng.random() < 0.5,
            "chunks": self.layout.chunks(world.rng, len(raw), item["wild"]),
        }
        longest = max(
            [len(raw) and max(fields["chunks"])]
            + [f["size"] for f in files if self.layout.att_enciphered]
            + [len(item["sender"]) + len(self.layout.trailer) + self.layout.extra]
        )
        names = [len(a) + len(self.layout.trailer) for a in item["to"] + item["cc"]]
        if self.world.args.form is not makelayout.REFERENCE:
            longest = max(names + [longest, len(subject)])
        self.longest = max(self.longest, longest, 64)
        return makefips.message_file(encoder, fields, self.layout), raw, longest

    def _message(self, item):
        world, rng = self.world, self.world.rng
        self.layout, self.key = self.layouts[self.turn % len(self.layouts)]
        self.turn += 1
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
            "subject": whole_characters(subject, codec),
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
        if self.world.args.form is not makelayout.REFERENCE:
            entry["block"] = len(item["block"].encode(codec))
        for name in ("thread", "winmail", "meaning", "report"):
            if name in item:
                entry[name] = item[name]
        if item.get("known"):
            entry["known_text"] = True
        if self.layout is not self.world.args.form:
            entry["sabotaged"] = True
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
    if args.form is not makelayout.REFERENCE:
        out["language"] = args.form.language
    if args.sabotage:
        out["sabotage"] = args.sabotage
    if args.groups:
        out["groups"] = args.told_groups
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


def write_profile(args, key, longest):
    period = args.form is makelayout.REFERENCE or args.form.period is not None
    if not period:
        key = key[: args.known_key or longest]
    elif args.known_key:
        key = (key * (args.known_key // len(key) + 1))[: args.known_key]
    text = maketree.profile_text(
        key,
        period and not args.known_key,
        args.codepage,
        layout=args.form,
        verdict="insufficient" if args.sabotage else "proven",
    )
    with open(args.profile, "w", encoding="ascii") as file:
        file.write(text)


def make_key(rng, args):
    if args.form is not makelayout.REFERENCE:
        return args.form.make_key(rng)
    return bytes(
        rng.randrange(128)
        for _ in range(rng.choice((rng.randint(64, 250), 251, rng.randint(252, 1024))))
    )


def write_tables(builder, harm):
    """All that is not a message."""
    world, tree, args = builder.world, builder.tree, builder.world.args
    rng = world.rng
    harm.files(tree, world, builder.truth)
    for at, bag in enumerate(world.mailbags.values()):
        tree.write(bag.key(rng, harm.layout_of_mailbag(at)), "KEY", bag.id + ".KEY")
        tree.write(bag.mbg(), "MBG", bag.id + ".MBG")
    maketree.write_users(tree, rng, world.users, args.form)
    maketree.write_routes(tree, rng, world.networks)
    maketree.write_globals(
        tree, rng, OWN, (world.numbers["mailbag"], world.numbers["letter"]), len(world.queues)
    )


def write_early(builder, harm):
    """DIR.early: the postoffice before the later messages came. The history goes on as if nobody
    had looked: the dice fall as they would have."""
    world, tree = builder.world, builder.tree
    dice, stale = world.rng.getstate(), list(builder.stale)
    records = {ident: (list(bag.records), list(bag.live)) for ident, bag in world.mailbags.items()}
    builder.settle()
    write_tables(builder, harm)
    shutil.copytree(tree.root, tree.root + ".early")
    for ident, bag in world.mailbags.items():
        bag.records, bag.live = records[ident]
    builder.stale = stale
    world.rng.setstate(dice)


def make(args):
    # a string seed: an integer one would make seeds of equal size share their first choices
    rng = random.Random("mkpostoffice %d" % args.seed)
    key = make_key(rng, args)
    world = World(rng, args)
    tree = maketree.Tree(args.dir, args.lowercase)
    tree.make_directories()
    harm = makesabotage.Sabotage(args, key)
    builder = Builder(world, tree, key, harm.other)
    plan = makeplan.make_plan(world)
    early = len(plan) - args.later
    builder.run(plan[:early])
    if args.later:
        write_early(builder, harm)
        builder.run(plan[early:])
        for message in builder.truth[early:]:
            message["later"] = True
    builder.settle()
    write_tables(builder, harm)
    if args.groups:
        users = {user["box"]: user["mailbag"] for user in world.users if user["box"]}
        args.told_groups = makegroups.add_some(tree.root, args.seed, users, args.groups)
    if args.stranded_lock:
        tree.write(b"", "P1", world.queues[0]["mailbag"] + ".0LK")
    write_profile(args, key, builder.longest)
    write_map(world, args.map)
    return write_truth(world, builder.truth, args)


def settle_layout(parser, args):
    """What was not asked for, by the layout or by its seed."""
    args.form = makelayout.REFERENCE
    if args.layout == "reference":
        args.codepage = args.codepage or "850"
        args.messages = 100 if args.messages is None else args.messages
        if args.codepage in ("852", "866") or args.language or args.period:
            parser.error("this code page, language or period needs --layout random")
        return
    if args.bench:
        parser.error("--bench has the reference layout")
    pages = corpora.CODEPAGES
    if args.language and args.codepage and args.codepage not in pages[args.language]:
        parser.error("%s is not written in code page %s" % (args.language, args.codepage))
    rng = random.Random("mkpostoffice layout %d" % args.seed)
    messages = round(30 * (500 / 30) ** rng.random())
    args.form = makelayout.random_layout(rng, corpora, args)
    args.form.period = args.period or args.form.period
    args.codepage = args.form.codepage
    args.messages = messages if args.messages is None else args.messages


def known_words(parser, args):
    """The known text with the line ends of a postoffice, or None."""
    if args.known_text is None:
        return None
    try:
        with open(args.known_text, encoding="utf-8") as file:
            text = file.read().replace("\n", "\r\n")
        text.encode(args.codec)
    except (OSError, UnicodeError) as error:
        parser.error("%s: %s" % (args.known_text, error))
    return text


def arguments(argv):
    parser = argparse.ArgumentParser(description="Make a postoffice with known contents.")
    parser.add_argument("dir")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--messages", type=int, help="100; random layout: 30 to 500 by seed")
    parser.add_argument(
        "--codepage",
        choices=("437", "850", "852", "866", "932", "1252"),
        help="850; random layout: by seed, and the only one to take 852 and 866",
    )
    parser.add_argument(
        "--language", choices=sorted(corpora.CODEPAGES), help="random layout only; by seed"
    )
    parser.add_argument(
        "--queues", type=int, default=6, help="outbound queues besides the empty MSMAIL one"
    )
    parser.add_argument("--users", type=int, default=12, help="local users, with ADMIN")
    parser.add_argument("--groups", type=int, default=0, help="of local users")
    parser.add_argument("--people", type=int, default=8, help="people behind each queue")
    parser.add_argument("--max-attachments", type=int, default=5)
    parser.add_argument("--few", type=int, metavar="N", help="messages with Cc, and with files")
    parser.add_argument("--mapped-share", type=float, default=0.8)
    parser.add_argument("--layout", choices=("reference", "random"), default="reference")
    parser.add_argument(
        "--sabotage",
        choices=makesabotage.KINDS,
        help="two layouts mixed; subjects of half the mailbag records edited; half the MAI noise",
    )
    parser.add_argument(
        "--known-text", metavar="FILE", help="one message more, of this text (UTF-8)"
    )
    parser.add_argument("--known-user", metavar="BOX", help="to whom and from whom it is")
    parser.add_argument("--known-subject", default="Known text", metavar="TEXT")
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
    parser.add_argument(
        "--later",
        type=int,
        default=0,
        metavar="N",
        help="DIR.early is the postoffice before the last N messages came",
    )
    parser.add_argument(
        "--local-share", type=float, default=0.12, help="of the mail, for local users alone"
    )
    parser.add_argument(
        "--archive",
        type=int,
        default=0,
        metavar="N",
        help="with --demo and a random layout: N letters of people who stay",
    )
    parser.add_argument("--period", type=int, help="random layout only: of the key; by seed")
    parser.add_argument(
        "--corpus", metavar="SPEC", help="the messages of this file, in all pairs of their features"
    )
    parser.add_argument("--threads", action="store_true", help="the messages of makethread.py")
    parser.add_argument(
        "--reports", metavar="SPEC", help="with --corpus: receipts and failure reports of this file"
    )
    parser.add_argument("--truth")
    parser.add_argument("--profile")
    parser.add_argument("--map")
    args = parser.parse_args(argv)
    args.dir = args.dir.rstrip("/")
    settle_layout(parser, args)
    args.codec = "cp" + args.codepage
    args.known_words = known_words(parser, args)
    if args.archive and not (args.demo and args.layout == "random"):
        parser.error("--archive goes with --demo and --layout random")
    if os.path.isdir(args.dir) and os.listdir(args.dir):
        parser.error("%s is not empty" % args.dir)
    if args.groups and (args.lowercase or args.later):
        parser.error("--groups goes with neither --lowercase nor --later")
    if args.later and (args.sabotage or args.later >= args.messages):
        parser.error("--later: less than all messages, and no sabotage")
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
