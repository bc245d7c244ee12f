#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The commands for users who are being moved: baseline, activate, drain, close, can-delete. What
lies in whose mailbag is said by the truth of a made postoffice; later mail comes while the test
runs. Nothing here may change the postoffice."""
import json
import os
import shutil
import sqlite3
import sys

import gateway
from gateway import SINK_PASSWORD, Case, Gateway, Office, Sink

NOWHERE = {"hosts": ["127.0.0.1:1"], "tls": "none"}


def tree(root):
    """{file: octets} of a postoffice."""
    found = {}
    for top, _, files in os.walk(root):
        for name in files:
            path = os.path.join(top, name)
            with open(path, "rb") as source:
                found[os.path.relpath(path, root)] = source.read()
    return found


def edit(path, change):
    with open(path, "rb") as source:
        octets = bytearray(source.read())
    octets = change(octets) or octets
    with open(path, "wb") as out:
        out.write(octets)


class Scene:
    """A postoffice before its later mail came, and a gateway whose queue is empty."""

    def __init__(self, base, name, relay=None, password=gateway.PASSWORD, **options):
        self.office = Office(base, name, messages=60, later=20, local_share=0.6, **options)
        self.full = self.office.root + ".full"
        os.rename(self.office.root, self.full)
        shutil.copytree(self.office.root + ".early", self.office.root)
        self.root = self.office.root
        self.net = self.office.name
        # Without a map nothing is taken: this only makes the queue.
        self.gate = Gateway(base, name + "-gw", relay or NOWHERE, [self.office.native()],
                            password=password)
        self.gate.drain()
        self.gate.write_map([self.office.map])
        self.bags = {box: bag for box, bag in self.office.reader().users().items()}
        self.counts = {box: self.count(box) for box in self.bags}

    def count(self, box):
        """(items before, items that come later) in the mailbag of a user."""
        early = later = 0
        for message in self.office.truth["messages"]:
            for place in message["places"]:
                if place["name"] == "%s/%s" % (self.net, box) and place["live"]:
                    early, later = early + (not message.get("later")), later + bool(
                        message.get("later"))
        return early, later

    def name(self, box):
        return "%s/%s" % (self.net, box)

    def mapped(self):
        return [box for box in self.bags if self.name(box) in self.office.truth["map"]]

    def user(self, least=(1, 1)):
        """A mapped user with so many items before and later."""
        found = [box for box in self.mapped()
                 if all(has >= want for has, want in zip(self.counts[box], least))]
        return sorted(found, key=lambda box: -sum(self.counts[box]))[0]

    def arrive(self):
        """The later mail comes."""
        shutil.rmtree(self.root)
        shutil.copytree(self.full, self.root)

    def mai_of(self, box, later):
        """Path of a message that lies in this user's mailbag."""
        message = next(m for m in self.office.truth["messages"] if bool(m.get("later")) == later
                       for p in m["places"] if p["live"] and p["name"] == self.name(box))
        return os.path.join(self.root, "MAI", "MA" + message["mai"][-1], message["mai"] + ".MAI")

    def row(self, box):
        """What `user list` says about one."""
        rows = [r for r in self.gate.json("user", "list", expect=None)
                if r["user"] == self.name(box)]
        return rows[0] if rows else None

    def sql(self, text, *values):
        database = sqlite3.connect(self.gate.database(), timeout=30)
        with database:
            rows = database.execute(text, values).fetchall()
        database.close()
        return rows

    def queue(self, box, state):
        """A message for this user in the queue, in a state, as the intake would leave it."""
        number = self.sql("SELECT coalesce(max(id), 0) + 1 FROM message")[0][0]
        self.sql("INSERT INTO message VALUES (?, ?, ?, 'Q', '', '', 'a@corp.example', '<x>', 's',"
                 " 0, 1, 9999999999999, 1, 0, 0, 0, 0)", number, "%064d" % number, self.net)
        self.sql("INSERT INTO chunk (message, start, data) VALUES (?, 0, x'41')", number)
        self.sql("INSERT INTO recipient (message, state, rank, due_ms, expires_ms, changed_ms,"
                 " doubt, original, address, status, reply) VALUES (?, ?, 3, 9999999999999,"
                 " 9999999999999, 1, 0, ?, 'u@corp.example', '', '')",
                 number, state, self.name(box))
        return number


