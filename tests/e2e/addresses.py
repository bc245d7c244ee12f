#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Who gets what, and what the header says of it: groups, people with several names, names that are
none, mail of programs, and as many recipients as Exchange takes."""
import collections
import email
import email.policy
import os
import shutil
import sys

import gateway
from gateway import Case, Gateway, Office, Sink

import strict5322
from makegroups import Groups
from postman import Postman

QUEUE = "NORTH/SALES"
POSTMASTER = "postmaster@admin.test"
HEADER_MAX = 262144  # MaxHeaderSize of Exchange


class Scene:
    """A postoffice NORTH/HQ with a queue to NORTH/SALES, whose own postoffice lies beside it."""

    def __init__(self, base, name, sink, people=(), **settings):
        self.domain, self.sink = name + ".test", sink
        self.office = Office(base, name, seed=31, users=6, messages=2, queues=1, domain=self.domain)
        self.post = Postman(self.office.root, self.office.profile)
        self.sales = Office(base, name + ".sales", seed=32, users=9, messages=2, queues=1, groups=4)
        self.members = {group["address"]: group["members"] for group in self.sales.truth["groups"]}
        self.bags = dict(self.sales.reader().users())
        self.bag = next(q["mailbag"] for q in self.office.truth["queues"] if q["name"] == QUEUE)
        for old in list(self.post.live(self.bag)):
            self.post.collect(self.bag, old)
        self.people = list(people) or ["%s/%s" % (QUEUE, box) for box in self.bags]
        values = {"queues": [QUEUE]}
        values.update({k.replace("_", "-"): v for k, v in settings.items()})
        self.gate = Gateway(base, name + ".gw", sink.relay(), [
            self.office.native(**values),
            (self.sales.title, {"name": QUEUE, "path": self.sales.root, "queues": [],
                                "profile": self.sales.profile}),
        ], postmaster=POSTMASTER)
        self.map(["%s\t%s" % (name, self.smtp(name)) for name in self.people])

    def map(self, lines):
        gateway.write_file(self.gate.map, "".join(line + "\n" for line in lines))

    def smtp(self, name):
        return "%s@%s" % (name.split("/")[-1].lower(), self.domain)

    def deliver(self, to, subject, **more):
        return self.post.deliver([self.bag], to, subject, **more)

    def copies(self, subject):
        """[(recipients, message)] that arrived with this subject."""
        found = []
        for copy in self.sink.copies():
            message = email.message_from_bytes(copy.raw, policy=email.policy.default)
            mine = [rcpt for rcpt in copy.rcpts if rcpt.endswith("@" + self.domain) or
                    rcpt == POSTMASTER]
            if str(message["Subject"]) == subject and mine:
                found.append((sorted(mine), message, copy.raw))
        return found

    def got(self, subject):
        """Counter of recipients."""
        return collections.Counter(rcpt for rcpts, _, _ in self.copies(subject) for rcpt in rcpts)

    def wanted(self, boxes):
        return collections.Counter({self.smtp(box): 1 for box in boxes})

    def remains(self):
        """{subject: (kind, reason)} of what stays on the queue."""
        rows = {row["record"]: row for row in self.gate.json("status", "--remains")
                if row["mailbag"] == self.bag}
        live = self.post.live(self.bag)
        return {subject: (rows[at]["cause"], rows[at]["reason"]) for subject, at in live.items()
                if at in rows}


class Addresses(Case):
    @classmethod
    def setUpClass(cls):
        cls.sink = Sink(cls.base, tls=False).__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.sink.__exit__()

    def scene(self, **options):
        return Scene(self.base, self._testMethodName.removeprefix("test_").replace("_", "-"),
                     self.sink, **options)

    def strict(self, raw):
        self.assert_none(strict5322.check(raw)[0], "RFC 5322")

    def test_groups(self):
        """A group of the postoffice behind the queue is its local members, each once (Q117804)."""
        scene = self.scene()
        first, third = scene.members["GROUP1"], scene.members["GROUP3"]
        scene.deliver([QUEUE + "/GROUP1"], "To one group")
        scene.deliver(["north/sales/group1", QUEUE + "/" + first[0], QUEUE + "/GROUP3"],
                      "Two groups and a member", cc=[QUEUE + "/GROUP1"])
        scene.gate.drain()
        self.assertEqual(scene.got("To one group"), scene.wanted(first))
        self.assertEqual(scene.got("Two groups and a member"), scene.wanted(set(first + third)))
        self.assertEqual(scene.post.live(scene.bag), {})
        _, message, raw = scene.copies("To one group")[0]
        self.assertEqual(message["To"].groups[0].display_name, "Everybody of list 1")
        self.assertEqual(message["To"].addresses, ())
        self.strict(raw)
        _, message, raw = scene.copies("Two groups and a member")[0]
        self.assertEqual([a.addr_spec for a in message["To"].addresses], [scene.smtp(first[0])])
        self.assertEqual([g.display_name for g in message["Cc"].groups], ["Everybody of list 1"])
        self.strict(raw)

    def test_groups_that_are_not_known(self):
        """Whose members cannot be known stays, and says why; nothing is dropped (Q117895)."""
        scene = self.scene()
        groups = Groups(scene.sales.root, 32)
        boxes = sorted(scene.bags)
        groups.add("NOFILE", "A list without its file", [scene.bags[boxes[0]]], mem=False)
        groups.add("STRANGE", "A list of a stranger", [scene.bags[boxes[0]], "0000FFFF"])
        odd = groups.add("ODD", "A list cut off", [scene.bags[boxes[0]]])
        with open(groups.path("MEM", "%08X.MEM" % odd), "ab") as out:
            out.write(b"\1")
        for number in (1, 2):
            groups.add("TWICE", "One of two lists %d" % number, [scene.bags[boxes[0]]])
        for name in ("GROUP2", "NOFILE", "STRANGE", "ODD", "TWICE", "GONE"):
            scene.deliver([QUEUE + "/" + name, QUEUE + "/" + boxes[0]], name)
        own = Groups(scene.office.root, 31)
        own.add("ALL", "Everybody here", [])
        scene.deliver(["NORTH/HQ/ALL"], "Own group")
        scene.deliver(["NORTH/HQ/" + "NOBODY"], "Nobody of the queue")
        scene.gate.drain()
        found = scene.remains()
        for name, kind, words in (
                ("GROUP2", "unmapped", "a group: no local members"),
                ("NOFILE", "unmapped", "a group: no local members"),
                ("STRANGE", "unmapped", "0000FFFF is no user's"),
                ("ODD", "unmapped", "5 octets are no list of mailbags"),
                ("TWICE", "unmapped", "two groups have the name TWICE"),
                ("GONE", "unmapped", "NORTH/SALES/GONE"),
                ("Own group", "foreign", "members of the group NORTH/HQ/ALL"),
                ("Nobody of the queue", "foreign", "no recipient of this queue")):
            self.assertIn(name, found)
            self.assertEqual(found[name][0], kind, name)
            self.assertIn(words, found[name][1])
            self.assertEqual(scene.got(name), collections.Counter(), name)
        self.assertNotIn("a group", found["GONE"][1])

    def test_group_in_part(self):
        """A member without a line of the map is told like any other recipient."""
        scene = self.scene(unmapped="report")
        members = sorted(scene.members["GROUP1"], reverse=True)  # ADMIN is somebody without a line
        scene.map(["%s/%s\t%s" % (QUEUE, box, scene.smtp(box)) for box in members[1:]] +
                  ["NORTH/SALES/SOMEBODY\tsomebody@" + scene.domain])
        scene.deliver([QUEUE + "/GROUP1", QUEUE + "/GROUP2", QUEUE + "/SOMEBODY"], "Partly mapped")
        scene.gate.drain(expect=None)
        self.assertEqual(scene.got("Partly mapped"), scene.wanted(members[1:] + ["SOMEBODY"]))
        failed = {row["original"]: row for row in scene.gate.queue("failed")}
        self.assertEqual(set(failed), {QUEUE + "/" + members[0], QUEUE + "/GROUP2"})
        shown = scene.gate.json("queue", "show", failed[QUEUE + "/GROUP2"]["id"], expect=None)
        self.assertIn("a group: no local members", str(shown))

    def test_one_copy_a_person(self):
        """Two names, two lines with one address, a list and himself: one copy, also when the same
        message lies in his own mailbag (Q143375, Q216476)."""
        scene = self.scene()
        ann, bob, cy = sorted(box for box in scene.bags if box != "ADMIN")[:3]
        scene.map(["%s/%s\tann@%s" % (QUEUE, ann, scene.domain),
                   "%s/%s\t%s/%s" % (QUEUE, bob, QUEUE, ann),
                   "%s/%s\tANN@%s" % (QUEUE, cy, scene.domain),
                   "%s/ZED\tzed@%s" % (QUEUE, scene.domain)])
        names = ["%s/%s" % (QUEUE, box) for box in (bob, cy, ann)]
        scene.deliver(names + ["NORTH/SALES/ZED", names[0].lower()], "Names of one person")
        scene.gate.drain()
        self.assertEqual(sum(scene.got("Names of one person").values()), 2)
        # the same message once more, under the other name: from a backup, say
        backup = scene.office.root + ".backup"
        shutil.copytree(scene.office.root, backup)
        scene.deliver(names[:1], "By his alias")
        shutil.rmtree(backup)
        shutil.copytree(scene.office.root, backup)
        scene.gate.drain()
        self.assertEqual(sum(scene.got("By his alias").values()), 1)
        scene.map(["%s/%s\t%s/%s" % (QUEUE, ann, QUEUE, bob),
                   "%s/%s\tann@%s" % (QUEUE, bob, scene.domain)])
        shutil.rmtree(scene.office.root)
        shutil.copytree(backup, scene.office.root)
        scene.gate.drain()
        self.assertEqual(sum(scene.got("By his alias").values()), 1)
        self.assertEqual(scene.post.live(scene.bag), {})

    def test_only_whom_the_queue_says(self):
        """To and Cc name many; only those on the queue get it, or it would be sent twice (Q159181)."""
        scene = self.scene()
        ann, bob = sorted(box for box in scene.bags if box != "ADMIN")[:2]
        scene.map(["%s/%s\t%s" % (QUEUE, ann, scene.smtp(ann)),
                   "NORTH/HQ/HERE\there@" + scene.domain,
                   "WEST/BRANCH/LI\tli@" + scene.domain])
        scene.deliver(["NORTH/HQ/HERE", "WEST/BRANCH/LI", "SMTP:x@" + scene.domain],
                      "Named only", cc=[QUEUE + "/" + ann, "NORTH/SALESX/" + bob])
        scene.gate.drain()
        self.assertEqual(scene.got("Named only"), scene.wanted([ann]))
        _, message, _ = scene.copies("Named only")[0]
        self.assertEqual([a.addr_spec for a in message["To"].addresses],
                         ["here@" + scene.domain, "li@" + scene.domain, "x@" + scene.domain])

    def test_names_that_are_not_ascii(self):
        """Such a mailbox cannot be in the map: its mail stays with that reason, and is shown right
        where somebody else gets it (Q114942, Q101461)."""
        scene = self.scene()
        ann = sorted(box for box in scene.bags if box != "ADMIN")[0]
        scene.deliver([QUEUE + "/JÖRG"], "To an umlaut")
        scene.deliver([QUEUE + "/" + ann], "Beside an umlaut", cc=[QUEUE[:6] + "LÄN/JÖRG"],
                      sender="NORTH/HQ/ÅSA")
        scene.gate.drain()
        self.assertIn("not 7-bit ASCII", scene.remains()["To an umlaut"][1])
        self.assertEqual(scene.got("Beside an umlaut"), scene.wanted([ann]))
        _, message, raw = scene.copies("Beside an umlaut")[0]
        cc, sender = message["Cc"].addresses[0], message["From"].addresses[0]
        self.assertEqual(cc.display_name, "NORTH/LÄN/JÖRG")
        self.assertRegex(cc.addr_spec, r"^IMCEAMS-NORTH_L\+8EN_J\+99RG@")
        self.assertEqual(sender.display_name, "NORTH/HQ/ÅSA")
        self.assertRegex(sender.addr_spec, r"^IMCEAMS-NORTH_HQ_\+8FSA@")
        self.strict(raw)

    def test_addresses_that_are_none(self):
        """In a header they are shown as the name of an empty group, and the message goes on; as a
        recipient only they fail; as a sender the postmaster stands for them (Q169671, Q177998)."""
        scene = self.scene(unmapped="report", typed_smtp="true")
        ann = sorted(box for box in scene.bags if box != "ADMIN")[0]
        bad = ["SMTP:<<user>@dom (friendly)>", "SMTP:", "SMTP:a@b@c", "SMTP:no at all"]
        scene.deliver(bad + [QUEUE + "/" + ann], "Bad in the header", cc=bad, sender=bad[0])
        scene.gate.drain(expect=None)
        self.assertEqual(scene.got("Bad in the header"), scene.wanted([ann]))
        _, message, raw = scene.copies("Bad in the header")[0]
        self.assertEqual([g.display_name for g in message["To"].groups if not g.addresses], bad)
        self.assertEqual([g.display_name for g in message["Cc"].groups], bad)
        self.assertEqual(message["From"].addresses[0].addr_spec, POSTMASTER)
        self.assertEqual(message["From"].addresses[0].display_name, bad[0])
        self.strict(raw)
        scene.deliver([QUEUE + "/" + ann, QUEUE + "/NOBODY"], "Bad recipient")
        scene.gate.drain(expect=None)
        self.assertEqual(scene.got("Bad recipient"), scene.wanted([ann]))
        self.assertEqual([row["original"] for row in scene.gate.queue("failed")],
                         [QUEUE + "/NOBODY"])

    def test_roles(self):
        """ADMIN and POSTMASTER of a postoffice that has moved (Q164464, Q175447)."""
        scene = self.scene(people=["NORTH/SALES/SOMEBODY"])
        scene.deliver([QUEUE + "/Admin"], "To the administrator")
        scene.deliver([QUEUE + "/POSTMASTER"], "To the postmaster")
        scene.gate.drain()
        self.assertEqual(scene.got("To the administrator"), {POSTMASTER: 1})
        self.assertEqual(scene.got("To the postmaster"), {POSTMASTER: 1})
        scene.map([QUEUE + "/ADMIN\tchief@" + scene.domain])
        scene.deliver([QUEUE + "/Admin"], "To the one with a line")
        scene.gate.drain()
        self.assertEqual(scene.got("To the one with a line"), {"chief@" + scene.domain: 1})

    def block(self, subject, kind):
        """The text of a Windows client's message of this class (Q119356)."""
        return ("Microsoft Mail v3.0 %s\r\nFrom: Administrator\r\nTo: Somebody\r\n"
                "Subject: %s\r\nDate: 1998-05-04 08:01\r\nPriority: 3\r\nMessage ID: 1A2B3C4D\r\n"
                "\r\n%s\r\n\r\nFor a program.\r\n" % (kind, subject, "-" * 78))

    def test_mail_of_programs(self):
        """Classes IPC. and the postoffice's own accounts: left with a reason, or removed; never
        relayed, never reported (Q162841, Q112879, Q117648)."""
        for policy in ("leave", "remove"):
            with self.subTest(policy):
                scene = Scene(self.base, "programs-" + policy, self.sink, system_mail=policy,
                              header_block="use", unmapped="report")
                ann = QUEUE + "/" + sorted(box for box in scene.bags if box != "ADMIN")[0]
                scene.deliver([ann], "Programs talk", text=self.block(
                    "Programs talk", "IPC.Vendor.Poll"))
                scene.deliver([ann], "People talk", text=self.block(
                    "People talk", "IPM.Vendor.Poll"))
                scene.deliver([ann], "Sync", sender="NORTH/HQ/$SYSTEM")
                scene.deliver([ann], "List", cc=["NORTH/SALES/*SPECIAL"])
                scene.gate.drain()
                self.assertEqual(scene.got("People talk"), collections.Counter(
                    {scene.smtp(ann): 1}))
                _, message, _ = scene.copies("People talk")[0]
                self.assertEqual(message["X-MSMail-Message-Class"], "IPM.Vendor.Poll")
                for subject in ("Programs talk", "Sync", "List"):
                    self.assertEqual(scene.got(subject), {}, subject)
                events = scene.gate.events("system-removed")
                if policy == "leave":
                    found = scene.remains()
                    self.assertEqual({found[s][0] for s in ("Programs talk", "Sync", "List")},
                                     {"system"})
                    self.assertIn("IPC.Vendor.Poll", found["Programs talk"][1])
                    self.assertEqual(events, [])
                else:
                    self.assertEqual(scene.post.live(scene.bag), {})
                    self.assertEqual(len(events), 3)
                scene.gate.drain()
                self.assertEqual(len(scene.gate.events("system-removed")), len(events))
                self.assertEqual(scene.gate.queue("failed"), [])

    def test_mail_of_programs_that_is_out(self):
        """What a GET program gave is held, whoever is in the map; released, it is relayed."""
        name = "programs-out"
        office = Office(self.base, name, seed=33, users=4, messages=2, queues=1,
                        domain=name + ".test")
        post = Postman(office.root, office.profile)
        bag = next(q["mailbag"] for q in office.truth["queues"] if q["name"] == QUEUE)
        for old in list(post.live(bag)):
            post.collect(bag, old)
        gate = Gateway(self.base, name + ".gw", self.sink.relay(),
                       [office.ffapi(QUEUE, ("-f0", "-h"), **{"header-block": "use"})],
                       postmaster=POSTMASTER)
        gateway.write_file(gate.map, "NORTH/SALES/ANN\tann@%s.test\n" % name)
        post.deliver([bag], ["NORTH/SALES/ANN"], "Programs talk",
                     text=self.block("Programs talk", "IPC.Vendor.Poll"))
        gate.drain(expect=1)
        self.assertEqual(post.live(bag), {})
        held = gate.queue("held")
        self.assertEqual([row["original"] for row in held], ["NORTH/SALES/ANN"])
        self.assertIn("IPC.Vendor.Poll", str(gate.json("queue", "show", held[0]["id"])))
        gate.run("queue", "release", held[0]["id"])
        gate.drain()
        self.assertEqual(gate.states(), {"sent": 1})

    def test_what_comes_back(self):
        """Exchange sends a message back to the old postoffice, with our header in its text: it is
        held, not sent round again (Q164456, Q164850)."""
        scene = self.scene()
        ann = QUEUE + "/" + sorted(box for box in scene.bags if box != "ADMIN")[0]
        scene.deliver([ann], "Round trip")
        scene.gate.drain()
        _, _, raw = scene.copies("Round trip")[0]
        header = raw.split(b"\r\n\r\n")[0].decode("ascii")
        scene.deliver([ann], "Round trip", sender="NORTH/HQ/CONNECTOR",
                      text=header + "\r\n\r\nText\r\n")
        scene.deliver([ann], "About a trip", sender="NORTH/HQ/SOMEBODY",
                      text="> " + header.replace("\r\n", "\r\n> ") + "\r\n\r\nWhat is this?\r\n")
        scene.gate.drain(expect=1)
        self.assertEqual(sum(scene.got("Round trip").values()), 1)
        self.assertEqual(sum(scene.got("About a trip").values()), 1)
        held = scene.gate.queue("held")
        self.assertEqual([(row["original"], row["subject"]) for row in held], [(ann, "Round trip")])
        self.assertTrue(scene.gate.events("held")[0]["reason"].startswith("loop: <mm."))
        scene.gate.run("queue", "release", held[0]["id"])
        scene.gate.drain()
        self.assertEqual(sum(scene.got("Round trip").values()), 2)

    def map_check(self, scene, lines, expect):
        """[(result, line, text)] of `map check` with a map of these lines."""
        scene.map(lines)
        return [(row["result"], row["line"], row["text"])
                for row in scene.gate.json("map", "check", expect=expect)]

    def test_map_check(self):
        """Each check of a map finds what it is for, and names the line."""
        scene = self.scene()
        scene.gate.settings["routed-domains"] = ["old.test"]
        scene.gate.write_settings()
        boxes = sorted(box for box in scene.bags if box != "ADMIN")
        ours = sorted(dict(scene.office.reader().users()))
        lines = ["%s/%s\t%s" % (QUEUE, box, scene.smtp(box)) for box in boxes]
        lines += ["NORTH/HQ/%s\t%s" % (box, scene.smtp("hq." + box)) for box in ours]
        self.assertEqual(self.map_check(scene, lines, 0), [])
        for more, expect, wanted in (
                ("%s/%s\tx@y.test" % (QUEUE.lower(), boxes[0]), 1,
                 [("FAIL", "is already in line 1")]),
                ("A/B/C\t" + scene.smtp(boxes[1]).upper(), 0,
                 [("WARN", "has the SMTP address of NORTH/SALES/%s in line 2" % boxes[1])]),
                ("A/B/C\tsomebody@OLD.test", 1, [("FAIL", "would come back")]),
                ("A/B/C\tsomebody@" + gateway.HOSTNAME, 1, [("FAIL", "would come back")]),
                ("A/B/C\tIMCEAMS-A_B_C@corp.test", 1, [("FAIL", "would come back")]),
                ("A/B/*\t%u@old.test", 0, [("WARN", "would come back")]),
                ("NORTH/SALES/NOBODY\tnobody@y.test", 0, [("WARN", "has no mailbox")]),
                ("NORTH/SALES/GROUP1\tlist@y.test", 0, []),  # a group has none
                ("SNADS/B/C\tc@y.test", 1, [("FAIL", "SNADS")]),
                ("A/B/ELEVENCHARS\tc@y.test", 1, [("FAIL", "longer than 10")]),
                ("A/B/JÖRG\tc@y.test", 1, [("FAIL", "7-bit")]),
                ("A/B/$SYSTEM\tc@y.test", 1, [("FAIL", "system")]),
                ("A/B/C\tnot an address", 1, [("FAIL", "not an SMTP address")]),
                ("A/B/C\tA/B/D", 1, [("FAIL", "not in the map")]),
                ("A/B/C\tc@y.test\tyesterday", 1, [("FAIL", "not a time")]),
                ("A/B/C\tc@y.test\t\tgone", 1, [("FAIL", "unknown state")])):
            found = self.map_check(scene, lines + [more], expect)
            self.assertEqual([row[0] for row in found], [row[0] for row in wanted], (more, found))
            for row, (_, words) in zip(found, wanted):
                self.assertIn(words, row[2], more)
                self.assertEqual(row[1], len(lines) + 1, more)
        found = self.map_check(scene, lines[1:], 0)
        self.assertEqual(len(found), 1)
        self.assertIn("NORTH/SALES/%s has a mailbox and is not in the map" % boxes[0], found[0][2])
        post = Postman(scene.sales.root, scene.sales.profile)
        users = post.read("GLB/ACCESS2.GLB")
        name = boxes[0].encode("ascii")
        post.write("GLB/ACCESS2.GLB", users.replace(name, name[:-1] + b"\x99"))
        found = self.map_check(scene, lines, 0)
        self.assertEqual(len(found), 2)
        self.assertIn("has no mailbox", found[0][2])
        self.assertIn("not 7-bit ASCII", found[1][2])

    def test_many_recipients(self):
        """5,000 recipients: each gets it, in envelopes of at most 100, with one Message-ID and a
        header that Exchange takes; who is not listed in it is told (Q105290, Q194555)."""
        count = 5000
        names = ["%s/P%06d" % (QUEUE, number) for number in range(count)]
        scene = self.scene(people=names)
        scene.map(["%s\tp%06d.of.the.sales.department@%s\t\t\tPerson Number %d, Sales (%s)" % (
            name, at, scene.domain, at, "x" * 20) for at, name in enumerate(names)])
        scene.deliver(names, "To very many")
        scene.gate.drain(timeout=300)
        copies = scene.copies("To very many")
        got = collections.Counter(rcpt for rcpts, _, _ in copies for rcpt in rcpts)
        self.assertEqual(len(got), count)
        self.assertEqual(set(got.values()), {1})
        self.assertLessEqual(max(len(rcpts) for rcpts, _, _ in copies), 100)
        self.assertEqual(len({message["Message-ID"] for _, message, _ in copies}), 1)
        _, message, raw = copies[0]
        self.assertLess(len(raw.split(b"\r\n\r\n")[0]), HEADER_MAX - 65536)
        listed = len(message["To"].addresses)
        self.assertGreater(listed, 2000)
        self.assertEqual(str(message["X-MSMail-Note"]),
                         "%d of %d recipients are not listed in To and Cc" % (count - listed, count))
        self.assertEqual([g.display_name for g in message["To"].groups if not g.addresses],
                         ["and %d others" % (count - listed)])
        self.strict(raw)


def main(argv):
    options = gateway.parser_for(__doc__).parse_args(argv)
    return gateway.run_program("addresses", sys.modules[__name__], options)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
