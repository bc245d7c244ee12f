#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Tests: comparemeaning.py finds each thing that is wrong with a report, and nothing else; the meanings
of made header blocks are those of their texts."""

import argparse
import os
import shutil
import sys
import unittest
import zoneinfo

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from selftest_made import ENCAP, ZONE, Made  # noqa: E402
import compare  # noqa: E402
import comparemeaning  # noqa: E402
import corpus  # noqa: E402
import maildir  # noqa: E402
import makereports  # noqa: E402

HEAD = """From: Bert <b@corp.example>
To: a@corp.example
Subject: x
Date: Mon, 07 Apr 1997 08:05:00 +0200
Message-ID: <mm.1@gw.example>
Auto-Submitted: auto-replied
%sMIME-Version: 1.0
Content-Type: multipart/report; boundary="=_r"; report-type=%s

--=_r
Content-Type: text/plain; charset=us-ascii

text
--=_r
"""
READ = HEAD % ("", "disposition-notification") + """Content-Type: message/disposition-notification

Reporting-UA: gw.example
Original-Recipient: x-msmail; N/P/BERT
Final-Recipient: rfc822; b@corp.example
Disposition: manual-action/MDN-sent-automatically; displayed
X-MSMail-Sent-Date: Sun, 06 Apr 1997 10:00:00 +0200
X-MSMail-Read-Date: Mon, 07 Apr 1997 08:05:00 +0200

--=_r
Content-Type: text/rfc822-headers

From: a@corp.example
To: Bert <b@corp.example>
Subject: The budget
Date: Sun, 06 Apr 1997 10:00:00 +0200

--=_r--
"""
FAILED = HEAD % ("", "delivery-status") + """Content-Type: message/delivery-status

Reporting-MTA: x-msmail; N/P

Original-Recipient: x-msmail; N/P/BERT
Final-Recipient: rfc822; b@corp.example
Action: failed
Status: 5.2.2
Diagnostic-Code: x-msmail; [017] Full

Original-Recipient: x-msmail; Zoe
Final-Recipient: x-msmail; Zoe
Action: failed
Status: 5.4.7
Diagnostic-Code: x-msmail; [005] Retry

--=_r
Content-Type: text/rfc822-headers

X-MSMail-From: Anna
X-MSMail-To: Bert; Zoe
Subject: The budget
Date: Sun, 06 Apr 1997 10:00:00 +0200
X-MSMail-Message-ID: 1A2B3C4D

