#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Which messages a made postoffice gets: senders, recipients, times, contents."""

import datetime

import corpus
import makecontent
import makelayout
import makeletters
import makereports
import makethread
from makeworld import OWN

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
    if rng.random() < world.args.local_share:
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


def archive_plan(world):
    """Letters between local users, who stay: mail that others have read and kept."""
    if not world.args.archive:
        return []
    boxes = ["/".join(OWN) + "/" + user["box"] for user in world.users if user["box"]]

    def recipients():
        names = world.rng.sample(boxes, world.rng.choice((1, 1, 2, 3)))
        return names[:1], names[1:]

    return letters(world, world.args.archive, recipients, lambda: world.rng.choice(boxes))


def letters_plan(world):
    """Ordinary letters in the language of a random layout."""
    return letters(
        world, world.args.messages, lambda: recipients_of(world), lambda: sender_of(world)
    )


def letters(world, count, recipients, sender):
    rng, args, layout = world.rng, world.args, world.args.form
    letters = makeletters.Letters(rng, layout)
    now, plan, seen = datetime.datetime(1997, 4, 7, 8, 0), [], set()
    while len(plan) < count:
        now = next_time(rng, now).replace(second=rng.randint(1, 59))
        to, cc = recipients()
        language = letters.language()
        item = {
            "sender": sender(),
            "to": to,
            "cc": cc,
            "when": now,
            "full": letters.subject(language, len(plan) + 1),
            "priority": rng.choice("1233345R33"),
            "files": letters.files(args.max_attachments),
            "wild": rng.random() < layout.wild,
        }
        if rng.random() < 0.04:
            item["priority"] = ""
        item["block"] = letters.block(item) if rng.random() < layout.blocks else ""
        item["text"] = item["block"] + letters.body(language)
        key = (item["sender"], now, item["full"][:40], item["text"])
        if key not in seen:
            seen.add(key)
            plan.append(item)
    return plan


def known_item(world, when):
    """The message of known text that an operator sends to herself."""
    args = world.args
    boxes = [user["box"] for user in world.users if user["box"] not in ("", "ADMIN")]
    box = args.known_user or (boxes + ["ADMIN"])[0]
    if box not in boxes + ["ADMIN"]:
        raise SystemExit("%s: no such user; there are %s" % (box, " ".join(boxes)))
    address = "/".join(OWN) + "/" + box
    item = {
        "sender": address,
        "to": [address],
        "cc": [],
        "when": when + datetime.timedelta(minutes=5),
        "full": args.known_subject,
        "priority": "3",
        "files": [],
        "wild": False,
        "block": "",
        "known": True,
    }
    if args.form.blocks and world.rng.random() < args.form.blocks:
        item["block"] = makeletters.Letters(world.rng, args.form).block(item)
    item["text"] = item["block"] + args.known_words
    return item


def keep_few(plan, few):
    """Hardly anybody, or nobody, used carbon copies and attachments."""
    for name in ("cc", "files"):
        users = [item for item in plan if item[name]]
        for item in users[: len(users) - few]:
            item[name] = []


def make_plan(world):
    args = world.args
    if args.corpus:
        plan = corpus.plan(world)
        plan += makereports.plan(world, corpus.LETTERS[args.codepage]) if args.reports else []
    elif args.threads:
        plan = makethread.plan(world)
    elif args.demo:
        plan = archive_plan(world) + demo_plan(world)
    elif args.bench:
        plan = bench_plan(world)
    elif args.form is makelayout.REFERENCE:
        plan = random_plan(world)
    else:
        plan = letters_plan(world)
    if args.few is not None:
        keep_few(plan, args.few)
    if args.known_words is not None:
        plan.append(known_item(world, plan[-1]["when"]))
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
                "block": "",
            }
        )
        now += datetime.timedelta(minutes=rng.randint(7, 50))
    return plan
