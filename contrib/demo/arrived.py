#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""arrived.py MAILDIR TRUTH: shows what arrived at the mail server, one line a message, and compares
recipient, subject, text and attachments of each with the truth that mkpostoffice.py wrote. Status 0
when every message that was to be relayed is there once and nothing else is."""

import email
import email.policy
import hashlib
import json
import os
import sys


def read_maildir(path):
    for name in sorted(os.listdir(os.path.join(path, "new"))):
        with open(os.path.join(path, "new", name), "rb") as file:
            yield email.message_from_binary_file(file, policy=email.policy.default)


def digest(octets):
    return hashlib.sha256(octets).hexdigest()


def lines(text):
    """Line ends do not survive SMTP as they were."""
    return text.replace("\r\n", "\n").rstrip("\n")


def facts_of(mail):
    files = [(part.get_filename(), digest(part.get_content())) for part in mail.iter_attachments()]
    return (
        str(mail["Delivered-To"]).lower(),
        str(mail["Subject"]),
        lines(mail.get_body(("plain",)).get_content()),
        tuple(sorted(files)),
    )


def wanted(truth):
    for message in truth["messages"]:
        files = tuple(sorted((file["name"], file["sha256"]) for file in message["attachments"]))
        for item in message["items"]:
            for person in item["mapped"] if item["relay"] else []:
                yield (
                    person["smtp"].lower(),
                    message["subject"],
                    lines(message["text"]),
                    files,
                )


def show(mail):
    names = [part.get_filename() for part in mail.iter_attachments()]
    to = str(mail["Delivered-To"]).partition("@")[0]
    attached = "  + " + ", ".join(names) if names else ""
    print("%-22s %s%s" % (to, mail["Subject"], attached))


def main():
    with open(sys.argv[2], encoding="utf-8") as file:
        truth = json.load(file)
    mails = sorted(read_maildir(sys.argv[1]), key=lambda mail: mail["Date"].datetime)
    for mail in mails:
        show(mail)
    missing, extra = sorted(wanted(truth)), []
    for mail in mails:
        facts = facts_of(mail)
        if facts in missing:
            missing.remove(facts)
        else:
            extra.append(facts)
    for what, found in (("missing", missing), ("not as it was sent", extra)):
        for to, subject, _, files in found:
            print("%s: %s, %s %s" % (what, to, subject, files), file=sys.stderr)
    print("%d messages; recipient, subject, text and attachments compared" % len(mails))
    return 1 if missing or extra else 0


if __name__ == "__main__":
    sys.exit(main())
