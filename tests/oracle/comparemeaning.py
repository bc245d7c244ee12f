#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What a header block, a priority, a read receipt and a failure report must have become.

The meanings are made by makeblock.py and makereports.py; compare.py asks here what is owed and
whether it came.  `use` is False where the gateway was told to leave header blocks alone."""

import datetime
import email
import email.policy
import email.utils

import corpus

MARKS = {
    "X-MSMail-Message-Class": "class",
    "X-MSMail-Message-ID": "message_id",
    "X-MSMail-Parent-Message-ID": "parent_id",
    "X-MSMail-Conversation-ID": "conversation_id",
}
ORDINARY = "IPM.Microsoft Mail.Note"
MOST_SUBJECT = 255


class Owed:
    """A message of the truth, as its header block tells it when that is used."""

    def __init__(self, message, use):
        meaning = (message.get("meaning") if use else None) or {}
        report = message.get("report")
        self.report = report if report and (use or not report["block"]) else None
        self.text = message["text"][meaning.get("body", 0) :]
        self.subject = meaning.get("subject")
        if self.subject is None:
            self.subject = message["subject"]
        self.subject = self.subject[:MOST_SUBJECT]
        self.names = meaning.get("names", {})
        self.priority = message["priority"] or meaning.get("priority") or ""
        self.headers = {name: meaning.get(key) for name, key in MARKS.items()}
        if self.headers["X-MSMail-Message-Class"] == ORDINARY:
            self.headers["X-MSMail-Message-Class"] = None
        self.headers.update(dict.fromkeys(corpus.PRIORITY_HEADERS))
        self.headers.update(corpus.PRIORITIES[self.priority])
        if self.report:
            self.headers["Auto-Submitted"] = "auto-replied"
        self.wants_receipt = "Disposition-Notification-To" in corpus.PRIORITIES[self.priority]

    def name(self, field, index):
        """What the block calls the INDEX-th address of that field, or None."""
        names = self.names.get(field) or []
        return names[index] if index < len(names) else None


# ---- header fields ---------------------------------------------------------------------------


def header_differences(want, message, owed):
    """Fields of MS Mail, how urgent it is, who wants to know that it was read."""
    out = []
    wanted = dict(owed.headers)
    if owed.wants_receipt:
        wanted["Disposition-Notification-To"] = want.sender[0][0]
    for name, value in wanted.items():
        came = message.get_all(name, [])
        texts = [str(one).strip(" \t") for one in came]
        if texts != ([] if value is None else [value]):
            out.append("%s: %r wanted, %r came" % (name, value, texts))
    return out


# ---- reports ---------------------------------------------------------------------------------


def is_report(message):
    return message.get_content_type() == "multipart/report"


def leaves(message):
    """Parts without parts; what is inside of a message is not looked into."""
    if message.get_content_maintype() == "message" or not message.is_multipart():
        return [message]
    return [leaf for part in message.iter_parts() for leaf in leaves(part)]


def content_leaves(message):
    """(the text and attachments of MESSAGE: of a report its text, and what its copy of the first
    message has attached)"""
    if not is_report(message):
        return leaves(message)
    parts = list(message.iter_parts())
    inner = returned_message(parts[2]) if len(parts) > 2 else None
    return leaves(parts[0]) + (leaves(inner)[1:] if inner is not None else [])


def returned_message(part):
    """The message in a part message/rfc822, or None."""
    return part.get_content() if part.get_content_type() == "message/rfc822" else None


def header_blocks(part):
    """The fields of a part for programs, block by block."""
    payload = part.get_payload()
    if isinstance(payload, str):
        return [email.message_from_string(payload, policy=email.policy.default)]
    blocks = [block for block in payload if block.keys()]
    return blocks


def field(block, name):
    value = block[name]
    return None if value is None else " ".join(str(value).split())


def same_minute(value, wanted, zone):
    """Whether the date VALUE is the local minute WANTED; both may be None."""
    if value is None or wanted is None:
        return value is None and wanted is None
    when = email.utils.parsedate_to_datetime(value)
    local = datetime.datetime.strptime(wanted, "%Y-%m-%d %H:%M").replace(tzinfo=zone)
    return when == local


class Report:
    """Compares one multipart/report."""

    def __init__(self, want, owed, truth, options, zone, smtp_of):
        self.want, self.owed, self.truth, self.zone = want, owed.report, truth, zone
        self.smtp = lambda address: smtp_of(address, truth["map"], options.encap_domain)[0]
        self.out = []

    def differ(self, name, wanted, came):
        if wanted != came:
            self.out.append("%s: %r wanted, %r came" % (name, wanted, came))

    def compare(self, received):
        message, kind = received.message, self.owed["type"]
        self.differ("the type", "multipart/report", message.get_content_type())
        self.differ("report-type", kind, message.get_param("report-type"))
        if received.sender is not None or message["Return-Path"] is not None:
            sender = received.sender if received.sender is not None else message["Return-Path"]
            self.differ("the envelope sender", "", str(sender).strip("<> "))
        if self.out:
            return self.out
        parts = list(message.iter_parts())
        self.differ("the second part", "message/" + kind, parts[1].get_content_type())
        if not self.out:
            blocks = header_blocks(parts[1])
            (self.receipt if kind == "disposition-notification" else self.failure)(blocks)
            self.original(parts[2:])
        return self.out

    def receipt(self, blocks):
        self.differ("groups of fields", 1, len(blocks))
        block, owed = blocks[0], self.owed
        original = owed["original"] or self.truth_sender()
        self.differ("Original-Recipient", "x-msmail; " + original,
                    field(block, "Original-Recipient"))
        self.differ("Final-Recipient", "rfc822; " + self.want.sender[0][0],
                    field(block, "Final-Recipient"))
        self.differ("Disposition", "manual-action/MDN-sent-automatically; " + owed["disposition"],
                    field(block, "Disposition"))
        if not field(block, "Reporting-UA"):
            self.out.append("no Reporting-UA")
        for name, wanted in (("X-MSMail-Sent-Date", owed["sent"]),
                             ("X-MSMail-Read-Date", owed["read"])):
            came = field(block, name)
            if not same_minute(came, wanted, self.zone):
                self.out.append("%s: %r wanted, %r came" % (name, wanted, came))

    def truth_sender(self):
        return next(m["sender"] for m in self.truth["messages"] if m["mai"] == self.want.mai)

    def failure(self, blocks):
        place = "x-msmail; %s/%s" % (self.truth["network"], self.truth["postoffice"])
        self.differ("Reporting-MTA", place, field(blocks[0], "Reporting-MTA"))
        self.differ("failed addresses", len(self.owed["failed"]), len(blocks) - 1)
        for failed, block in zip(self.owed["failed"], blocks[1:]):
            self.failed(failed, block)

    def failed(self, failed, block):
        name = failed.get("address") or failed["name"]
        ascii_name = "".join(c if c.isascii() else "?" for c in name)
        self.differ("Original-Recipient", "x-msmail; " + ascii_name,
                    field(block, "Original-Recipient"))
        final = "x-msmail; " + ascii_name
        if failed.get("address"):
            final = "rfc822; " + self.smtp(failed["address"])
        self.differ("Final-Recipient", final, field(block, "Final-Recipient"))
        self.differ("Action", "failed", field(block, "Action"))
        self.differ("Status", failed["status"], field(block, "Status"))
        code = field(block, "Diagnostic-Code") or ""
        if not code.startswith("x-msmail; [%s] " % failed["code"]):
            self.out.append("Diagnostic-Code: %r for [%s]" % (code, failed["code"]))

    def original(self, parts):
        """What is known of the message that it is about: a header, or all with its attachments."""
        known, attached = self.known(), bool(self.want.attachments)
        if known is None and not attached:
            self.differ("a third part", 0, len(parts))
            return
        self.differ("a third part", 1, len(parts))
        if not parts:
            return
        kind = "message/rfc822" if attached else "text/rfc822-headers"
        self.differ("the third part", kind, parts[0].get_content_type())
        if parts[0].get_content_type() != kind:
            return
        head = returned_message(parts[0]) or email.message_from_string(
            parts[0].get_content(), policy=email.policy.default)
        # A message has a From, a Date or a Subject (RFC 2046 5.2.1): of one that nothing is known of
        # the Subject is there, and empty.
        self.header(head, known or ({"subject": ""} if attached else {}))
        if attached and (known or {}).get("text") is not None:
            text = leaves(head)[0].get_content().replace("\r\n", "\n")
            self.differ("its text", known["text"], text)

    def known(self):
        """{header: value} or None when nothing is known."""
        owed = self.owed
        if owed["type"] == "delivery-status":
            return owed["returned"]
        if owed["subject"] is None:
            return None
        reader = owed["original"] or self.truth_sender()
        return {"subject": owed["subject"], "sent": owed["sent"], "to": [(owed["name"], reader)],
                "from": [(None, self.to_address())]}

    def to_address(self):
        return next(m["to"][0] for m in self.truth["messages"] if m["mai"] == self.want.mai)

    def header(self, head, known):
        self.differ("its Subject", known.get("subject"),
                    None if head["Subject"] is None else str(head["Subject"]))
        if not same_minute(field(head, "Date"), known.get("sent"), self.zone):
            self.out.append("its Date: %r, not %r" % (field(head, "Date"), known.get("sent")))
        self.differ("its X-MSMail-Message-ID", known.get("message_id"),
                    field(head, "X-MSMail-Message-ID"))
        for name in ("From", "To"):
            people = known.get(name.lower(), [])
            if all(address for _, address in people):
                came = [a.addr_spec for a in head[name].addresses] if head[name] else []
                self.differ("its " + name, [self.smtp(address) for _, address in people], came)
            else:
                self.differ("its X-MSMail-" + name, "; ".join(shown for shown, _ in people),
                            field(head, "X-MSMail-" + name))


def report_differences(want, owed, received, truth, options, zone, smtp_of):
    if owed.report is None:
        kind = received.message.get_content_type()
        return ["it became a report"] if kind == "multipart/report" else []
    return Report(want, owed, truth, options, zone, smtp_of).compare(received)
