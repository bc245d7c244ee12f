#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Conversations on a made postoffice, with what each message must name in References.

Windows clients write ids into the header block (Q119356, Q175958: the label lines "Message ID",
"Parent message ID", "Conversation ID") and into WINMAIL.DAT ([MS-OXTNEF] attMessageID, attParentID,
attConversationID).  Receipts and failure reports tell sender, date and subject of what they are about
(Q131523, Q129707, Q131852).

Each item has "thread": its name, "references": the names of the messages that it must refer to, the
last one being the one that it answers or is about; "report": the kind of report that it becomes.
"""

import datetime
import struct

import maketnef
from makeworld import OWN

LABELS = {
    "english": ("From", "To", "Subject", "Date", "Priority", "Message ID", "Parent message ID",
                "Conversation ID"),
    # as printed in Q119356
    "spanish": ("De", "Para", "Asunto", "Fecha", "Prioridad", "Ident. del mensaje",
                "Ident. del mensaje principal", "Ident. de la conversacion"),
}
NOTE = "IPM.Microsoft Mail.Note"
RULER = "-" * 78
# RFC 5322 3.6.4 sets no bound; ours: the first and the last ones, twenty together
MOST_REFERENCES = 20
INDEX = b"\x01" + bytes(range(21)) + b"\x00\x00\x01\x00\x10"


def trimmed(names):
    return names if len(names) <= MOST_REFERENCES else names[:1] + names[1 - MOST_REFERENCES :]


class Plan:
    """Items in the order in which they lie on the postoffice."""

    def __init__(self, world):
        self.world, self.items = world, []
        self.now = datetime.datetime(1997, 4, 7, 8, 0)
        self.chains = {}
        self.here = [p["address"] for p in world.queues[0]["people"] if p["mapped"]]
        self.there = [p["address"] for p in world.queues[1]["people"] if p["mapped"]]
        self.stays = next(
            "/".join(OWN) + "/" + user["box"]
            for user in world.users
            if user["box"] and ("/".join(OWN) + "/" + user["box"]).upper() not in world.map
        )

    def add(self, name, answers=None, **more):
        """ANSWERS: the name of a message that it refers to in the end, or None."""
        self.now += datetime.timedelta(minutes=3)
        self.chains[name] = self.chains[answers] + [answers] if answers else []
        item = {
            "sender": more.get("sender", self.stays),
            "to": more.get("to", self.here[:1]),
            "cc": [],
            "when": more.get("when", self.now),
            "full": more.get("subject", "Talk of " + name),
            "priority": more.get("priority", "3"),
            "files": more.get("files", []),
            "wild": False,
            "block": "",
            "thread": {
                "name": name,
                "references": trimmed(self.chains[name]),
                "report": more.get("report", ""),
                "index": more.get("index", ""),
            },
        }
        item["text"] = more["text"](item) if "text" in more else "Body of %s.\r\n" % name
        self.items.append(item)
        return item

    def note(self, name, ident, parent=None, conversation=None, answers=None, **more):
        """A note of a Windows client."""
        language = more.pop("language", "english")

        def text(item):
            return block(item, NOTE, (ident, parent, conversation), language) + (
                "\r\nBody of %s.\r\n" % name
            )

        return self.add(name, answers, text=text, **more)


def block(item, kind, ids, language="english", extra=()):
    label = LABELS[language]
    values = [
        item["sender"].split("/")[-1],
        "; ".join(a.split("/")[-1] for a in item["to"]),
        item["full"],
        item["when"].strftime("%Y-%m-%d %H:%M"),
        item["priority"] or "3",
    ] + list(ids)
    lines = ["Microsoft Mail v3.0 " + kind]
    lines += ["%s: %s" % pair for pair in zip(label, values) if pair[1]]
    return "\r\n".join(lines + list(extra) + ["", RULER, ""])


def winmail(ident, parent, conversation, index=INDEX):
    out = struct.pack("<IH", maketnef.SIGNATURE, 1)
    out += maketnef.attribute(1, 0x00089006, struct.pack("<I", 0x10000))
    out += maketnef.attribute(1, 0x00069007, struct.pack("<II", 850, 0))
    out += maketnef.attribute(1, 0x00078008, NOTE.encode() + b"\0")
    for name, value in ((0x00018009, ident), (0x0001800A, parent), (0x0001800B, conversation)):
        if value:
            out += maketnef.attribute(1, name, value.encode() + b"\0")
    properties = [
        maketnef.prop(0x0070001E, b"Talk of streams\0"),
        maketnef.prop(0x00710102, index),
    ]
    return out + maketnef.attribute(1, 0x00069003, maketnef.props(properties))


def chain(plan):
    """Twenty-five, each an answer to the one before; a Spanish client has a part in it."""
    for n in range(25):
        plan.note(
            "chain%d" % n,
            "A%07X" % n,
            "A%07X" % (n - 1) if n else None,
            "A0000000",
            "chain%d" % (n - 1) if n else None,
            language="spanish" if n % 5 == 3 else "english",
        )


def order(plan):
    """An answer that lies before what it answers, the first two of the queue, and one in the other
    queue, behind them."""
    plan.chains["late"] = []
    plan.note("early", "B0000001", "B0000000", "B0000000", "late")
    plan.note("late", "B0000000", None, "B0000000")
    plan.note("other", "B0000002", "B0000001", "B0000000", "early", to=plan.there[:1])


def lost(plan):
    """What they answer is not relayed, or is nothing, or themselves."""
    plan.note("stays", "C0000000", None, "C0000000", to=[plan.stays])
    plan.note("to-stays", "C0000001", "C0000000", "C0000000")
    plan.note("orphan", "C0000002", "CFFFFFFF", "C0000000")
    plan.note("itself", "C0000003", "C0000003", "C0000003")
    plan.note("no-id", "00000000", None, None)
    plan.note("to-no-id", "C0000004", "00000000", None)


def alike(plan):
    """One id twice: in two conversations, and in one."""
    plan.note("red", "D0000000", None, "D1111111", subject="Red")
    plan.note("blue", "D0000000", None, "D2222222", subject="Blue")
    plan.note("to-red", "D0000001", "D0000000", "D1111111", "red")
    plan.note("to-blue", "D0000002", "D0000000", "D2222222", "blue")
    plan.note("grey", "D0000003", None, "D3333333", subject="Grey")
    plan.note("gray", "D0000003", None, "D3333333", subject="Gray")
    plan.note("to-grey", "D0000004", "D0000003", "D3333333")


def streams(plan):
    """Ids in WINMAIL.DAT; an index that cannot be one is not sent."""
    ids = ["%032X" % (0xE << 124 | n) for n in range(5)]
    index = {"index": INDEX.hex()}
    plan.add("stream0", files=[("WINMAIL.DAT", winmail(ids[0], None, ids[0]))], **index)
    plan.add("stream1", "stream0", files=[("WINMAIL.DAT", winmail(ids[1], ids[0], ids[0]))], **index)
    for n, wrong in ((2, INDEX[:-1]), (3, INDEX[:21]), (4, b"\x02" + INDEX[1:])):
        plan.add("stream%d" % n, "stream%d" % (n - 1),
                 files=[("WINMAIL.DAT", winmail(ids[n], ids[n - 1], ids[0], wrong))])


def short(address):
    return address.split("/")[-1]


def dos_receipt(original, minutes=0):
    """As the DOS client writes it (Q131523)."""
    when = original["when"] + datetime.timedelta(minutes=minutes)

    def text(_):
        return (
            "[013] ***** Read receipt from a registered message *****\r\n\r\n"
            "To: %-30s Date: %s\r\nSubject: %-25s Time: %s\r\n\r\nWas read %s\r\n"
            % (
                short(original["to"][0]),
                when.strftime("%m-%d-%y"),
                original["full"][:25],
                when.strftime("%H:%M"),
                (when + datetime.timedelta(hours=2)).strftime("%m-%d-%y %H:%M"),
            )
        )

    return text


def windows_receipt(original):
    """As Windows clients write it (Q129707)."""

    def text(item):
        lines = [
            "Your message to: %s(MS:%s)" % (short(original["to"][0]), original["to"][0]),
            "With subject: " + original["full"],
            "And sent on: " + original["when"].strftime("%Y-%m-%d %H:%M"),
            "Was read on: " + item["when"].strftime("%Y-%m-%d %H:%M"),
            "Priority: C",
        ]
        return block(dict(item, priority=""), "IPM.Microsoft Mail.Read Receipt",
                     ("F%07X" % len(original["full"]), None, None), extra=lines)

    return text


def receipts(plan):
    """One of the moved people sends to others; the receipts go to him."""
    author, reader = plan.here[1], plan.here[2]
    asked = {"sender": author, "to": [reader], "priority": "R"}
    back = {"sender": reader, "to": [author], "priority": "C", "report": "disposition-notification"}
    first = plan.add("asked0", subject="The plan", **asked)
    second = plan.note("asked1", "F1000000", None, "F1000000", subject="The budget of the coming "
                       "year, and what it means for all of us", **asked)
    plan.add("read0", "asked0", subject="Registered: " + short(reader), text=dos_receipt(first), **back)
    plan.add("read1", "asked1", subject="Registered: " + short(reader),
             text=windows_receipt(second), **back)
    plan.add("read-other", subject="Registered: " + short(reader), text=dos_receipt(first, 1), **back)


def failures(plan):
    """What the POSTMASTER of the postoffice sends back to one who has moved."""
    author, reader = plan.here[1], plan.here[2]
    back = {"sender": "/".join(OWN) + "/POSTMASTER", "to": [author], "subject": "Mail failure",
            "report": "delivery-status"}
    head = ("[005] Mail retry count exceeded sending to:\r\n       SOUTH/LAB/NOBODY\r\n" + RULER +
            "\r\n")
    first = plan.note("failed0", "F2000000", None, "F2000000", sender=author, to=[reader],
                      subject="First one")
    second = plan.add("failed1", sender=author, to=[reader], subject="Second one")
    plan.add("bounce0", "failed0", text=lambda _: head + first["text"], **back)
    plan.add("bounce1", "failed1", text=lambda _: head + (
        "FROM: %s  TO: %s\r\nSUBJECT: %s\r\nDATE: %s\r\nTIME: %s\r\n%s\r\nBody.\r\n" % (
            short(author), short(reader), second["full"], second["when"].strftime("%m-%d-%y"),
            second["when"].strftime("%H:%M"), RULER)), **back)


def later(plan):
    """What comes when the others are in the journal: LATER messages, the last of the plan."""
    plan.note("late-answer", "A1000000", "A0000003", "A0000000", "chain3")
    plan.note("late-answer-2", "A1000001", "A1000000", "A0000000", "late-answer")
    plan.note("late-other", "B1000000", "B0000001", "B0000000", "early", to=plan.there[:1])
    back = {"sender": plan.here[2], "to": [plan.here[1]], "priority": "C"}
    first = next(item for item in plan.items if item["thread"]["name"] == "asked0")
    plan.add("read-again", "asked0", subject="Registered: again", text=dos_receipt(first),
             report="disposition-notification", **back)


LATER = 4


def plan(world):
    out = Plan(world)
    for part in (order, chain, lost, alike, streams, receipts, failures, later):
        part(out)
    return out.items
