# SPDX-License-Identifier: BSD-2-Clause
"""What MS Mail has, feature by feature, each with a message that has it: doc/FIDELITY.md as data
(contrib/fidelity-page writes it). A new feature is one entry of FEATURES."""
import random
import struct
import zlib

import maketnef

MAP = """NORTH/SALES/BERG\tberg@corp.example\t\t\tBerg, Bertil
NORTH/SALES/CLARA\tclara@corp.example\t\t\tClara Núñez
NORTH/HQ/ANNA\tanna@corp.example\t\t\tAnna Ahlberg
EAST/PLANT/*\t%u@%p.%n.example
"""
QUEUE = "NORTH/SALES"
ANNA, BERG, CLARA = "CSI:NORTH/HQ/ANNA", "CSI:NORTH/SALES/BERG", "CSI:NORTH/SALES/CLARA"


def mail(text="Good morning.\r\n", to=(BERG,), cc=(), sender=ANNA, subject="Feature", priority="3",
         files=(), extra=(), day=None, minute=None, page="850"):
    """A message. `files`: (name, octets), or (name, octets, what they are in words)."""
    return {"text": text, "to": to, "cc": cc, "from": sender, "subject": subject, "priority": priority,
            "files": files, "extra": extra, "day": day, "minute": minute, "page": page}


def mmff(message):
    """Its octets as a GET program writes them (Q118785, Q147034)."""
    def enc(text):
        return text if isinstance(text, bytes) else text.encode("cp" + message["page"])
    lines = ["VERSION:3.00"] + ["TO:" + one for one in message["to"]]
    lines += ["CC:" + one for one in message["cc"]]
    lines += ["FROM:" + message["from"], "DATE:" + message["day"], "TIME:" + message["minute"]]
    lines += ["SUBJECT:" + message["subject"]] if message["subject"] else []
    lines += ["PRIORITY:" + message["priority"]] if message["priority"] else []
    lines += ["ATTACHMENT:%s %d" % (one[0], len(one[1])) for one in message["files"]]
    for kind, name, value in message["extra"]:
        lines += ["EXT:%s:%s" % (kind, name), value]
    text = enc(message["text"])
    head = b"".join(enc(line) + b"\r\n" for line in lines + ["TEXT:%d" % len(text)])
    return head + text + b"".join(one[1] for one in message["files"])


def winmail(*attributes):
    return (struct.pack("<IH", maketnef.SIGNATURE, 1) +
            maketnef.attribute(1, 0x00089006, struct.pack("<I", 0x10000)) +
            maketnef.attribute(1, 0x00069007, struct.pack("<II", 850, 0)) + b"".join(attributes))


def named(class_name):
    return maketnef.attribute(1, 0x00078008, class_name.encode() + b"\0")


def titled(title, data=b"", kind=1, items=()):
    """An attachment of a TNEF stream: its title, octets and properties."""
    out = maketnef.attribute(2, 0x00069002, maketnef.rendering(kind, 0, False))
    out += maketnef.attribute(2, 0x00018010, title.encode("cp850") + b"\0")
    out += maketnef.attribute(2, 0x0006800F, data) if data else b""
    return out + (maketnef.attribute(2, 0x00069005, maketnef.props(items)) if items else b"")


def formatted(rtf):
    packed = maketnef.pack_rtf(rtf, random.Random(3))
    return maketnef.attribute(1, 0x00069003, maketnef.props([maketnef.prop(0x10090102, packed)]))


def inner():
    return winmail(named("IPM.Microsoft Mail.Note"),
                   maketnef.attribute(1, 0x00018004, b"Inner subject\0"),
                   maketnef.attribute(1, 0x00038005, maketnef.date(1997, 4, 3, 17, 20)),
                   maketnef.attribute(1, 0x0002800C, b"The message inside.\r\n\0"))


def meeting(class_name="IPM.Microsoft Schedule.MtgReq"):
    name, address = b"Anna\0", b"MS:NORTH/HQ/ANNA\0"
    owner = struct.pack("<H", len(name)) + name + struct.pack("<H", len(address)) + address
    return winmail(named(class_name), maketnef.attribute(1, 0x00060000, owner),
                   maketnef.attribute(1, 0x00030006, maketnef.date(1997, 4, 10, 10, 0)),
                   maketnef.attribute(1, 0x00030007, maketnef.date(1997, 4, 10, 11, 30)),
                   maketnef.attribute(1, 0x00050008, struct.pack("<I", 4711)),
                   maketnef.attribute(1, 0x00040009, struct.pack("<H", 1)))


