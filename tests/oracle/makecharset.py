#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Test vectors of code pages, from the tables of Python's codecs, which were made from those that
the Unicode Consortium and Microsoft published; the gateway converts by iconv.

    makecharset.py DIRECTORY          writes DIRECTORY/CP850 and so on
    makecharset.py --check DIRECTORY  compares

A line is the octets in hex and the code point, "-" for octets that the page does not have:
all single octets from 0x80, and of pages with two octets the first, the last and every 41st pair.
"""
import os
import sys

SINGLE = ("437 737 775 850 852 855 857 858 860 861 862 863 864 865 866 869 874 "
          "1250 1251 1252 1253 1254 1255 1256 1257").split()
DOUBLE = {"932": "cp932", "936": "gbk", "949": "cp949", "950": "cp950"}
STEP = 41


def point(octets, codec):
    try:
        text = octets.decode(codec)
    except UnicodeDecodeError:
        return "-"
    return "%04X" % ord(text) if len(text) == 1 else "-"


def single(page):
    return ["%02X %s" % (octet, point(bytes([octet]), "cp" + page)) for octet in range(0x80, 0x100)]


def double(codec):
    pairs = [bytes([lead, trail]) for lead in range(0x81, 0xFF) for trail in range(0x40, 0xFF)]
    pairs = [pair for pair in pairs if point(pair, codec) != "-"]
    # Big5's ETEN extensions at C6A1 to C8FE differ between makers, and are private use in some.
    if codec == "cp950":
        pairs = [pair for pair in pairs if not b"\xc6\xa1" <= pair <= b"\xc8\xfe"]
    chosen = pairs[:1] + pairs[STEP:-1:STEP] + pairs[-1:]
    return ["%s %s" % (pair.hex().upper(), point(pair, codec)) for pair in chosen]


def vectors():
    for page in SINGLE:
        yield "CP" + page, single(page)
    for page, codec in DOUBLE.items():
        yield "CP" + page, double(codec)


def main():
    check = sys.argv[1] == "--check"
    for name, lines in vectors():
        path = os.path.join(sys.argv[-1], name)
        text = "\n".join(lines) + "\n"
        if check:
            with open(path, encoding="ascii") as source:
                assert source.read() == text, path
        else:
            with open(path, "w", encoding="ascii") as out:
                out.write(text)


if __name__ == "__main__":
    main()
