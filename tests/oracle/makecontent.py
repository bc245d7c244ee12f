#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Contents of made postoffices: names, subjects, texts, attachments; from one generator."""

import base64

FIRST = """
    Anna Bert Clara David Elena Frank Greta Hugo Ida Jonas Karin Lars Maria Nils Olga Paul Rosa
    Simon Tanja Ulf Vera Walter Yvonne Zoe
""".split()
LAST = """
    Ahlberg Brandt Cortez Dubois Eriksen Fischer Gomez Hansen Ivanov Jensen Keller Larsen Meyer
    Nielsen Olsen Peters Quist Rossi Schmidt Thoma
""".split()
ACCENTED = "äöüÄÖÜßéèçñåæ"
WORDS = """
    order meeting price list quarter report invoice holiday plan budget delivery machine
    contract visit training reply question draft copy figures agenda please until Friday Monday
    we need the a for with and about your
""".split()
SUFFIXES = ("DOC", "XLS", "TXT", "ZIP", "GIF", "BIN", "WK1", "EXE", "PCX", "DAT")
ORNAMENT = {"437": "╔═╗░", "850": "╔═╗ø", "1252": "€„“ø"}


def words(rng, count, codepage):
    out = [rng.choice(WORDS) for _ in range(count)]
    for at in range(0, count, 7):
        if rng.random() < 0.4:
            out[at] += rng.choice(ACCENTED) + rng.choice(ACCENTED)
    if rng.random() < 0.1:
        out[-1] += rng.choice(ORNAMENT[codepage])
    return " ".join(out)


def subject(rng, serial, codepage):
    """The subject as the sender typed it; a postoffice keeps the first 40 characters (Q156844)."""
    kind = rng.randrange(12)
    if kind == 0:
        return ""
    if kind == 1:
        return (
            ("%03d " % serial + words(rng, 12, codepage))[:39]
            .replace("  ", " ")
            .rstrip()
            .ljust(40, "x")
        )
    if kind == 2:
        text = "%03d " % serial + words(rng, 20, codepage)
        return text[:39].rstrip().ljust(40, "-") + text[39:]
    if kind == 3:
        return "%d Grüße aus Köln: %s" % (serial, rng.choice(ACCENTED) * 3)
    if kind == 4:
        return (
            rng.choice(
                (
                    "=?iso-8859-1?Q?not_encoded?= %d",
                    "two  spaces %d",
                    "Re: Re: AW: (%d)",
                    '"quoted", <a@b> %d',
                    "semicolon; comma, \\ %d",
                    "FROM: %d",
                    "%d=20=3D",
                    "Ça va? =?%d",
                )
            )
            % serial
        )
    if kind == 5:
        return rng.choice(ACCENTED) * 40
    return ("%s %d" % (words(rng, rng.randint(1, 4), codepage), serial))[-40:].strip()


def _lines(rng, count, codepage):
    return [words(rng, rng.randint(1, 12), codepage) for _ in range(count)]


def _dots(rng, codepage):
    return (
        [".", "..", ".dot at the start", "...three", ". ", "a.", "."]
        + _lines(rng, 2, codepage)
        + ["."]
    )


