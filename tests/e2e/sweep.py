#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Mail that still comes into the mailbags of users who moved: each new message is relayed once, to
the owner of the mailbag and nobody else; what was migrated never is; and what else may happen to a
mailbag meanwhile is noticed."""
import collections
import email
import email.policy
import fcntl
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time

import gateway
from gateway import Case, Gateway, Office, Sink

from opened import Opened
from postman import Postman

QUEUE = "NORTH/SALES"
LIMIT = 30


def tree(root):
    """{file: (octets, time of change)} of a postoffice, and its directories."""
    found = {}
    for top, names, files in os.walk(root):
        for name in names:
            found[os.path.relpath(os.path.join(top, name), root)] = None
        for name in files:
            path = os.path.join(top, name)
            with open(path, "rb") as source:
                found[os.path.relpath(path, root)] = (source.read(), os.stat(path).st_mtime_ns)
    return found


class Scene:
    """A postoffice with three users who moved, their baselines, and a receiver."""

    def __init__(self, base, name, sink, baseline=True, users=8, messages=30, **settings):
        self.office = Office(base, name, seed=21, users=users, messages=messages, queues=1,
                             local_share=0.9, max_attachments=1, domain=name + ".test")
        self.root = self.office.root
        self.post = Postman(self.root, self.office.profile)
        self.bags = dict(self.office.reader().users())
        self.ann, self.bob, self.cy = sorted(
            (box for box in self.bags if box != "ADMIN"),
            key=lambda box: (-len(self.post.live(self.bags[box])), box))[:3]
        self.boxes = (self.ann, self.bob, self.cy)
        self.sink, self.domain = sink, name + ".test"
        section = self.office.native(queues=[QUEUE], **settings)
        self.gate = Gateway(base, name + ".gw", sink.relay(), [section],
                            postmaster="postmaster@admin.test")
        self.map(self.bags)
        self.old = {box: set(self.post.live(self.bags[box])) for box in self.bags}
        if baseline:
            self.gate.drain(expect=None)  # makes the queue
            self.user("baseline", *self.boxes)
            self.user("activate", *self.boxes)

    def map(self, boxes):
        gateway.write_file(self.gate.map, "".join(
            "%s\t%s\n" % (self.name(box), self.smtp(box)) for box in boxes))

    def name(self, box):
        return "NORTH/HQ/" + box

    def smtp(self, box):
        return "%s@%s" % (box.lower(), self.domain)

    def user(self, verb, *boxes, **options):
        return self.gate.run("user", verb, *[self.name(box) for box in boxes], **options)

    def deliver(self, boxes, subject, to=None, **more):
        return self.post.deliver([self.bags[box] for box in boxes],
                                 to or [self.name(box) for box in boxes], subject, **more)

    def live(self, box):
        """New subjects in a mailbag."""
        return set(self.post.live(self.bags[box])) - self.old[box]

    def arrived(self):
        """Counter of (subject, recipient in lower case) at the receiver, of this scene."""
        found = collections.Counter()
        for copy in self.sink.copies():
            message = email.message_from_bytes(copy.raw, policy=email.policy.default)
            for rcpt in copy.rcpts:
                if rcpt.lower().endswith("@" + self.domain):
                    found[str(message["Subject"]), rcpt.lower()] += 1
        return found

    def wanted(self, *pairs):
        return collections.Counter((subject, self.smtp(box)) for subject, box in pairs)

    def sql(self, text, *values):
        database = sqlite3.connect(self.gate.database(), timeout=30)
        with database:
            rows = database.execute(text, values).fetchall()
        database.close()
        return rows

    def notes(self, prefix):
        return [row[0] for row in self.sql("SELECT name FROM note ORDER BY name")
                if row[0].startswith(prefix)]

    def events(self, *names):
        return [row for row in self.gate.events() if row["event"] in names]

    def faults(self):
        return {row["user"]: row["fault"] for row in self.gate.json("user", "list", expect=None)
                if row.get("fault")}


class Sweep(Case):
    @classmethod
    def setUpClass(cls):
        cls.sink = Sink(cls.base, tls=False).__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.sink.__exit__()

    def scene(self, **options):
        return Scene(self.base, self._testMethodName.removeprefix("test_").replace("_", "-"),
                     self.sink, **options)

    def test_owner_only(self):
        """What is new goes to the owner, whoever the text names; one message of three users is three
        copies, and its file goes with the last of them; what was migrated stays and is never sent."""
        scene = self.scene()
        before = {box: scene.post.live(scene.bags[box]) for box in scene.bags}
        shared = scene.deliver(scene.boxes, "For three")
        scene.deliver([scene.ann], "As Bcc", to=[scene.name(scene.bob), "NORTH/SALES/X"])
        other = next(box for box in scene.bags if box not in scene.boxes)
        kept = scene.deliver([scene.ann, other], "Shared with one who stays")
        scene.gate.drain()
        wanted = scene.wanted(("For three", scene.ann), ("For three", scene.bob),
                              ("For three", scene.cy), ("As Bcc", scene.ann),
                              ("Shared with one who stays", scene.ann))
        self.assertEqual(scene.arrived(), wanted)
        path = os.path.join(scene.root, "MAI", "MA" + shared[-1], shared + ".MAI")
        self.assertFalse(os.path.exists(path))
        self.assertEqual(scene.post.reader().message(kept).counter, 1)
        for box in scene.boxes:
            self.assertEqual(scene.post.live(scene.bags[box]), before[box], box)
        self.assertEqual(len({row["msgid"] for row in scene.events("queued")
                              if row["rcpt"].startswith(scene.ann.lower())}), 3)
        row = scene.gate.json("drain")[0]
        self.assertEqual((row["taken"], row["known"], row["mailbags"]), (0, 0, 3))
        self.assertEqual(row["baseline"], sum(
            len(scene.post.reader().live(scene.bags[box])) for box in scene.boxes))
        self.assertEqual(scene.arrived(), wanted)

    def test_identity(self):
        """Two mailbags that have changed hands stop their users, and nobody else."""
        scene = self.scene()
        scene.post.swap(scene.ann, scene.bob)
        for box in scene.boxes:
            scene.deliver([box], "New for " + box)
        scene.gate.drain(expect=1)
        scene.gate.drain(expect=1)
        self.assertEqual(scene.arrived(), scene.wanted(("New for " + scene.cy, scene.cy)))
        self.assertEqual(set(scene.faults()), {scene.name(scene.ann), scene.name(scene.bob)})
        self.assertEqual(len(scene.events("user-stopped")), 2)
        self.assertEqual(len(scene.notes("alarm.user.")), 2)
        scene.post.swap(scene.ann, scene.bob)
        scene.user("activate", scene.ann, scene.bob)
        scene.gate.drain()
        self.assertEqual(scene.arrived(), scene.wanted(*(("New for " + box, box)
                                                         for box in scene.boxes)))
        self.assertEqual(scene.notes("alarm.user."), [])

    def test_counts_differ(self):
        """ACCESS, ACCESS2 and ACCESS3 disagree: no user is swept, the queues are (Q168736)."""
        scene = self.scene()
        with open(scene.gate.map, "a", encoding="utf-8") as out:
            out.write("NORTH/SALES/MOVED\tmoved@%s\n" % scene.domain)
        queue = next(q["mailbag"] for q in scene.office.truth["queues"] if q["name"] == QUEUE)
        scene.post.deliver([queue], ["NORTH/SALES/MOVED"], "On the queue")
        scene.deliver([scene.ann], "In the mailbag")
        whole = scene.post.read("GLB/ACCESS3.GLB")
        scene.post.write("GLB/ACCESS3.GLB", whole[:-512])
        scene.gate.drain(expect=1)
        self.assertEqual(scene.arrived(), collections.Counter(
            {("On the queue", "moved@" + scene.domain): 1}))
        self.assertEqual(len(scene.events("users-stopped")), 1)
        self.assertEqual(scene.faults(), {})
        scene.post.write("GLB/ACCESS3.GLB", whole)
        scene.gate.drain()
        self.assertEqual(scene.arrived()[("In the mailbag", scene.smtp(scene.ann))], 1)
        self.assertEqual(scene.notes("alarm.users"), [])

    def test_collected_and_vanished(self):
        """What a client took before us, and what went with its record: one line each."""
        scene = self.scene()
        for box in (scene.ann, scene.bob):
            for subject in ("First of %s", "Second of %s"):
                ident = scene.deliver([box], subject % box)
                # what cannot be read now stays, and is not accounted for
                os.rename(self.mai(scene, ident), self.mai(scene, ident) + ".away")
        scene.gate.drain(expect=1)
        self.assertEqual(scene.events("collected", "vanished"), [])
        for folder, _, files in os.walk(os.path.join(scene.root, "MAI")):
            for name in files:
                if name.endswith(".away"):
                    os.rename(os.path.join(folder, name), os.path.join(folder, name[:-5]))
        scene.post.collect(scene.bags[scene.ann], "First of " + scene.ann)
        scene.post.reset(scene.bags[scene.bob])
        scene.gate.drain()
        found = [(row["event"], row["rcpt"]) for row in scene.events("collected", "vanished")]
        self.assertEqual(found.count(("collected", scene.name(scene.ann))), 1)
        self.assertEqual(found.count(("vanished", scene.name(scene.bob))), 2)
        self.assertEqual(len(found), 3)
        scene.gate.drain()
        self.assertEqual(len(scene.events("collected", "vanished")), 3)
        self.assertEqual(scene.arrived(), scene.wanted(("Second of " + scene.ann, scene.ann)))

    @staticmethod
    def mai(scene, ident):
        return os.path.join(scene.root, "MAI", "MA" + ident[-1], ident + ".MAI")

    def test_key_stuck(self):
        """A KEY that cannot be written: relayed once, told at the third round, removed when it can
        be, and the other mailbags go on."""
        scene = self.scene()
        scene.deliver([scene.ann], "Stays")
        key = os.path.join(scene.root, "KEY", scene.bags[scene.ann] + ".KEY")
        with open(key, "r+b") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            for turn in range(4):
                scene.deliver([scene.bob], "Turn %d" % turn)
                scene.gate.drain(expect=1)
                self.assertEqual(len(scene.notes("alarm.key-stuck.")), int(turn >= 2), turn)
        self.assertEqual(len(scene.events("key-stuck")), 1)
        self.assertEqual(scene.live(scene.ann), {"Stays"})
        wanted = scene.wanted(("Stays", scene.ann), *(("Turn %d" % n, scene.bob) for n in range(4)))
        self.assertEqual(scene.arrived(), wanted)
        scene.gate.drain()
        self.assertEqual(scene.live(scene.ann), set())
        self.assertEqual(scene.notes("alarm.key-stuck.") + scene.notes("stuck."), [])
        self.assertEqual(scene.arrived(), wanted)

    def test_fill(self):
        """Alarms at 50, 80 and 95 % of what a mailbag can hold, by its bitmap."""
        scene = self.scene()
        bag = scene.bags[scene.ann]
        record = scene.post.read("MBG/%s.MBG" % bag)[:116]
        live = bytearray(560)
        scene.post.write("MBG/%s.MBG" % bag, record * 4096)
        for count, level in ((2047, 0), (2048, 50), (3277, 80), (3892, 95), (100, 0)):
            for at in range(4096):
                mask = 1 << at % 8
                live[0x30 + at // 8] &= ~mask & 0xFF
                live[0x30 + at // 8] |= mask if at >= count else 0
            scene.post.write("KEY/%s.KEY" % bag, bytes(live))
            scene.gate.drain(expect=None, timeout=60)
            rows = scene.sql("SELECT value FROM note WHERE name LIKE 'alarm.fill.%'")
            self.assertEqual(['"level":%d}' % level in row[0] for row in rows],
                             [True] if level else [], count)
        self.assertEqual(len(scene.events("filling")), 3)

    def test_system_mail(self):
        """Mail between the postoffice's programs stays; special accounts are never swept."""
        scene = self.scene()
        scene.deliver([scene.ann], "Sync", sender="NORTH/HQ/$SYSTEM")
        scene.deliver([scene.ann], "List", to=["NORTH/HQ/*SPECIAL"])
        scene.deliver([scene.bob], "Bag", to=["NORTH/HQ/*MAILBAG"])
        scene.deliver([scene.bob], "Real")
        scene.sql("UPDATE user SET mailbox = 'ADMINSCH' WHERE mailbox = ?", scene.cy)
        scene.gate.drain(expect=None)
        self.assertEqual(scene.arrived(), scene.wanted(("Real", scene.bob)))
        rows = scene.sql("SELECT kind FROM remain")
        self.assertEqual([row[0] for row in rows].count("system"), 3)
        self.assertEqual(scene.live(scene.ann), {"Sync", "List"})

    def test_rewind(self):
        """A backup put over the postoffice: nothing more is taken until the operator says so."""
        scene = self.scene()
        shutil.copytree(scene.root, scene.root + ".backup")
        scene.deliver([scene.ann], "Before")
        scene.gate.drain()
        shutil.rmtree(scene.root)
        shutil.copytree(scene.root + ".backup", scene.root)
        done = scene.gate.drain(expect=1)
        self.assertIn("ack-rewind", done.err)
        with scene.gate.daemon():
            scene.gate.wait(lambda: scene.gate.children().get("intake"), LIMIT, "the intake")
        scene.gate.drain(expect=1)
        self.assertEqual(len(scene.events("rewound")), 1)
        self.assertEqual(len(scene.notes("rewind.")), 1)
        self.assertEqual(len(scene.notes("alarm.rewind.")), 1)
        scene.gate.run("postoffice", "ack-rewind", scene.office.title)
        scene.deliver([scene.ann], "After")
        scene.gate.drain()
        self.assertEqual(scene.notes("rewind.") + scene.notes("alarm.rewind."), [])
        self.assertEqual(scene.arrived(), scene.wanted(("Before", scene.ann),
                                                       ("After", scene.ann)))

    def test_backup(self):
        """From a restored backup only what never was relayed, and not an octet of it changes."""
        scene = self.scene()
        queue = next(q["mailbag"] for q in scene.office.truth["queues"] if q["name"] == QUEUE)
        with open(scene.gate.map, "a", encoding="utf-8") as out:
            out.write("NORTH/SALES/MOVED\tmoved@%s\n" % scene.domain)
        scene.deliver([scene.ann], "Relayed already")
        backup = scene.root + ".restored"
        shutil.copytree(scene.root, backup)
        scene.gate.drain()
        post = Postman(backup, scene.office.profile)
        post.deliver([scene.bags[scene.bob]], [scene.name(scene.bob)], "Only in the backup")
        post.deliver([queue], ["NORTH/SALES/MOVED"], "Old outbound mail")
        other = next(box for box in scene.bags if box not in scene.boxes)
        before, notes = tree(backup), scene.notes("")
        words = ("--postoffice", backup, "--read-only")
        scene.user("drain", scene.bob)
        self.assertIn("no-baseline", scene.gate.drain(
            *words, "--user", scene.name(other), expect=1).err)
        for bad in (("--postoffice", backup), ("--read-only",), words + ("--user", "A/B/C"),
                    ("--postoffice", backup + ".not", "--read-only"), words + ("--like", "X"),
                    ("--postoffice", scene.office.title, "--read-only")):
            scene.gate.drain(*bad, expect=2)
        dry = scene.gate.json("drain", *words, "--dry-run")[0]
        self.assertEqual((dry["taken"], dry["known"], dry["read_only"]), (1, 1, True))
        wanted = scene.wanted(("Relayed already", scene.ann))
        self.assertEqual(scene.arrived(), wanted)
        row = scene.gate.json("drain", *words)[0]
        self.assertEqual((row["taken"], row["known"], row["removed"]), (1, 1, 0))
        wanted += scene.wanted(("Only in the backup", scene.bob))
        self.assertEqual(scene.arrived(), wanted)
        self.assertEqual(scene.gate.json("drain", *words)[0]["taken"], 0)
        scene.gate.drain(*words, "--include-outbound", expect=None)
        self.assertEqual(scene.arrived()["Old outbound mail", "moved@" + scene.domain], 1)
        scene.gate.drain(*words, "--no-baseline", "--user", scene.name(other), "--like",
                         scene.office.title)
        sent = [subject for subject, rcpt in scene.arrived() if rcpt == scene.smtp(other)]
        self.assertEqual(len(sent), len(set(scene.old[other])))
        self.assertEqual(tree(backup), before)
        self.assertEqual([n for n in scene.notes("") if n not in notes], [])

    def test_interrupted(self):
        """An interrupt ends a drain after the present batch; the next one does the rest."""
        scene = self.scene(batch=1)
        subjects = ["Message %d" % n for n in range(60)]
        for subject in subjects:
            scene.deliver([scene.ann], subject)
        argv = [scene.gate.command, "-c", scene.gate.settings_file, "--json", "drain"]
        with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, env=scene.gate.environment) as process:
            gateway.wait_until(lambda: scene.events("queued"), LIMIT, "the first message", 0.001)
            process.send_signal(signal.SIGINT)
            row = json.loads(process.stdout.read())
        self.assertEqual(process.returncode, 1)
        self.assertTrue(row["interrupted"])
        self.assertTrue(0 < row["taken"] < 60 and row["removed"] == row["taken"], row)
        self.assertEqual(os.listdir(os.path.join(scene.root, "P1")), ["POPULATE.MSM"])
        scene.gate.drain()
        self.assertEqual(scene.arrived(), scene.wanted(*((s, scene.ann) for s in subjects)))

    def test_only_what_changed(self):
        """A mailbag that looks as it did is not opened; one that changed is; and no directory of
        messages is ever listed."""
        scene = self.scene(interval=1)
        opened = Opened(scene.root, ["KEY", "MBG", "MAI", "ATT"] + [
            "MAI/MA%X" % digit for digit in range(16)])
        gate = scene.gate

        def settled():
            rows = scene.sql("SELECT stamp FROM mailbag WHERE title = ?", scene.office.title)
            return len(rows) == 3 and all("|=|" in row[0] for row in rows)

        def sweeps():
            return scene.sql("SELECT value FROM note WHERE name = ?",
                             "postoffice." + scene.office.title)

        with gate.daemon():
            gate.wait(settled, LIMIT, "stamps that are settled")
            opened.taken()
            for _ in range(2):
                seen = sweeps()
                gate.wait(lambda: sweeps() != seen, LIMIT, "a sweep")
            idle = opened.taken()
            names = {bag for bag in scene.bags.values() if bag != "00000000"}
            self.assertEqual([name for name in idle if name[4:12] in names], [])
            ident = scene.deliver([scene.bob], "It changed")
            opened.taken()
            gate.wait(lambda: scene.events("removed") and scene.arrived(), LIMIT, "its relay")
            found = opened.taken()
        opened.close()
        mine = {name[4:12] for name in found if name[:3] in ("KEY", "MBG") and name[4:12] in names}
        self.assertIn(scene.bags[scene.bob], mine)
        self.assertEqual([name for name in found if name.endswith("/")], [])
        # what waits on the queue is not in the map, and is read again each time
        queue = next(q["mailbag"] for q in scene.office.truth["queues"] if q["name"] == QUEUE)
        waiting = {record.mai for record in scene.post.reader().live(queue)}
        mais = {name[-12:-4] for name in found if name.endswith(".MAI")}
        self.assertEqual(mais - waiting, {ident})
        self.assertEqual(scene.arrived(), scene.wanted(("It changed", scene.bob)))

    def test_killed(self):
        """kill -9 of the intake at random instants while mail comes: all of it arrives, and twice
        only what the relay log excuses."""
        scene = self.scene(interval=1, batch=2)
        rng = random.Random("sweep %d" % self.options.seed)
        wanted = collections.Counter()
        gate = scene.gate
        kills = 0
        for turn in range(self.options.cycles):
            for _ in range(4):
                boxes = rng.sample(scene.boxes, rng.randint(1, 3))
                subject = "Turn %d message %d" % (turn, rng.randrange(10**9))
                scene.deliver(boxes, subject)
                wanted += scene.wanted(*((subject, box) for box in boxes))
            if not gate.running():
                gate.start()
            gate.wait(lambda: "intake" in gate.children(), LIMIT, "the intake")
            pid = gate.children()["intake"]
            if rng.random() < 0.5:
                size = os.path.getsize(gate.log)
                until = time.monotonic() + 0.5
                while os.path.getsize(gate.log) == size and time.monotonic() < until:
                    time.sleep(0.001)
            time.sleep(rng.uniform(0, 0.05))
            kills += gateway.kill_one(pid)
            gate.kill()
        with gate.daemon():
            gate.wait(lambda: not any(scene.live(box) for box in scene.boxes)
                      and set(wanted) <= set(scene.arrived()), 60, "the rest")
            gate.wait(lambda: not [n for n in os.listdir(os.path.join(scene.root, "P1"))
                                   if n.endswith(".0LK")], LIMIT, "the end of the removals")
        found = scene.arrived()
        excused = collections.Counter(row["rcpt"].lower()
                                      for row in scene.events("possible-duplicate"))
        self.assertEqual(set(found), set(wanted))
        self.assert_none(["%s for %s: %d copies" % (*pair, found[pair]) for pair in found
                          if found[pair] > 1 + excused[pair[1]]], "copies")
        self.assertGreater(kills, 0)
        self.assertEqual(scene.events("vanished"), [])
        for box in scene.boxes:
            self.assertEqual(set(scene.post.live(scene.bags[box])), scene.old[box])
        self.assertEqual(self.mais(scene.root), self.mais(scene.office.before))

    @staticmethod
    def mais(root):
        return sorted(name for _, _, files in os.walk(os.path.join(root, "MAI")) for name in files)


def main():
    parser = gateway.parser_for(__doc__.split(":")[0])
    parser.add_argument("--cycles", type=int, default=8, metavar="N")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6),
                        metavar="N", help="of the kills; printed at the start")
    options = parser.parse_args()
    print("sweep: --seed %d" % options.seed, flush=True)
    return gateway.run_program("sweep", sys.modules[__name__], options)


if __name__ == "__main__":
    sys.exit(main())