def macbinary():
    head = bytearray(128)
    head[1:6] = b"\x04NOTE"
    head[65:73] = b"TEXTttxt"
    head[83:87] = struct.pack(">I", 4)
    return bytes(head) + b"fork".ljust(128, b"\0")


BLOCK = ("Microsoft Mail v3.0 IPM.Microsoft Mail.Note\r\nFrom: Ahlberg, Anna\r\nTo:  Berg, Bertil\r\n"
         "Subject:  The price list for the spring, and what follows from it\r\n"
         "Date: 1997-04-07 08:05\r\nPriority: \r\nMessage ID: C7F3A747\r\n"
         "Parent message ID: 9D40F7B2\r\nConversation ID: C7F3A747\r\n\r\n"
         "------------------------------------------------------------------------------\r\n\r\n"
         "The list is ready.\r\n")
GERMAN = ("Microsoft Mail v3.0 IPM.Microsoft Mail.Note\r\nVon: Anna Ahlberg\r\nAn:  Berg\r\n"
          "Betreff:  AW: Preisliste\r\nDatum: 1997-04-07 08:05\r\nPrioritat: \r\n"
          "Nachrichten-ID: C7F3A747\r\nConversation ID: C7F3A747\r\n\r\n"
          "-----------------------------------------------------------------------------\r\n\r\n"
          "Die Liste ist fertig.\r\n")
UNKNOWN = ("Microsoft Mail v3.0 IPM.Microsoft Mail.Note\r\nAfsender: Anna\r\nEmne:  Prisliste\r\n\r\n"
           "Listen er klar.\r\n")
READ = ("Microsoft Mail v3.0 IPM.Microsoft Mail.Read Receipt\r\nFrom: Anna\r\n"
        "Date sent: 1997-04-07 08:05\r\nTo: Berg\r\nSubject: Return Receipt: Anna\r\n"
        "Your Message To: Anna(MS:NORTH/HQ/ANNA)\r\nEntitled: The price list\r\n"
        "And Sent On: 1997-04-04 13:07\r\nWas Read At: 1997-04-07 08:04\r\nPriority: C\r\n")
READ_DOS = (" [013]             ***** Read receipt from a registered message *****\r\n\r\n"
            "Your message:\r\n\r\nTo:    Anna                                     Date: 04-04-97\r\n"
            "Subject:     The price list                     Time: 13:07\r\n\r\n"
            "                     Was read 04-07-97 08:04\r\n")
FAILURE = ("FROM:NORTH/HQ/POSTMASTER\r\nTO:\r\nDATE:\r\nTIME:\r\nSUBJECT: Mail failure\r\n\r\n"
           "[002] Mail item was not delivered to:\r\nWEST/BRANCH/NOBODY\r\n\r\n"
           " -----------------------------------------------------------------------\r\n\r\n"
           "The returned text.\r\n")
USE, DECODE = {"header-block": "use"}, {"tnef": "decode"}
LONG = "x" * 1200


def feature(title, becomes, lost, message, show=(), settings=None, names=()):
    """`show`: header fields of the example, and "body", "text" (its first part), "types" (the fields
    that say what each part is); `settings`: how the example is made; `names`: settings that change it."""
    # No two messages are alike in all that makes a message, or the second is taken for the first.
    days, minute = divmod(zlib.crc32(title.encode()) % (28 * 1440), 1440)
    message["day"] = message["day"] or "1997-04-%02d" % (days + 1)
    message["minute"] = message["minute"] or "%02d:%02d" % divmod(minute, 60)
    return {"title": title, "becomes": becomes, "lost": lost, "message": message, "show": show,
            "settings": settings or {}, "names": tuple(names) + tuple(settings or {})}