def _long_lines(rng, codepage):
    out = []
    for size in (76, 77, 78, 79, 80, 997, 998, 999, 1000, 5000):
        out.append((words(rng, size // 3, codepage) + "x" * size)[:size])
    return out


def _odd(rng, codepage):
    return [
        "\ttab first",
        "tab\tinside\tand last\t",
        "trailing space ",
        "trailing spaces   ",
        "",
        "",
        "From here on",
        ">From",
        "--",
        "-- ",
        "--=_boundary",
        "begin 644 x.txt",
        "end",
        "=20",
        "=",
        "a=b=3D",
        "TEXT:5",
        "VERSION:3.00",
        "MIME-Version: 1.0",
    ] + _lines(rng, 3, codepage)


def _big(rng, codepage):
    line = _lines(rng, 40, codepage)
    size = rng.choice((65535, 65536, 65537, 70000, 140000))
    out, total = [], 0
    while total < size:
        out.append(rng.choice(line))
        total += len(out[-1]) + 2
    return out


def text(rng, serial, codepage, ending="\r\n"):
    """The text with its line ends; about one in ten has no line end after its last line."""
    kind = rng.randrange(24)
    if kind == 0:
        return ""
    if kind == 1:
        return rng.choice((".", "\r\n", ".\r\n", "x", "\r\n\r\n", " ", "ü"))
    makers = {2: _dots, 3: _dots, 4: _long_lines, 5: _odd, 6: _odd, 7: _big}
    if kind in makers:
        lines = ["No. %d" % serial] + makers[kind](rng, codepage)
    else:
        lines = ["Message %d" % serial, ""] + _lines(rng, rng.randint(1, 30), codepage)
    if kind == 8:
        return "".join(line + rng.choice(("\r\n", "\n", "\r\n")) for line in lines)
    body = ending.join(lines)
    if kind == 9:
        return body + ending + "\x1a"
    return body if rng.random() < 0.15 else body + ending


def chunks(rng, size, wild):
    """How a text is cut into strings: sizes that add up to `size`."""
    if not size:
        return [] if rng.random() < 0.5 else [0]
    style = rng.randrange(4) if wild or size > 65000 else 0
    if style == 0 and size <= 65535:
        return [size]
    top = {0: 32768, 1: 127, 2: 2000, 3: 60000}[style]
    if style == 1 and size > 20000:
        top = 5000
    out = []
    while size:
        take = min(size, rng.randint(1, top))
        out.append(take)
        size -= take
    return out


def file_name(rng, taken, codepage):
    while True:
        stem = "".join(
            rng.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") for _ in range(rng.randint(1, 8))
        )
        if rng.random() < 0.3:
            at = rng.randrange(len(stem))
            stem = stem[:at] + rng.choice("ÄÖÜÅÆÑÉß") + stem[at + 1 :]
        name = stem + rng.choice(("." + rng.choice(SUFFIXES),) * 8 + ("",))
        if rng.random() < 0.2:
            name = name.lower()
        if name.upper() not in taken:
            taken.add(name.upper())
            return name


def plain_file_name(rng, taken, suffixes):
    """A name of ASCII letters and digits that is not in `taken` yet."""
    while True:
        stem = "".join(
            rng.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") for _ in range(rng.randint(3, 8))
        )
        name = stem + "." + rng.choice(suffixes)
        if name not in taken:
            taken.add(name)
            return name


def file_bytes(rng, codepage):
    kind = rng.randrange(16)
    if kind == 0:
        return b""
    if kind == 1:
        return rng.randbytes(1)
    if kind == 2:
        return bytes(126)
    if kind == 3:
        return bytes(126) + b"data after 126 NULs"
    if kind == 4 and rng.random() < 0.6:
        return rng.randbytes(rng.choice((65534, 65535, 65536, 65537)))
    if kind in (5, 6, 7):
        return "\r\n".join(_lines(rng, rng.randint(1, 40), codepage)).encode("cp" + codepage)
    if kind == 8:
        return b"line\nline\rline\r\n.\r\n..\r\n" + b"." * rng.randrange(50)
    return rng.randbytes(rng.randint(2, 9000))


def attachments(rng, most, codepage):
    """(name, bytes) pairs; sometimes three of one size, not to be confused (Q151249)."""
    if not most or rng.random() < 0.4:
        return []
    taken = set()
    if most >= 3 and rng.random() < 0.15:
        size = rng.choice((1, 17, 1000, 4096))
        first = rng.randrange(200)
        return [
            (file_name(rng, taken, codepage), bytes([first + n]) + rng.randbytes(size - 1))
            for n in range(3)
        ]
    return [
        (file_name(rng, taken, codepage), file_bytes(rng, codepage))
        for _ in range(rng.randint(1, most))
    ]


DEMO = (
    (
        "Price list for the spring",
        "Dear %(first)s,\r\n\r\n"
        "the new price list is ready. The changes are on page 3: the small\r\n"
        "pumps are a little cheaper, the spare parts stay as they are.\r\n\r\n"
        "Kind regards\r\n%(me)s\r\n",
    ),
    (
        "Meeting on Thursday moved to 14:30",
        "Hello %(first)s,\r\n\r\nthe room is taken in the morning, so we meet at 14:30.\r\n"
        "Please bring the figures of the first quarter.\r\n\r\n%(me)s\r\n",
    ),
    (
        "Visit from the Zürich office",
        "Dear %(first)s,\r\n\r\ntwo colleagues from Zürich will be with us next week. Could you\r\n"
        "show them the workshop on Tuesday?\r\n\r\nThank you\r\n%(me)s\r\n",
    ),
    (
        "Re: delivery to Malmö",
        "%(first)s,\r\n\r\nthe truck left this morning and should arrive tomorrow at noon.\r\n\r\n"
        "Best wishes\r\n%(me)s\r\n",
    ),
    (
        "Minutes of Monday's meeting",
        "Hello,\r\n\r\n1. The minutes of the last meeting were agreed.\r\n"
        "2. The training in May has six places left.\r\n"
        "3. Next meeting: Monday at nine.\r\n\r\n%(me)s\r\n",
    ),
    (
        "Holiday plan",
        "Hello %(first)s,\r\n\r\n"
        "please send me your wishes for the summer by the end of the month.\r\n\r\n"
        "Thanks\r\n%(me)s\r\n",
    ),
    (
        "Question about invoice 20417",
        "Dear %(first)s,\r\n\r\nour copy of invoice 20417 lists eight units, the delivery note\r\n"
        "only seven. Which one is right?\r\n\r\nRegards\r\n%(me)s\r\n",
    ),
    (
        "Test report of the new valve",
        "Hello %(first)s,\r\n\r\n"
        "all twelve valves passed. The sheet is attached.\r\n\r\n%(me)s\r\n",
    ),
    (
        "Thank you for the good work",
        "Dear %(first)s,\r\n\r\nthe customer called to say that everything runs well.\r\n"
        "Thank you to the whole team.\r\n\r\n%(me)s\r\n",
    ),
    (
        "Coffee machine on the second floor",
        "Hello,\r\n\r\nthe machine works again. Please empty the tray in the evening.\r\n\r\n"
        "%(me)s\r\n",
    ),
)

GIF = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAAAAAAALAAAAAABAAEAAAICRAEAOw==")
DEMO_FILES = (
    (
        "PRICES.TXT",
        b"Item          Price\r\nPump, small   1,250\r\nPump, large   2,980\r\n"
        b"Spare parts     140\r\n",
    ),
    ("LOGO.GIF", GIF),
    ("VALVES.TXT", b"Valve  Result\r\n" + b"".join(b"%5d  passed\r\n" % n for n in range(1, 13))),
)
