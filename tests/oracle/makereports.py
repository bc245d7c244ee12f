#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Read receipts and failure reports of MS Mail, in the forms that were printed (Q131523, Q129707,
Q175040, Q107356; Q131852, Q127919, Q147471, Q175958), and what a relay owes for each.

item["report"], for those that are one:
  type      disposition-notification or delivery-status
  block     True: what it says is in the header block (Q118783), so only a relay that reads that knows
  original  of a receipt: the address that the first message was sent to, or None: not told
  name      the same, what it is called
  disposition  displayed or deleted
  subject, sent, read   None: not told, or malformed (Q214565)
  failed    of a failure: [{"address" or "name", "status", "code"}]
  returned  of a failure: what its copy of the first message's header says, or None
"""

import datetime
import os
import zlib

import makeblock
import pairs

SPEC = os.path.join(os.path.dirname(os.path.abspath(__file__)), "reports.spec")

# from, date sent, to, subject, message id, conversation id, your message to, entitled, and sent on,
# was read, was deleted, priority; what a receipt's subject begins with
LABELS = {
    "english": ("From", "Date sent", "To", "Subject", "Message ID", "Conversation ID",
                "Your Message To", "Entitled", "And Sent On", "Was Read At", "Was Deleted At",
                "Priority", "Return Receipt: "),
    "french": ("De", "Date d'envoi", "A", "Objet", "Identification du message",
               "ID de la conversation", "Votre message à", "Ayant pour titre", "Et envoyé le",
               "A été lu le", "A été supprimé le", "Niveau de priorité", "Accusé de réception: "),
    "german": ("Von", "Gesendet am", "An", "Betreff", "Nachrichten-ID", "Conversation ID",
               "Ihre Nachricht an", "Mit dem Titel", "Und gesendet am", "Wurde gelesen am",
               "Wurde gelöscht am", "Priorität", "Empfangsbestätigung: "),
    "russian": ("От", "Дата отправки", "Кому", "Тема", "Код сообщения", "Код беседы",
                "Ваше сообщение для", "С темой", "Отправленное", "Прочитано", "Удалено",
                "Важность", "Уведомление: "),
    "polish": ("Od", "Data wysłania", "Do", "Temat", "ID wiadomości", "ID rozmowy",
               "Twoja wiadomość do", "Pod tytułem", "Wysłana", "Przeczytana", "Usunięta",
               "Priorytet", "Potwierdzenie: "),
    "japanese": ("差出人", "送信日時", "宛先", "件名", "メッセージ ID", "会話 ID", "あなたのメッセージ",
                 "件名は", "送信は", "開封は", "削除は", "重要度", "開封確認: "),
}
TEXTS = {
    "005": ("Mail retry count exceeded sending to:",),
    "002": ("Mail was received that was addressed to unknown addresses. Mail item",
            "was not delivered to:"),
    "009": ("Mail maximum size exceeded sending to:",),
    "017": ("Unable to deliver user mail due to a full mailbag.", "Mail item was not delivered to:"),
    "029": ("This mail message could not be parsed correctly.", "Mail item was not delivered to:"),
    "030": ("Message contains duplicated Email address. Mail item was not delivered to:",),
    "099": ("Something that no document knows.", "Mail item was not delivered to:"),
}
STATUS = {"002": "5.1.1", "003": "5.4.6", "005": "5.4.7", "009": "5.3.4", "017": "5.2.2",
          "029": "5.6.0", "030": "5.1.4", "099": "5.0.0"}
ROUTE = ["NETCAD/HBPO01", "NETCAD/BUPO01", "NETGRI1/RH02", "NETGRI1/IH01", "NETSIS/WO01"]
BAD_DATE = "1995-00-45 99:99"
MINUTE = "%Y-%m-%d %H:%M"


class Job:
    """What all kinds are made of."""

    def __init__(self, world, row, serial, letters):
        self.world, self.row, self.serial, self.letters = world, row, serial, letters
        people = [p["address"] for p in world.queues[0]["people"] if p["mapped"]]
        boxes = ["NORTH/HQ/" + user["box"] for user in world.users if user["box"]]
        self.codec = world.args.codec
        self.code = sorted(TEXTS)[serial % len(TEXTS)]
        self.to = people[serial % len(people)]
        self.reader = boxes[serial % len(boxes)]
        self.mapped = people[(serial + 1) % len(people)]
        self.when = datetime.datetime(1997, 5, 12, 9) + datetime.timedelta(minutes=serial)
        self.sent = self.when - datetime.timedelta(hours=2, minutes=7)
        self.title = "Message %d %s, of more than forty characters" % (serial, letters[:2])

    def item(self, sender, subject, text, priority):
        serial = self.serial
        files = {"none": [], "two": [("A%d.TXT" % serial, b"a%d\r\n" % serial),
                                     ("B%d.BIN" % serial, bytes(range(200)))]}
        return {"sender": sender, "to": [self.to], "cc": [], "when": self.when, "full": subject,
                "text": text, "priority": priority, "files": files[self.row["files"]],
                "wild": serial % 3 == 0, "block": ""}

    def name(self, address):
        return makeblock.name_of(address, self.letters)


# ---- receipts --------------------------------------------------------------------------------


def languages(codec):
    return [name for name, labels in LABELS.items() if makeblock.encodes("".join(labels), codec)]


def windows(job, bad_sent=False, bad_read=False, bad_own=False, long_ids=False, deleted=False):
    """All of it is in the header block, whatever the language."""
    known = languages(job.codec)
    language = known[job.serial % len(known)]
    label = LABELS[language]
    ident = "%08X" % zlib.crc32(b"receipt %d" % job.serial)
    kind = "IPM.Microsoft Mail.%s" % ("Non-Read" if deleted else "Read Receipt")
    subject = label[12] + job.name(job.reader)
    original = job.reader if job.serial % 2 else None
    own = BAD_DATE if bad_own else job.when.strftime(MINUTE)
    address = "(MS:%s)" % original if original else ""
    values = [job.name(job.reader), own, job.name(job.to), subject, ident, ident,
              job.name(job.reader) + address, job.title,
              BAD_DATE if bad_sent else job.sent.strftime(MINUTE),
              BAD_DATE if bad_read else job.when.strftime(MINUTE), "C"]
    labels = list(label[:9]) + [label[10] if deleted else label[9], label[11]]
    if not long_ids:
        del values[4:6], labels[4:6]
    lines = [makeblock.FIRST + kind] + ["%s: %s" % pair for pair in zip(labels, values)]
    item = job.item(job.reader, subject, "\r\n".join(lines) + "\r\n", "C")
    if bad_own and language not in ("english", "french", "german"):
        return item  # which line is the date is told by its label or by its value
    item["block"] = item["text"]
    item["meaning"] = {
        "body": 0, "subject": subject, "class": kind, "parent_id": None, "priority": "C",
        "message_id": ident if long_ids else None, "conversation_id": ident if long_ids else None,
        "names": {"from": [job.name(job.reader)], "to": [job.name(job.to)], "cc": []}}
    item["report"] = {
        "type": "disposition-notification", "block": True, "original": original,
        "name": job.name(job.reader), "disposition": "deleted" if deleted else "displayed",
        "subject": job.title, "sent": None if bad_sent else job.sent.strftime(MINUTE),
        "read": None if bad_read else job.when.strftime(MINUTE)}
    return item


def dos(job, bad_sent=False):
    """Its lines are the text (Q131523)."""
    sent = "99-99-99" if bad_sent else job.sent.strftime("%m-%d-%y")
    lines = (" [013]             ***** Read receipt from a registered message *****", "",
             "Your message:", "", "To:    %-43s     Date: %s" % (job.name(job.reader), sent),
             "Subject:     %-37s     Time: %s" % (job.title[:40], job.sent.strftime("%H:%M")), "",
             "                     Was read " + job.when.strftime("%m-%d-%y %H:%M"), "")
    item = job.item(job.reader, "Registered: " + job.name(job.reader), "\r\n".join(lines), "C")
    item["report"] = {
        "type": "disposition-notification", "block": False, "original": None,
        "name": job.name(job.reader), "disposition": "displayed", "subject": job.title[:40],
        "sent": None if bad_sent else job.sent.strftime(MINUTE), "read": job.when.strftime(MINUTE)}
    return item


def bare(job):
    """Who read it is all that there is (Q107356)."""
    item = job.item(job.reader, "Registered: " + job.name(job.reader), "", "C")
    item["report"] = dict(
        dict.fromkeys(("original", "subject", "sent", "read")), type="disposition-notification",
        block=False, name=job.name(job.reader), disposition="displayed")
    return item


def plain_receipt(job):
    return job.item(job.reader, "Registered: " + job.name(job.reader), "", "3")


def plain_dos(job):
    """A code in the text of somebody who is no client."""
    return job.item(job.reader, "About codes", "[013] Read receipts, as we get them:\r\n%d\r\n" %
                    job.serial, "C")


# ---- failures --------------------------------------------------------------------------------


def people(job):
    """[(line of the report, address or None)]"""
    kind = job.row["people"]
    many = ["SOUTH/LAB/P%d" % n for n in range(job.serial % 7 + 2)] + [job.mapped]
    return {
        "one": [("SOUTH/LAB/KARL", "SOUTH/LAB/KARL")],
        "many": [(name, name) for name in many],
        "mapped": [(job.mapped, job.mapped)],
        "padded": [("SOUTH     /LAB       /KARL", "SOUTH/LAB/KARL")],
        "display": [("Allen, Angelia", None)],
    }[kind]


def returned(job, failed):
    """(text behind the ruler, what it says); those who did get it are in its To as well."""
    kind = job.row["original"]
    if kind == "none":
        return "", None
    delivered = [job.reader, "SOUTH/PORT/GOT_IT"] if len(failed) > 1 else []
    names = [job.name(a) if a else line for line, a in failed] + [job.name(a) for a in delivered]
    addresses = [a for _, a in failed] + delivered
    ident = "%08X" % zlib.crc32(b"returned %d" % job.serial)
    to = {"from": [(job.name(job.to), None)], "to": [(name, None) for name in names]}
    if kind == "brackets" and None not in addresses:
        names = [name + makeblock.in_brackets(a) for name, a in zip(names, addresses)]
        to["to"] = list(zip((job.name(a) for a in addresses), addresses))
    lines = [(makeblock.MAPI_FIRST if kind == "mapi" else makeblock.FIRST) + makeblock.NOTE,
             "From: " + job.name(job.to), "To:  " + "; ".join(names), "Subject:  " + job.title,
             "Date: " + job.sent.strftime(MINUTE), "Priority: 3", "Message ID: " + ident,
             "Conversation ID: " + ident, makeblock.RULER, "", "Text of the message.", ""]
    return "\r\n".join(lines), dict(to, subject=job.title, sent=job.sent.strftime(MINUTE),
                                    message_id=ident, text="\nText of the message.\n")


def failed_list(found, code):
    return [dict({"status": STATUS[code], "code": code},
                 **({"address": address} if address else {"name": line}))
            for line, address in found]


def failure(job, head, found, code, tail=()):
    text, copy = returned(job, found)
    lines = list(head) + ["   " + line for line, _ in found] + list(tail)
    lines += ["", makeblock.RULER, ""] if text else [""]
    item = job.item("NORTH/HQ/POSTMASTER", "Mail failure", "\r\n".join(lines) + text, "3")
    item["report"] = {"type": "delivery-status", "block": False,
                      "failed": failed_list(found, code), "returned": copy}
    return item


def coded(code):
    return ["[%s] %s" % (code, TEXTS[code][0])] + list(TEXTS[code][1:])


def failed(job):
    return failure(job, coded(job.code) + [""], people(job), job.code)


def failed_echo(job):
    """Who wrote it to whom comes first; it is not who wrote the report (Q131852, Q147471)."""
    head = ["FROM: " + job.name(job.to), "TO: " + job.name("SOUTH/LAB/KARL"),
            "DATE: " + job.when.strftime("%m-%d-%y"), "TIME: " + job.when.strftime("%H:%M"), "",
            "SUBJECT: " + ("Mail failure" if job.serial % 2 else job.title[:40]), "",
            "_" * 60, ""]
    return failure(job, head + coded(job.code), people(job), job.code)


def failed_route(job):
    """The first list is the way that it went (Q147471)."""
    head = ["[003] Message hop count exceeded. Message followed the following route:", ""]
    head += ["   " + name for name in ROUTE]
    return failure(job, head + ["", "while attempting to send to the following addresses:", ""],
                   people(job), "003")


def failed_nobody(job):
    """Names nobody (Q127919): it was for the only one whom the returned message was for."""
    found = [(job.name("SOUTH/LAB/KARL"), None)]
    item = failure(job, coded("002"), found, "002")
    text, copy = returned(job, found)
    item["text"] = "\r\n".join(coded("002") + ["", makeblock.RULER, "", text])
    if copy is None:
        del item["report"]
    return item


def two_causes(job):
    """Each list has the cause above it."""
    more = [("SOUTH/PORT/FULL%d" % job.serial, "SOUTH/PORT/FULL%d" % job.serial)]
    code = job.code
    tail = [""] + coded("017") + ["   " + line for line, _ in more]
    item = failure(job, coded(code), people(job), code, tail)
    item["report"]["failed"] += failed_list(more, "017")
    return item


def plain_failure(job):
    """The words of a report from a person; from the postmaster without a code."""
    if job.serial % 2:
        return job.item(job.reader, "Mail failure of pump %d" % job.serial,
                        "[005] Mail retry count exceeded sending to:\r\n   SOUTH/LAB/KARL\r\n", "3")
    return job.item("NORTH/HQ/POSTMASTER", "Mail failure", "Number %d\r\n" % job.serial, "3")


KINDS = {
    "read": windows,
    "not-read": lambda job: windows(job, deleted=True),
    "read-bad-sent": lambda job: windows(job, bad_sent=True),
    "read-bad-times": lambda job: windows(job, bad_sent=True, bad_read=True, long_ids=True),
    "read-bad-own": lambda job: windows(job, bad_own=True),
    "read-long": lambda job: windows(job, long_ids=True),
    "dos-read": dos,
    "dos-bad-sent": lambda job: dos(job, bad_sent=True),
    "bare": bare,
    "failed": failed,
    "failed-echo": failed_echo,
    "failed-route": failed_route,
    "failed-nobody": failed_nobody,
    "two-causes": two_causes,
    "plain-receipt": plain_receipt,
    "plain-failure": plain_failure,
    "plain-dos": plain_dos,
}


def plan(world, letters):
    """One of each pair of values, in order."""
    rows = pairs.rows(world.rng, pairs.read_spec(world.args.reports), 0)
    return [KINDS[row["report"]](Job(world, row, serial, letters))
            for serial, row in enumerate(rows, 1)]
