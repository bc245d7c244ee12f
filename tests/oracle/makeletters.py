#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Ordinary letters in the language of a random layout: subjects, texts, header blocks, files."""

import textwrap

import corpora
import makecontent

# what files of these types begin with
SIGNATURES = {
    "DOC": bytes.fromhex("D0CF11E0A1B11AE1"),
    "XLS": bytes.fromhex("D0CF11E0A1B11AE1"),
    "ZIP": b"PK\x03\x04\x14\0\0\0\x08\0",
    "GIF": b"GIF89a",
    "BMP": b"BM",
    "EXE": b"MZ",
    "RTF": b"{\\rtf1\\ansi",
    "PCX": b"\x0a\x05\x01\x08",
    "WK1": bytes.fromhex("000002000604"),
}
WINMAIL = bytes.fromhex("789F3E22")


class Letters:
    """All letters of one postoffice; some of any other language's office are in English."""

    def __init__(self, rng, layout):
        self.rng = rng
        self.layout = layout
        self.codec = "cp" + layout.codepage

    def language(self):
        return "english" if self.rng.random() < 0.1 else self.layout.language

    def _fill(self, sentence, language):
        rng = self.rng
        thing = rng.choice(corpora.things(language)).format(n=rng.randint(100, 99999))
        filled = sentence.format(
            who=rng.choice(corpora.NAMES[language]),
            thing=thing,
            day=rng.choice(corpora.DAYS[language]),
            n=rng.randint(2, 400),
        )
        return filled[0].upper() + filled[1:] if self._has(filled[0].upper()) else filled

    def _has(self, text):
        try:
            text.encode(self.codec)
        except UnicodeEncodeError:
            return False
        return True

    def subject(self, language, serial):
        rng, kind = self.rng, self.rng.random()
        if kind < 0.03:
            return ""
        text = self._fill("{thing}", language)
        if kind < 0.25:
            text = self._fill(rng.choice(corpora.sentences(language)), language)
        elif kind < 0.45:
            text += ", " + rng.choice(corpora.DAYS[language])
        elif kind < 0.6:
            text += " (%d)" % serial
        return ("Re: " if rng.random() < 0.2 else "") + text[:100]

    def _paragraph(self, language):
        rng = self.rng
        picked = rng.choices(corpora.sentences(language), k=rng.randint(1, 5))
        text = " ".join(self._fill(sentence, language) for sentence in picked)
        return textwrap.wrap(text, self.layout.wrap) if self.layout.wrap else [text]

    def body(self, language):
        """A greeting, paragraphs, an end; few are long, some only a line."""
        rng = self.rng
        if rng.random() < 0.1:
            return self._fill(rng.choice(corpora.sentences(language)), language) + "\r\n"
        who = rng.choice(corpora.NAMES[language])
        lines = [rng.choice(corpora.GREETINGS[language]).format(who=who), ""]
        for _ in range(rng.choice((1, 1, 2, 2, 3, 3, 4, 6, 12, rng.randint(1, 40)))):
            lines += self._paragraph(language) + [""]
        lines += [rng.choice(corpora.CLOSINGS[language]), rng.choice(corpora.NAMES[language])]
        if rng.random() < 0.1:
            lines = self._answered(lines, language)
        return "\r\n".join(lines) + ("" if rng.random() < 0.1 else "\r\n")

    def _answered(self, lines, language):
        return lines + ["", "-" * 10, ""] + ["> " + line for line in self._paragraph(language)]

    def block(self, item):
        """The lines that Windows clients put before the text (Q119356, Q131523, Q98209), and into
        `item` what they mean; a blank line behind them is of the text."""
        language, rng = self.layout.language, self.rng
        label = corpora.LABELS[language]
        high, normal, low = corpora.PRIORITIES[language]
        ident = "%08X" % rng.randrange(1 << 32)

        def short(addresses):
            return "; ".join(name.split("/")[-1].split(":")[-1] for name in addresses)

        values = (
            short([item["sender"]]),
            short(item["to"]),
            item["full"],
            item["when"].strftime("%Y-%m-%d %H:%M"),
            {"1": low, "2": low, "4": high, "5": high}.get(item["priority"], normal),
            ident,
            ident if rng.random() < 0.7 else "%08X" % rng.randrange(1 << 32),
        )
        lines = ["Microsoft Mail v3.0 IPM.Microsoft Mail.Note"]
        lines += ["%s: %s" % pair for pair in zip(label, values)]
        block = "\r\n".join(lines + ["-" * 78, "", ""])
        item["meaning"] = {
            "body": len(block) - 2, "subject": item["full"], "priority": None,
            "class": "IPM.Microsoft Mail.Note", "message_id": ident, "parent_id": None,
            "conversation_id": values[6],
            "names": {"from": [values[0]], "to": values[1].split("; "), "cc": [None] * len(item["cc"])},
        }
        return block

    def files(self, most):
        rng, out, taken = self.rng, [], set()
        if not most or rng.random() < 0.6:
            return out
        for _ in range(rng.randint(1, most)):
            if rng.random() < 0.15 and "WINMAIL.DAT" not in taken:
                name = "WINMAIL.DAT"
                taken.add(name)
            else:
                name = makecontent.plain_file_name(rng, taken, tuple(SIGNATURES) + ("TXT", "DAT"))
            out.append((name, self._content(name)))
        return out

    def _content(self, name):
        rng, suffix = self.rng, name.rsplit(".", 1)[-1]
        if suffix == "TXT":
            return self.body(self.language()).encode(self.codec)
        head = WINMAIL if name == "WINMAIL.DAT" else SIGNATURES.get(suffix, b"")
        if rng.random() < 0.03:
            head = b""
        return head + rng.randbytes(rng.choice((20, 300, rng.randint(1, 4000))))