SECTIONS = (
    ("People", (
        feature("Somebody in the map", "His SMTP address and the map's name of him",
                "His old name, which the map knows", mail(cc=(CLARA,)), ("From", "To", "Cc"), names=("map",)),
        feature("Somebody who is not in the map", "The old address, encapsulated as Exchange does it",
                "Replies reach nobody unless something reads IMCEA addresses in that domain; the display "
                "name, which MS Mail does not store with the address",
                mail(sender="CSI:WEST/BRANCH/O_BRIEN"), ("From",), names=("domain",)),
        feature("Somebody who has not moved, of a postoffice with a rule",
                "The address that the rule makes", "Nothing", mail(sender="CSI:EAST/PLANT/Olga"),
                ("From",), {"rewrite-unmapped": "true"}),
        feature("An address of the SMTP gateway", "That address", "Nothing",
                mail(cc=("SMTP:w.a.mozart@tinpanalley.example",)), ("Cc",)),
        feature("An address of the X.400 gateway", "Encapsulated, with its type",
                "Empty attributes (Q145585)", mail(cc=("X400:/c=us/a= /p=corp/o=/s=brown",)), ("Cc",),
                names=("domain",)),
        feature("Addresses of FAX, MHS, PROFS, SNADS and the other gateways", "Encapsulated, with their type",
                "Nothing", mail(cc=("FAX:Fred^0DHome^0D^0D555 7^0D", "MHS:User@Host {net/po/user}")),
                ("Cc",), names=("domain",)),
        feature("To and Cc, in their order", "To and Cc, in their order (Q192519)",
                "Nothing. A recipient in neither (Bcc) is in no header",
                mail(to=(CLARA, BERG), cc=(ANNA,)), ("To", "Cc")),
        feature("POSTMASTER", "The postmaster's or the encapsulated address as From, and the null sender in "
                "the envelope (Q98067)", "Nothing",
                mail(sender="CSI:NORTH/HQ/POSTMASTER"), ("From",), names=("map", "postmaster")),
    )),
    ("Header", (
        feature("A subject", "Subject, other characters than ASCII by RFC 2047", "Nothing",
                mail(subject="Grüße aus Málaga, \"zitiert\""), ("Subject",), names=("codepage",)),
        feature("A subject with controls (Q141970)", "The subject, a blank for each", "The controls",
                mail(subject="one\ttwo\x07three"), ("Subject",)),
        feature("No subject (Q165093)", "An empty Subject", "Nothing", mail(subject=""), ("Subject",)),
        feature("A subject of more than 40 characters (Q156844)",
                "All of it, from the header block, up to 255 characters",
                "With `header-block = keep` what is beyond the 40: it stays in the text",
                mail(BLOCK, subject="The price list for the spring, and what "), ("Subject",), USE),
        feature("Date and time of sending", "Date, with the offset that the zone had on that day",
                "Seconds, which MS Mail does not have. One that clocks have twice is the second of the two",
                mail(day="1997-10-26", minute="02:30"), ("Date",), {"timezone": "Europe/Berlin"}),
        feature("A date that a wrong clock wrote (Q158399)", "The time of the relay, and what was written in a "
                "field of its own", "Nothing", mail(day="2079-12-31", minute="23:59"), ("X-MSMail-Date",)),
        feature("Priority 1", "Low", "Nothing", mail(priority="1"),
                ("Importance", "X-Priority", "X-MSMail-Priority")),
        feature("Priorities 2 and 3, or none (Q112915)", "Normal: no header",
                "Which of the three it was", mail(priority="2"), ("Importance", "X-Priority")),
        feature("Priorities 4 and 5 (Q112915)", "High; 5 is `Priority: urgent`, too",
                "Nothing", mail(priority="5"),
                ("Importance", "X-Priority", "X-MSMail-Priority", "Priority")),
        feature("Priority R, registered (Q100457)", "High, and the wish for a read receipt",
                "A receipt of delivery, which MS Mail does not have either (Q149021)", mail(priority="R"),
                ("Importance", "X-Priority", "Disposition-Notification-To", "Return-Receipt-To"),
                {"legacy-receipts": "true"}, ("registered-importance", "receipt-as-dsn")),
        feature("Priorities F, T and those without a meaning (Q118787)",
                "Normal, and the letter in a field of its own", "Nothing", mail(priority="F"),
                ("Importance", "X-MSMail-Priority-Raw")),
        feature("Fields of Extended MMFF (Q147034)", "A field for each", "Names and kinds with `=` or `:`",
                mail(extra=(("I:3", "HEADLEN", "0"),)), ("X-MSMail-Ext",)),
        feature("Identity of message, parent and conversation (Q175958)", "Fields of their own",
                "With `header-block = keep` they stay in the text",
                mail(BLOCK, subject="The price list for the spring, and what "),
                ("X-MSMail-Message-ID", "X-MSMail-Parent-Message-ID", "X-MSMail-Conversation-ID"), USE),
        feature("Where a message came from", "A Message-ID made of the message's contents alone, and the "
                "postoffice", "Nothing", mail(), ("Message-ID", "X-MSMail-Source"), names=("domain",)),
    )),
    ("Text", (
        feature("A text", "text/plain in UTF-8, 7-bit where it can be", "Nothing", mail(), ("text",)),
        feature("Text in the postoffice's code page", "UTF-8",
                "Nothing", mail("Grüße, señor: ½ ø\r\n"), ("text",), names=("codepage",)),
        feature("Octets that the code page lacks (Q164468)", "U+FFFD, and they are counted",
                "Which octets they were", mail(b"one \x81 two\r\n", page="1252"), ("text",),
                {"codepage": "1252"}),
        feature("Text for receivers that do not know UTF-8", "ISO 8859-1, where all of it is in that",
                "Nothing", mail("Grüße, señor\r\n"), ("text",), {"charset": "latin1"}),
        feature("Text in a code page of double octets", "UTF-8, no pair is ever cut",
                "Nothing", mail("日本語\r\n", page="932"), ("text",), {"codepage": "932"}),
        feature("Lines, blank lines at the begin, tabs, dots, a last line without its end",
                "The same lines", "Nothing", mail("\r\n\tone\r\n.\r\n..two\r\n\r\nno end"), ("text",)),
        feature("Lines of more than 998 octets (Q181649)", "The same lines, encoded", "Nothing",
                mail(LONG + "\r\n"), ("text",)),
        feature("CR or LF alone, NUL, and ^Z at the end", "Line ends; left out; left out",
                "NUL and the ^Z, which are no text", mail("one\rtwo\nthree\0\r\n\x1a"), ("text",)),
        feature("The header block of Windows clients (Q119356, Q175958)",
                "Its values are used, and it is taken out of the text where it is understood, in eight languages",
                "Its labels. With `keep` nothing: it stays as it is",
                mail(BLOCK, subject="The price list for the spring, and what "), ("text",), USE),
        feature("A header block of a client in German (Q119356)", "The same, by its labels",
                "Its labels", mail(GERMAN, subject="AW: Preisliste"), ("Subject", "text"), USE),
        feature("A header block that is not understood", "Text, as it is", "Nothing",
                mail(UNKNOWN, subject="Prisliste"), ("text",), USE),
        feature("Placeholders of attachments (Q126648)", "Text, as they are", "The place of the file",
                mail("See <<File Attachment: PRICES.TXT>> here.\r\n"), ("text",)),
    )),
    ("Attachments", (
        feature("A file", "A part of a type by its name and its first octets, octet for octet",
                "Nothing", mail(files=(("PRICES.GIF", b"GIF87a\1\0\1\0\0\0\0;"),)), ("types",)),
        feature("A name with other characters than ASCII (Q175958)", "The name, by RFC 2231",
                "Nothing", mail(files=(("GRÖSSE.TXT", b"1\r\n"),)), ("types",)),
        feature("Names that other systems cannot have, and equal names", "A safe name, each once",
                "Paths, controls, quotes, names of devices",
                mail(files=(("C:\\DATA\\CON", b"1"), ("A.TXT", b"2"), ("A.TXT", b"3"))), ("types",)),
        feature("A file of no octets (Q193762)", "A part of no octets", "Nothing",
                mail(files=(("EMPTY.TXT", b""),)), ("types",)),
        feature("A MacBinary file (Q86371)", "application/macbinary, with both forks", "Nothing",
                mail(files=(("NOTE", macbinary(), "MacBinary I"),)), ("types",)),
    )),
    ("WINMAIL.DAT", (
        feature("Long names of attachments (Q136474)", "The long name, on the postoffice's file",
                "The name in 8.3 form", mail(files=(
                    ("PRICES.DOC", b"prices"), ("WINMAIL.DAT", winmail(
                        named("IPM.Microsoft Mail.Note"), titled("Prices of the spring.doc", b"prices")),
                     "TNEF: PRICES.DOC is \"Prices of the spring.doc\""))), ("types",), DECODE),
        feature("Formatted text", "text/html beside the plain text",
                "What HTML does not show of RTF",
                mail("Good morning.\r\n", files=(("WINMAIL.DAT", winmail(
                    named("IPM.Microsoft Mail.Note"),
                    formatted("{\\rtf1\\ansi\\ansicpg1252\\pard Good {\\b morning}.}")),
                    "TNEF: RTF with one word in bold type"),)), ("body",), DECODE),
        feature("A message as an attachment (Q157420)", "message/rfc822",
                "Its sender, when the stream does not say it", mail(files=(("WINMAIL.DAT", winmail(
                    named("IPM.Microsoft Mail.Note"), titled("Inner subject", items=(
                        maketnef.prop(0x37050003, 5),
                        maketnef.prop(0x3701000D, maketnef.IMESSAGE + inner())))),
                    "TNEF: a message inside"),)), ("body",), DECODE),
        feature("An OLE object (Q200661)", "application/x-oleobject",
                "Its place in the text", mail(files=(("WINMAIL.DAT", winmail(
                    named("IPM.Microsoft Mail.Note"),
                    titled("Picture", maketnef.ole_stream("PBrush", b"native data"), 2)),
                    "TNEF: an object of the class PBrush"),)), ("types",), DECODE),
        feature("An OLE object, unwanted", "A line with its class", "The object and its picture",
                mail(files=(("WINMAIL.DAT", winmail(
                    named("IPM.Microsoft Mail.Note"),
                    titled("Picture", maketnef.ole_stream("PBrush", b"native data"), 2)),
                    "TNEF: an object of the class PBrush"),)), ("body",), dict(DECODE, ole="text")),
        feature("A meeting of Schedule+ (Q107205)", "Its time above the text",
                "Fields of Schedule+ that are not public", mail(
                    "Please come.\r\n", files=(("WINMAIL.DAT", meeting(), "TNEF: a meeting request"),)),
                ("X-MSMail-Message-Class", "text"), DECODE, ("schedule",)),
        feature("A meeting of Schedule+, for calendars", "text/calendar, too",
                "As above", mail(
                    "Please come.\r\n", files=(("WINMAIL.DAT", meeting(), "TNEF: a meeting request"),)),
                ("body",), dict(DECODE, schedule="both")),
        feature("An answer to a meeting of Schedule+ (Q93260)", "An answer (iTIP REPLY), too",
                "As above", mail(
                    "I shall come.\r\n", sender=CLARA, to=(ANNA, BERG), files=(("WINMAIL.DAT", meeting(
                        "IPM.Microsoft Schedule.MtgRespP"), "TNEF: a meeting is accepted"),)),
                ("body",), dict(DECODE, schedule="ical")),
        feature("Classes of other programs (Q107355)", "A note, and the class in a field",
                "The form that showed it", mail(files=(("WINMAIL.DAT", winmail(
                    named("IPM.Vendor.Order"), titled("FORM.DAT", b"form")), "TNEF: a class of its own"),)),
                ("X-MSMail-Message-Class", "types"), DECODE),
        feature("WINMAIL.DAT for receivers that read it", "application/ms-tnef",
                "Its lists of people, which would break replies (Q184457)", mail(files=(("WINMAIL.DAT", winmail(
                    named("IPM.Microsoft Mail.Note")), "TNEF: the class only"),)), ("types",),
                {"tnef": "pass"}),
        feature("WINMAIL.DAT as a file", "An attachment like any other", "Nothing", mail(
            files=(("WINMAIL.DAT", winmail(named("IPM.Microsoft Mail.Note")), "TNEF: the class only"),)),
            ("types",), {"tnef": "keep"}),
        feature("WINMAIL.DAT unwanted (Q94180)", "Nothing", "All that is only there", mail(
            files=(("WINMAIL.DAT", winmail(named("IPM.Microsoft Mail.Note")), "TNEF: the class only"),)),
            ("types",), {"tnef": "drop"}),
    )),
    ("Receipts and reports", (
        feature("A read receipt of a Windows client (Q129707)", "A disposition notification of RFC 8098",
                "Nothing", mail(READ, priority="C", subject="Return Receipt: Anna"), ("body",), USE),
        feature("A read receipt of a DOS client (Q131523)", "The same", "Nothing",
                mail(READ_DOS, priority="C", subject="The price list"), ("body",), USE),
        feature("A message was deleted unread (Q175040)", "The same, with `deleted`", "Nothing",
                mail(READ.replace("Mail.Read Receipt", "Mail.Non-Read"), priority="C",
                     subject="Return Receipt: Anna"), ("body",), USE),
        feature("A receipt without a text (Q107356)", "The same, with what the subject tells", "Nothing",
                mail("", priority="C", subject="Registered: Anna"), ("body",), USE),
        feature("A receipt that is not understood", "An ordinary message with all of its text, and "
                "`Auto-Submitted`", "Nothing", mail("Gelezen.\r\n", priority="C"),
                ("Auto-Submitted", "text"), USE),
        feature("A failure report of MS Mail (Q131852, Q175958)", "A delivery status notification of RFC 3464",
                "Nothing", mail(FAILURE, sender="CSI:NORTH/HQ/POSTMASTER", subject="Mail failure"),
                ("body",), USE),
    )),
)