--=_r--
"""
RECEIPT = {"type": "disposition-notification", "block": True, "original": "N/P/BERT",
           "name": "Bert", "disposition": "displayed", "subject": "The budget",
           "sent": "1997-04-06 10:00", "read": "1997-04-07 08:05"}
FAILURE = {"type": "delivery-status", "block": False, "failed": [
    {"address": "N/P/BERT", "status": "5.2.2", "code": "017"},
    {"name": "Zoe", "status": "5.4.7", "code": "005"}],
    "returned": {"from": [("Anna", None)], "to": [("Bert", None), ("Zoe", None)],
                 "subject": "The budget", "sent": "1997-04-06 10:00", "message_id": "1A2B3C4D"}}
# what is changed, and what is told then
WRONG_READ = (
    ("multipart/report", "multipart/mixed", "the type"),
    ("report-type=disp", "report-type=xdisp", "report-type"),
    ("message/disposition-notification\n\n", "text/plain\n\n", "the second part"),
    ("x-msmail; N/P/BERT", "x-msmail; N/P/BERTA", "Original-Recipient"),
    ("rfc822; b@corp", "rfc822; c@corp", "Final-Recipient"),
    ("; displayed", "; deleted", "Disposition"),
    ("Reporting-UA: gw.example\n", "", "Reporting-UA"),
    ("X-MSMail-Sent-Date: Sun, 06", "X-MSMail-Sent-Date: Sat, 05", "X-MSMail-Sent-Date"),
    ("X-MSMail-Read-Date: Mon, 07 Apr 1997 08:05:00 +0200\n", "", "X-MSMail-Read-Date"),
    ("Subject: The budget", "Subject: The bud", "its Subject"),
    ("\nDate: Sun, 06 Apr 1997 10:00:00 +0200", "", "its Date"),
    ("To: Bert <b@corp", "To: Bert <c@corp", "its To"),
    ("From: a@corp", "From: c@corp", "its From"),
    ("text/rfc822-headers", "text/plain", "the third part"),
    ("MIME-Version", "Return-Path: <x@y.example>\nMIME-Version", "the envelope sender"),
)
WRONG_FAILURE = (
    ("x-msmail; N/P\n", "x-msmail; N/Q\n", "Reporting-MTA"),
    ("Action: failed\nStatus: 5.4.7", "Action: delivered\nStatus: 5.4.7", "Action"),
    ("5.2.2", "5.4.7", "Status"),
    ("[017]", "[005]", "Diagnostic-Code"),
    ("Original-Recipient: x-msmail; Zoe\nFinal-Recipient: x-msmail; Zoe\nAction: failed\n"
     "Status: 5.4.7\nDiagnostic-Code: x-msmail; [005] Retry\n\n", "", "failed addresses"),
    ("X-MSMail-To: Bert; Zoe", "X-MSMail-To: Bert", "its X-MSMail-To"),
    ("1A2B3C4D", "1A2B3C4E", "its X-MSMail-Message-ID"),
)


class Reports(unittest.TestCase):
    def differences(self, text, report):
        message = {"mai": "1", "sender": "N/P/BERT", "to": ["N/P/ANNA"], "cc": [],
                   "date": "1997-04-07 08:05", "subject": "x", "text": "text\r\n", "priority": "C",
                   "attachments": [], "items": [], "report": report}
        truth = {"network": "N", "postoffice": "P", "messages": [message], "map": {
            "N/P/BERT": {"smtp": "b@corp.example", "display": "Bert"},
            "N/P/ANNA": {"smtp": "a@corp.example", "display": ""}}}
        options = argparse.Namespace(encap_domain=ENCAP, zone=ZONE, header_block="use",
                                     cc_as_to=False, final_newline_ok=True)
        received = maildir.Received("f", text.encode("ascii"), ["a@corp.example"], None)
        want = compare.Wanted(truth, message, options)
        return comparemeaning.report_differences(
            want, want.owed, received, truth, options, zoneinfo.ZoneInfo(ZONE), compare.smtp_of)

    def check(self, right, report, wrong):
        self.assertEqual(self.differences(right, report), [])
        for old, new, told in wrong:
            self.assertEqual(right.count(old) > 0, True, old)
            found = self.differences(right.replace(old, new), report)
            self.assertTrue(any(text.startswith((told, "no " + told)) for text in found),
                            (old, found))
        self.assertEqual(self.differences(right, None), ["it became a report"])

    def test_receipt(self):
        self.check(READ, RECEIPT, WRONG_READ)

    def test_failure(self):
        self.check(FAILED, FAILURE, WRONG_FAILURE)


class Meanings(unittest.TestCase):
    def made(self, *options):
        made = Made(*options)
        self.addCleanup(shutil.rmtree, made.top)
        return made.truth["messages"]

    def check(self, messages, least):
        told = [m for m in messages if m.get("meaning", {}).get("body")]
        self.assertGreater(len(told), least)
        for message in told:
            block = message["text"][: message["meaning"]["body"]]
            meaning = message["meaning"]
            self.assertTrue(block.endswith(("\n", "\r")))
            for key in ("subject", "class", "message_id", "parent_id", "conversation_id"):
                self.assertTrue(meaning[key] is None or meaning[key] in block, (key, block))
            for field in ("from", "to", "cc"):
                for name in meaning["names"].get(field, []):
                    self.assertTrue(name is None or name in block, (name, block))

    def test_corpus(self):
        """All shapes are there, in all languages of the code page; some blocks are not surely one."""
        messages = self.made("--corpus", corpus.SPEC, "--reports", makereports.SPEC, "--codepage",
                             "850", "--seed", "5", "--messages", "10")
        self.check(messages, 100)
        self.assertGreaterEqual(len(messages), 300)
        unsure = [m for m in messages if "Microsoft Mail v3.0" in m["text"] and "meaning" not in m]
        self.assertGreater(len(unsure), 15)
        for word in ("Von: ", "De: ", "Från: ", "From: ", "Asunto: ", "Objet: "):
            self.assertTrue(any(word in m["text"] for m in messages), word)
        kinds = {m["report"]["type"] for m in messages if "report" in m}
        self.assertEqual(kinds, {"delivery-status", "disposition-notification"})
        self.assertTrue(any(len(m["report"].get("failed", [])) > 5
                            for m in messages if "report" in m))

    def test_letters(self):
        """Those of a random layout: one blank line behind the block is of the text."""
        for seed in range(20, 40):
            messages = self.made("--layout", "random", "--seed", str(seed), "--messages", "30")
            if any("meaning" in m for m in messages):
                self.check(messages, 1)
                told = [m for m in messages if "meaning" in m]
                self.assertTrue(all(m["text"][m["meaning"]["body"] :].startswith("\r\n")
                                    for m in told))
                return
        self.fail("no layout with header blocks")


if __name__ == "__main__":
    unittest.main()