class Users(Case):
    @classmethod
    def setUpClass(cls):
        cls.scene = Scene(cls.base, "users", seed=11)

    def setUp(self):
        scene = self.scene
        shutil.rmtree(scene.root)
        shutil.copytree(scene.root + ".early", scene.root)
        scene.gate.write_map([scene.office.map])
        for table in ("user", "baseline", "recipient", "chunk", "history", "message", "note"):
            scene.sql("DELETE FROM " + table)
        self.before = tree(scene.root)

    def refused(self, why, *words, status=1):
        done = self.scene.gate.run(*words, expect=status)
        self.assertIn(why, done.err)
        return done

    # ---- baseline

    def test_baseline_counts_what_lies_there(self):
        scene = self.scene
        rows = {row["user"]: row for row in scene.gate.json("user", "baseline", "--all",
                                                            scene.office.title)}
        self.assertEqual({name: row["items"] for name, row in rows.items()},
                         {scene.name(box): scene.counts[box][0] for box in scene.mapped()})
        self.assertEqual({row["unreadable"] for row in rows.values()}, {0})
        self.assertEqual({row["mailbag"] for row in rows.values()},
                         {scene.bags[box] for box in scene.mapped()})
        listed = {row["user"]: row for row in scene.gate.json("user", "list")}
        self.assertEqual({row["state"] for row in listed.values()}, {"baseline"})
        for name, row in listed.items():
            self.assertEqual(row["baseline_items"], rows[name]["items"])
            self.assertEqual((row["waiting"], row["sent"], row["fault"]), (0, 0, None))
        self.assertEqual(tree(scene.root), self.before, "the postoffice was changed")
        prints = scene.sql("SELECT count(*), count(DISTINCT fingerprint) FROM baseline"
                           " WHERE length(fingerprint) = 64")[0]
        self.assertEqual(prints[0], sum(row["items"] for row in rows.values()))

    def test_unreadable_items_are_in_it(self):
        scene, box = self.scene, self.scene.user()
        os.unlink(scene.mai_of(box, later=False))
        row, = scene.gate.json("user", "baseline", scene.name(box))
        self.assertEqual((row["items"], row["unreadable"]), (scene.counts[box][0], 1))
        self.assertEqual(scene.sql("SELECT count(*) FROM baseline WHERE fingerprint = ''"), [(1,)])

    def test_again_only_when_asked(self):
        scene, box = self.scene, self.scene.user()
        name = scene.name(box)
        scene.gate.run("user", "baseline", name)
        scene.gate.run("user", "baseline", name)
        scene.gate.run("user", "activate", name)
        scene.arrive()
        self.refused("--again", "user", "baseline", name)
        self.assertEqual(scene.row(box)["baseline_items"], scene.counts[box][0])
        done = scene.gate.run("user", "baseline", "--all", scene.office.title)
        self.assertIn("1 users are past their baseline", done.out)
        self.assertEqual(scene.row(box)["state"], "active")
        scene.gate.run("user", "baseline", "--again", name)
        row = scene.row(box)
        self.assertEqual((row["state"], row["baseline_items"]),
                         ("baseline", sum(scene.counts[box])))
        self.refused("--again", "user", "baseline", "--again", "--all", "users", status=2)

    def test_names(self):
        scene = self.scene
        self.refused("NET/PO/USER", "user", "baseline", "KIM", status=2)
        self.refused("NET/PO/USER", "user", "baseline", scene.net, status=2)
        self.refused("no postoffice", "user", "baseline", "NO/WHERE/KIM", status=2)
        self.refused("usage", "user", "baseline", status=2)
        self.refused("no such mailbox", "user", "baseline", scene.name("NOBODY"))
        self.refused("there are:", "user", "forget", status=2)
        self.refused("not a state", "user", "list", "--state", "asleep", status=2)

    def test_special_accounts(self):
        scene = self.scene
        for box in ("ADMINSCH", "$SYSTEM", "*SPECIAL"):
            self.refused("never relayed", "user", "baseline", scene.name(box))
            self.refused("never relayed", "user", "activate", "--no-baseline", scene.name(box))
        self.refused("write a line", "user", "baseline", scene.name("ADMIN"))
        self.refused("write a line", "user", "activate", scene.name("ADMIN"))
        with open(scene.gate.map, "a", encoding="utf-8") as out:
            out.write(scene.name("ADMIN") + "\tpostmaster@corp.example\n")
        scene.gate.run("user", "baseline", scene.name("ADMIN"))
        scene.gate.run("user", "activate", scene.name("ADMIN"))
        self.assertEqual(scene.row("ADMIN")["state"], "active")

    def test_tables_that_do_not_agree(self):
        """Another number of users in one of the three files: nobody's mailbag is certain."""
        scene, box = self.scene, self.scene.user()
        scene.gate.run("user", "baseline", scene.name(box))
        edit(os.path.join(scene.root, "GLB", "ACCESS3.GLB"), lambda octets: octets[:-512])
        self.refused("wrong person", "user", "baseline", scene.name(box))
        self.refused("wrong person", "user", "activate", scene.name(box))
        self.refused("wrong person", "can-delete", scene.name(box))

    # ---- activate

    def test_activate_needs_baseline_and_map(self):
        scene, box = self.scene, self.scene.user()
        name = scene.name(box)
        self.refused("no baseline", "user", "activate", name)
        self.assertIsNone(scene.row(box))
        unmapped = next(b for b in sorted(scene.bags) if b not in scene.mapped() and b != "ADMIN")
        scene.gate.run("user", "baseline", scene.name(unmapped))
        self.refused("not in the map", "user", "activate", scene.name(unmapped))
        text = open(scene.gate.map, encoding="utf-8").read()
        pending = "\n".join(
            line.replace("\tactive\t", "\tpending\t") if line.upper().startswith(name + "\t")
            else line for line in text.splitlines()) + "\n"
        gateway.write_file(scene.gate.map, pending)
        scene.gate.run("user", "baseline", name)
        self.refused("pending", "user", "activate", name)
        gateway.write_file(scene.gate.map, text)
        row, = scene.gate.json("user", "activate", name)
        self.assertEqual((row["state"], row["baseline_items"]), ("active", scene.counts[box][0]))
        row, = scene.gate.json("user", "activate", name)
        self.assertEqual(row["note"], "was active already")

    def test_activate_without_baseline(self):
        scene, box = self.scene, self.scene.user()
        row, = scene.gate.json("user", "activate", "--no-baseline", scene.name(box))
        self.assertEqual(row["state"], "active")
        row = scene.row(box)
        self.assertEqual((row["baseline"], row["baseline_items"], row["mailbag"]),
                         (None, None, scene.bags[box]))

    def test_activate_all(self):
        scene = self.scene
        scene.gate.run("user", "baseline", "--all", scene.net)
        rows = scene.gate.json("user", "activate", "--all", scene.net)
        self.assertEqual({row["user"] for row in rows}, {scene.name(b) for b in scene.mapped()})
        self.assertEqual(scene.gate.json("user", "list", "--state", "baseline"), [])
        self.assertEqual(len(scene.gate.json("user", "list", "--state", "active")), len(rows))
        text = scene.gate.run("status", expect=None).out
        self.assertIn("Users", text)
        self.assertIn("Active", text)

    def test_number_given_to_somebody_else(self):
        """Two users have changed mailbags since the baseline (Q117738)."""
        scene, box = self.scene, self.scene.user()
        other = next(b for b in sorted(scene.mapped()) if b != box)
        name, mine, his = scene.name(box), scene.bags[box].encode(), scene.bags[other].encode()
        scene.gate.run("user", "baseline", name)
        scene.gate.run("user", "activate", name)
        edit(os.path.join(scene.root, "GLB", "ACCESS2.GLB"),
             lambda o: bytes(o).replace(mine, b"swapped.").replace(his, mine)
             .replace(b"swapped.", his))
        self.assertEqual(scene.office.reader().users()[box], his.decode())
        self.refused("Q117738", "user", "activate", name)
        done = scene.gate.run("can-delete", name, expect=1)
        self.assertIn("Q117738", done.out)
        scene.sql("UPDATE user SET fault = 'another mailbag'")
        scene.gate.run("user", "list", expect=1)
        self.refused("Q117738", "user", "activate", name)
        self.assertEqual(scene.row(box)["fault"], "another mailbag")
        scene.gate.run("user", "baseline", "--again", name)
        row, = scene.gate.json("user", "activate", name)
        self.assertEqual((row["mailbag"], scene.row(box)["fault"]), (his.decode(), None))

    def test_a_fault_is_cleared_when_he_is_himself_again(self):
        scene, box = self.scene, self.scene.user()
        scene.gate.run("user", "baseline", scene.name(box))
        scene.gate.run("user", "activate", scene.name(box))
        scene.sql("UPDATE user SET fault = 'another mailbag'")
        row, = scene.gate.json("user", "activate", scene.name(box))
        self.assertEqual(row["note"], "the fault is cleared")
        self.assertIsNone(scene.row(box)["fault"])

    # ---- the end of a mailbox

    def reasons(self, box, status):
        rows = self.scene.gate.json("can-delete", self.scene.name(box), expect=status)
        verdict = rows.pop()
        self.assertEqual(verdict["can_delete"], status == 0)
        self.assertEqual({row["kind"] for row in rows} - {"reason"}, set())
        self.assertEqual(bool(rows), status == 1)
        return [row["reason"] for row in rows], verdict

    def test_from_baseline_to_closed(self):
        scene, box = self.scene, self.scene.user(least=(2, 2))
        name, (early, later) = scene.name(box), scene.counts[box]
        self.assertIn("nobody has moved him", self.reasons(box, 1)[0][0])
        scene.gate.run("user", "baseline", name)
        self.assertIn("not swept yet", self.reasons(box, 1)[0][0])
        self.refused("only who is active", "user", "drain", name)
        self.refused("only who is draining", "user", "close", name)
        scene.gate.run("user", "activate", name)
        self.assertEqual(self.reasons(box, 0)[1]["baseline_items"], early)
        scene.arrive()
        found, verdict = self.reasons(box, 1)
        self.assertEqual(verdict["baseline_items"], early)
        listed = [text for text in found if "is not in the baseline" in text]
        self.assertEqual(len(listed), min(later, 5))
        self.assertEqual(any("%d more items" % (later - 5) in text for text in found), later > 5)
        scene.gate.run("user", "drain", name)
        self.assertEqual(scene.row(box)["state"], "draining")
        self.refused("not in the baseline", "user", "close", name)
        self.assertEqual(scene.row(box)["state"], "draining")
        for folder in ("KEY", "MBG"):  # the sweep has taken what came
            file = "%s/%s.%s" % (folder, scene.bags[box], folder)
            shutil.copy(os.path.join(scene.root + ".early", file), os.path.join(scene.root, file))
        done = scene.gate.run("can-delete", name)
        self.assertIn("%d items of the baseline" % early, done.out)
        row, = scene.gate.json("user", "close", name)
        self.assertEqual(row["state"], "closed")
        self.refused("closed", "user", "activate", name)
        self.refused("closed", "user", "baseline", name)

    def test_header_that_changed_since(self):
        """A client has touched the record: the message itself tells that it is an old one."""
        scene, box = self.scene, self.scene.user()
        scene.gate.run("user", "baseline", scene.name(box))
        scene.gate.run("user", "activate", scene.name(box))
        path = os.path.join(scene.root, "MBG", scene.bags[box] + ".MBG")

        def touch(octets):
            for at in range(115, len(octets), 116):
                octets[at] ^= 0x01

        edit(path, touch)
        self.assertEqual(self.reasons(box, 0)[1]["baseline_items"], scene.counts[box][0])

    def test_what_waits_in_the_queue(self):
        scene, box = self.scene, self.scene.user()
        scene.gate.run("user", "baseline", scene.name(box))
        scene.gate.run("user", "activate", scene.name(box))
        queued, held = scene.queue(box, 0), scene.queue(box, 2)
        other = scene.queue("NOBODY", 0)
        scene.queue(box, 3)
        scene.sql("UPDATE recipient SET doubt = 1 WHERE message = ?", queued)
        found, verdict = self.reasons(box, 1)
        self.assertEqual(len(found), 3, found)
        self.assertEqual(verdict["sent"], 1)
        row = scene.row(box)
        self.assertEqual((row["waiting"], row["queued"], row["held"], row["doubtful"],
                          row["sent"]), (2, 1, 1, 1, 1))
        scene.gate.run("queue", "delete", held)
        self.assertEqual(len(self.reasons(box, 1)[0]), 2)
        # In doubt, and gone from the postoffice: it can be deleted all the same (Q164840, Q158379).
        scene.gate.run("queue", "delete", queued)
        self.assertTrue(other)
        scene.sql("UPDATE recipient SET doubt = 0")
        self.reasons(box, 0)

    def test_mailbox_that_is_gone(self):
        scene, box = self.scene, self.scene.user()
        name, bag = scene.name(box), scene.bags[box]
        scene.gate.run("user", "baseline", name)
        scene.gate.run("user", "activate", name)
        scene.gate.run("user", "drain", name)
        edit(os.path.join(scene.root, "GLB", "ACCESS2.GLB"),
             lambda o: bytes(o).replace(box.encode() + b"\0", b"\0" * (len(box) + 1)))
        self.assertNotIn(box, scene.office.reader().users())
        # The sweep has seen that, too.
        scene.sql("UPDATE user SET fault = 'no user of this name'")
        scene.sql("INSERT INTO note VALUES (?, '{}', 7)", "alarm.user." + name)
        self.assertTrue(self.reasons(box, 0)[1]["gone"])
        header = b"h" * 32
        scene.sql("INSERT INTO live VALUES (?, ?, ?, 1, '00000062', 5)", scene.office.title, bag,
                  header)
        try:
            self.assertIn("1 items that were not relayed went with it", self.reasons(box, 1)[0][0])
            self.refused("--lost", "user", "close", name)
            scene.gate.run("user", "close", "--lost", name)
        finally:
            scene.sql("DELETE FROM live")
        self.assertEqual((scene.row(box)["state"], scene.row(box)["fault"]), ("closed", None))
        self.assertEqual(scene.sql("SELECT * FROM note WHERE name LIKE 'alarm.%'"), [])

    def test_names_in_any_case(self):
        """Typed in small letters it is the same user, stored as the postoffice writes him."""
        scene, box = self.scene, self.scene.user()
        scene.gate.run("user", "baseline", scene.name(box).lower())
        scene.gate.run("user", "activate", scene.name(box).lower())
        row = scene.row(box)
        self.assertEqual((row["state"], row["baseline_items"]), ("active", scene.counts[box][0]))
        self.reasons(box, 0)

    # ---- a postoffice that went back in time

    def test_ack_rewind(self):
        scene, title = self.scene, self.scene.office.title
        self.refused("nothing to acknowledge", "postoffice", "ack-rewind", title)
        scene.sql("INSERT INTO note VALUES (?, ?, 7)", "rewind." + title,
                  json.dumps({"messages_before": 9, "messages_now": 4}))
        scene.sql("INSERT INTO note VALUES (?, '{}', 7)", "rewind." + title + "2")
        row, = scene.gate.json("postoffice", "ack-rewind", title)
        self.assertEqual(row["detail"], {"messages_before": 9, "messages_now": 4})
        self.assertEqual(scene.sql("SELECT name FROM note WHERE name LIKE 'rewind.%'"),
                         [("rewind." + title + "2",)])
        self.refused("no postoffice", "postoffice", "ack-rewind", "none", status=2)


