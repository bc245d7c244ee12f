#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The header that Windows clients write above a text, in each shape of corpus.spec, and what a relay
owes that uses it.

add() puts a header before the text of an item and notes in item["meaning"] what is in it.  A client
writes them in its own language; those of English, German, Spanish and French are printed (Q119356,
Q131523, Q175958), those of the others are read by their places.  What the meaning holds:

  body     characters of the text that go; 0: no header that is surely one, all of the text stays
  subject  all of it, or None: that of the message stays
  names    {"from", "to", "cc": a display name or None for each of the message's addresses}
  class, message_id, parent_id, conversation_id    None: not told
  priority  of the header's line: counts when the message has none of its own
"""

import zlib

RULER = "-" * 78
FIRST = "Microsoft Mail v3.0 "
MAPI_FIRST = "Microsoft Mail v3.0 (MAPI 1.0 Transport) "  # Q140949
NOTE = "IPM.Microsoft Mail.Note"
CLASSES = ("IPM.Vendor.OrderForm", "IPM.Microsoft.MEF.Holiday", "IPM.Microsoft Schedule.MtgRespP")

PARTS = ("from", "to", "cc", "subject", "date", "priority", "message", "parent", "conversation",
         "attachments")
PRINTED = ("english", "german", "spanish", "french")
LABELS = {
    "english": ("From", "To", "Cc", "Subject", "Date", "Priority", "Message ID",
                "Parent message ID", "Conversation ID", "Attachments"),
    "german": ("Von", "An", "Cc", "Betreff", "Datum", "Priorität", "Nachrichten-ID",
               "Parent message ID", "Conversation ID", "Attachments"),
    "spanish": ("De", "Para", "Cc", "Asunto", "Fecha", "Prioridad", "Ident. del mensaje",
                "Ident. del mensaje principal", "Ident. de la conversacion", "Attachments"),
    "french": ("De", "A", "Cc", "Objet", "Date d'envoi", "Priority", "Identification du message",
               "Parent message ID", "ID de la conversation", "Attachments"),
    "swedish": ("Från", "Till", "Kopia", "Ärende", "Datum", "Prioritet", "Meddelande-ID",
                "Svar på meddelande-ID", "Konversations-ID", "Bilagor"),
    "polish": ("Od", "Do", "Kopia", "Temat", "Data", "Priorytet", "ID wiadomości",
               "ID poprzedniej", "ID rozmowy", "Załączniki"),
    "russian": ("От", "Кому", "Копия", "Тема", "Дата", "Важность", "Код сообщения",
                "Код исходного", "Код беседы", "Вложения"),
    "japanese": ("差出人", "宛先", "写し", "件名", "日付", "重要度", "メッセージ ID",
                 "元のメッセージ ID", "会話 ID", "添付ファイル"),
}
FIRSTS = "Anna Bert Clara David Elena Frank Greta Hugo Ida Jonas Karin Lars".split()
LASTS = "Ahl Brand Cort Dubo Erik Fisch Gome Hans Ivan Jens Kell Lars".split()


def encodes(text, codec):
    try:
        text.encode(codec)
    except UnicodeEncodeError:
        return False
    return True


def languages(codec):
    """Those whose labels the code page has."""
    return [name for name, labels in LABELS.items() if encodes("".join(labels), codec)]


def name_of(address, letters):
    """What the client's address book calls it: the same for the same address, no ';' in it."""
    seed = zlib.crc32(address.upper().encode("utf-8"))
    first, last = FIRSTS[seed % 12], LASTS[seed // 12 % 12]
    some = letters[seed // 144 % len(letters)]
    return ("%s %s" % (first, last), "%s%s, %s" % (last, some, first),
            "%s %s (local)" % (first, last), "%s %s%s" % (first, some, last))[seed // 1000 % 4]


def in_brackets(address):
    """As clients show one that is not in the address book (Q129707)."""
    typed = ":" in address.split("/", 1)[0]
    return "(%s)" % (address if typed else "MS:" + address)


class Block:
    """One header on its way: lines as (part, label, value), in their order."""

    def __init__(self, item, language, letters, serial):
        self.item, self.letters, self.serial = item, letters, serial
        self.label = dict(zip(PARTS, LABELS[language]))
        self.printed = language in PRINTED
        self.first, self.ending, self.kind = FIRST, "\r\n", NOTE
        self.tail = [RULER]
        self.goes, self.subject_fits = True, True
        ident = "%08X" % zlib.crc32(b"message %d" % serial)
        self.ids = {"message": ident, "parent": None, "conversation": ident}
        self.names = {part: [name_of(a, letters) for a in addresses] for part, addresses in (
            ("from", [item["sender"]]), ("to", item["to"]), ("cc", item["cc"]))}
        self.values = {
            "from": self.names["from"][0],
            "to": "; ".join(self.names["to"]),
            "cc": "; ".join(self.names["cc"]),
            "subject": item["full"],
            "date": item["when"].strftime("%Y-%m-%d %H:%M"),
            "priority": item["priority"] if serial % 2 else "",
        }
        self.extra = {}  # part: lines that follow it, as they are

    def lines(self):
        values = dict(self.values, **self.ids)
        out = [self.first + self.kind]
        for part in PARTS:
            value = values.get(part)
            if value is None or (part == "cc" and not value):
                continue
            gap = "  " if part in ("to", "subject") else " "
            out.append("%s:%s%s" % (self.label[part], gap, value))
            out += self.extra.get(part, [])
        return out

    def finish(self, body):
        """Into the item: the header, BODY behind it, the meaning of both."""
        item = self.item
        block = self.ending.join(self.lines() + self.tail)
        block += self.ending if self.tail[-1] else ""
        item["block"], item["text"] = block, block + body
        if not self.goes:
            return
        item["meaning"] = {
            "body": len(block),
            "subject": item["full"] if self.subject_fits else None,
            "names": self.names,
            "class": self.kind,
            "message_id": self.ids["message"],
            "parent_id": self.ids["parent"],
            "conversation_id": self.ids["conversation"],
            "priority": self.values["priority"] or None,
        }


# ---- the shapes ------------------------------------------------------------------------------


def plain(block):
    return block


def parent(block):
    """An answer: three numbers (Q119356)."""
    block.ids["parent"] = "%08X" % zlib.crc32(b"parent %d" % block.serial)
    block.ids["conversation"] = block.ids["parent"]


def mapi(block):
    """Of the Exchange client: long numbers, and the conversation is a text (Q140949)."""
    block.first = MAPI_FIRST
    block.ids["message"] *= 4
    if block.printed:
        block.ids["conversation"] = "Topic %d" % block.serial


def attachments(block):
    """The names of the files are lines of their own (Q175958)."""
    block.values["attachments"] = ""
    block.extra["attachments"] = ["  " + name for name, _ in block.item["files"]] or ["  GONE.TXT"]


def priority(block):
    """The message itself has none."""
    block.item["priority"] = ""
    block.values["priority"] = "15R3"[block.serial % 4]


def no_ruler(block):
    """Ends with the blank line that is the body's (Q98209), as printed in Q129707."""
    block.tail = [""]


def blank_before_ruler(block):
    """As Q119356 prints the German one; a blank line follows that is the body's."""
    block.tail = ["", RULER]


def brackets(block):
    """Each name has its address; the order is another one, and one name is too many."""
    for part, addresses in (("from", [block.item["sender"]]), ("to", block.item["to"]),
                            ("cc", block.item["cc"])):
        shown = [name + in_brackets(address)
                 for name, address in zip(block.names[part], addresses)][::-1]
        if part == "to":
            shown.append("Nobody (MS:NORTH/HQ/NOBODY)")
        block.values[part] = "; ".join(shown)


def group(block):
    """A group's name in the place of its members': it is nobody's, unless there is one only."""
    block.values["to"] = "Everybody"
    count = len(block.item["to"])
    block.names["to"] = ["Everybody"] if count == 1 else [None] * count


def folded(block):
    """Names on two lines, the second one set in."""
    if len(block.names["to"]) > 1:
        block.values["to"] = block.names["to"][0] + ";"
        block.extra["to"] = ["     " + "; ".join(block.names["to"][1:])]


def other_class(block):
    block.kind = CLASSES[zlib.crc32(b"%d" % block.serial) % 3]


def two_subjects(block):
    """The first one is the subject (Q134371). Where no label is known only its place tells."""
    where = "subject" if block.printed else "date"
    block.extra[where] = ["%s:  Another subject" % block.label["subject"]]


def date_only(block):
    """The subject was changed on the way: the date shows that the header is this message's."""
    block.values["subject"] = "Changed subject %d" % block.serial
    block.subject_fits = False


def other_message(block):
    """Neither subject nor date are the message's: somebody wrote about a header."""
    block.values["subject"] = "Quoted subject %d" % block.serial
    block.values["date"] = "1991-02-03 04:05"
    block.goes = False


def almost(block):
    """Not surely a header."""
    kind = zlib.crc32(b"%d" % block.serial) % 4
    if kind == 0:
        block.values["date"] = None
    elif kind == 1:
        block.extra["date"] = ["and a line without any label"]
    elif kind == 2:
        block.tail = ["Please: call me about it", ""]
    else:
        block.first = "This is no header: " + FIRST
    block.goes = False


def line_ends(block):
    """LF or CR alone end a line as well; CR CR LF is a line and a blank one, which ends it all."""
    block.ending = ("\n", "\r", " \r\n", "\r\r\n")[block.serial % 4]
    block.goes = block.ending != "\r\r\n"


# those of one value take turns
SHAPES = {
    "plain": (plain, blank_before_ruler),
    "ids": (parent, mapi),
    "lines": (attachments, priority, folded),
    "names": (brackets, group),
    "marks": (other_class, two_subjects),
    "no-ruler": (no_ruler,),
    "date-only": (date_only,),
    "unsure": (other_message, almost),
    "line-ends": (line_ends,),
}


def dos(item, letters):
    """That of DOS clients and gateways (Q119356): two columns, a ruler; no numbers, no class."""
    names = {part: [name_of(a, letters) for a in item[part]] for part in ("to", "cc")}
    when = item["when"]
    block = "\r\n".join((
        "TO: %-40s   DATE: %s" % ("; ".join(names["to"]), when.strftime("%m-%d-%y")),
        "CC: %-40s   TIME: %s" % ("; ".join(names["cc"]), when.strftime("%I:%M %p")),
        "SUBJECT: " + item["full"], "PRIORITY: ", "ATTACHMENTS: ", "", RULER, ""))
    item["meaning"] = dict(
        dict.fromkeys(("class", "message_id", "parent_id", "conversation_id", "priority")),
        body=len(block), subject=item["full"], names=dict(names, **{"from": [None]}))
    item["block"], item["text"] = block, block + item["text"]


def add(item, shape, codec, letters, serial):
    """`shape` of a header before the text of `item`; the languages take turns."""
    if shape == "none":
        return
    if shape == "dos":
        dos(item, letters)
        return
    known = languages(codec)
    block = Block(item, known[serial % len(known)], letters, serial)
    body = item["text"]
    if shape == "twice":
        block.finish("")
        body = item["block"] + body
        block = Block(item, known[serial % len(known)], letters, serial)
    else:
        turns = SHAPES[shape]
        turns[serial // len(known) % len(turns)](block)
    block.finish(("\r\n" if serial % 3 == 0 or shape == "no-ruler" else "") + body)
