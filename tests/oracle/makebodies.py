#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Texts of code pages, and what has to be read of them: written from the tables of Python's codecs,
which were made from those that the Unicode Consortium and Microsoft published."""

SINGLE = ("437 737 850 852 855 857 860 861 862 863 864 865 866 869 874 "
          "1250 1251 1252 1253 1254 1255 1256 1257").split()
DOUBLE = {"932": "cp932", "936": "gbk", "949": "cp949", "950": "cp950"}
PAIRS = {"932": "日本語表示", "936": "简体中文镕", "949": "한국어똠펲", "950": "繁體中文"}
BORDERS = (4096, 16384, 65536)  # octets that the programs read or convert at once
MARK = "\N{REPLACEMENT CHARACTER}"


def codec_of(page):
    return DOUBLE.get(page, "cp" + page)


def decoded(octets, page):
    """(text, octets that mean nothing) of octets that are complete in themselves."""
    try:
        return octets.decode(codec_of(page)), 0
    except UnicodeDecodeError:
        return MARK * len(octets), len(octets)


class Text:
    """Octets in a page, and what they are."""

    def __init__(self, page):
        self.page, self.octets, self.text, self.bad = page, b"", "", 0

    def add(self, octets):
        text, bad = decoded(octets, self.page)
        self.octets += octets
        self.text += text
        self.bad += bad
        return self

    def add_text(self, text):
        self.octets += text.encode(codec_of(self.page))
        self.text += text
        return self


def whole_page(page):
    """Each octet from 0x80 on, or of a page with pairs some hundred of them, each between blanks."""
    out = Text(page)
    if page in DOUBLE:
        units = [bytes([lead, trail]) for lead in range(0x81, 0xFE, 3)
                 for trail in range(0x41, 0xFD, 17)]
        # ETEN's extensions of Big5 differ between makers, and are private use in some
        units = [unit for unit in units if len(decoded(unit, page)[0]) == 1 and
                 (page != "950" or not b"\xc6\xa1" <= unit <= b"\xc8\xfe")]
    else:
        units = [bytes([octet]) for octet in range(0x80, 0x100)]
    for number, unit in enumerate(units):
        out.add_text("%d " % number).add(unit).add_text("\r\n" if number % 8 == 7 else " ")
    return out.add_text("\r\n")


def letters(page, count):
    """The first letters of a page beyond ASCII that are no controls."""
    if page in DOUBLE:
        return PAIRS[page][:count]
    found = [decoded(bytes([octet]), page) for octet in range(0x80, 0x100)]
    return "".join(text for text, bad in found if not bad and text.isalpha())[:count]


def border_text(page, size, shift):
    """A pair that begins `shift` octets before octet `size`, pairs before and behind it, and half of a
    pair at the end of a line and of the text."""
    pair = PAIRS[page][0].encode(codec_of(page))
    out = Text(page)
    while len(out.octets) < size - 200:
        out.add_text(PAIRS[page] * 6 + "\r\n")
    out.add_text("x" * (size - shift - len(out.octets)))
    out.add_text(PAIRS[page] * 3 + "\r\n")
    # a lead octet before a line end is no pair: one mark, and the line end stays
    out.add(pair[:1]).add_text("\r\nlast ")
    return out.add(pair[:1])