class Moved(Case):
    """One user all the way, with mail: what came before is not relayed, what comes later is."""

    def test_all_the_way(self):
        with Sink(self.base) as sink:
            scene = Scene(self.base, "moved", relay=sink.relay(), password=SINK_PASSWORD, seed=12)
            box = scene.user(least=(2, 2))
            name, (early, later) = scene.name(box), scene.counts[box]
            smtp = scene.office.truth["map"][name]["smtp"].lower()
            locals_ = {entry["smtp"].lower() for key, entry in scene.office.truth["map"].items()
                       if key.startswith(scene.net + "/")}
            scene.gate.run("user", "baseline", "--all", scene.net)
            scene.arrive()
            scene.gate.drain(expect=None)
            self.assertEqual([c for c in sink.copies() if locals_ & set(c.rcpts)], [],
                             "relayed before anybody was active")
            scene.gate.run("user", "activate", name)
            scene.gate.drain(expect=None)
            copies = [c for c in sink.copies() if locals_ & set(c.rcpts)]
            self.assertEqual({rcpt for c in copies for rcpt in c.rcpts}, {smtp},
                             "mail of users who are not active")
            self.assertEqual(len(copies), later)
            scene.gate.drain(expect=None)  # the count is that of the last look
            row = scene.row(box)
            self.assertEqual((row["sent"], row["waiting"], row["live"], row["baseline_items"]),
                             (later, 0, early, early))
            scene.gate.run("can-delete", name)
            scene.gate.run("user", "drain", name)
            scene.gate.run("user", "close", name)
            scene.gate.drain(expect=None)
            self.assertEqual(len([c for c in sink.copies() if smtp in c.rcpts]), later)
            self.assertEqual([row["event"] for row in scene.gate.events()
                              if row["event"].startswith("user-") and row["rcpt"] == name],
                             ["user-baseline", "user-activated", "user-draining", "user-closed"])


if __name__ == "__main__":
    sys.exit(gateway.run_program("user", sys.modules[__name__],
                                 gateway.parser_for(__doc__).parse_args()))
