#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""page.py RESULTS.json DIR: writes DIR/PERFORMANCE.md and DIR/performance.svg from what compare.py
--json measured."""
import json
import math
import os
import statistics
import sys
from xml.sax.saxutils import escape

HEAD = """# Performance

`tests/bench/compare.py` measures msmailgw beside the mail servers of Debian 12 and beside a sender that has neither queue nor disk (the
ceiling), in one run and in turn, into the same receiver. What is below is the output of one run on {machine}. Speeds of other machines
differ, and of this one by the minute; ratios of one run are what can be compared. To repeat it, as root:

    B=build-directory
    MSMAILGW=$B/msmailgw tests/bench/compare.py --json results.json
    tests/bench/page.py results.json doc

![Messages a second, by program](performance.svg)

Messages have {size} octets. A queue that is full holds {count} of them (for what is slow, {few}), and is drained to its end; msmailgw's
time has the start of the program in it. All speak SMTP to 127.0.0.1 without AUTH. Rivals have Debian's packages and their default settings but for
the host to relay to and what a line of a table says. Where one connection is measured, Postfix's limit of connections to a
destination is 1, and it keeps that connection, as it does by default for a queue that is full.
"""

MEANING = {
    "drain-1": "smtp-sink of Postfix counts the messages. It has PIPELINING and no CHUNKING, so contents go one at a time.",
    "drain-1-own": "tests/bench/sink is a receiver without a disk that reads whatever is there and answers all of it at once. "
                   "With it the ceiling is that of memory and system calls, which no queue that is durable comes near.",
    "drain-20": "",
    "tls": "The receiver is tests/bench/sink with OpenSSL. msmailgw checks the certificate and its name; the rivals do not.",
    "far": "Each octet takes 25 ms more in each direction: 50 ms a round trip.",
    "chain": "msmailgw: the message lies in a mailbag of a postoffice; it is read, committed to the queue, removed from the postoffice, "
             "relayed, and the outcome committed. Postfix: smtp-source hands it in on 20 connections, and it is queued and relayed.",
    "single": "msmailgw: `msmailgw drain` from its start. Postfix, which is running, gets the message by SMTP.",
    "memory": "The largest resident set of each process of the service, shared libraries included, when all messages are relayed.",
    "list": "",
}

BARS = {"drain-1": "one connection", "drain-20": "20 connections", "tls": "TLS", "far": "50 ms away", "chain": "whole chain"}
OURS, THEIRS, LIMIT_COLOUR = "#1f5fa8", "#9aa4b0", "#d8b45a"
WIDTH, LEFT, BAR, GAP, HEAD_HEIGHT = 900, 300, 16, 4, 26


def median(table, name):
    return statistics.median(table["values"][name])


def number(value):
    return "%.0f" % value if value >= 100 else "%.3g" % value


def section(table):
    lines = ["", "## %s" % table["name"], "", table["about"][0].upper() + table["about"][1:] + ".",
             MEANING[table["name"]], "",
             "| | median, %s | least to most | msmailgw to it |" % table["unit"], "|---|---|---|---|"]
    for name, values in table["values"].items():
        ratio = "" if name == table["base"] else "%.2f" % (median(table, table["base"])
                                                           / median(table, name))
        lines.append("| %s | %s | %s to %s | %s |" % (
            name, number(median(table, name)), number(min(values)), number(max(values)), ratio))
    lines += ["", *("%s: %s." % note for note in table["notes"].items())]
    return "\n".join(line for line in lines) + "\n"


def colour(name):
    return OURS if name.startswith("msmailgw") else LIMIT_COLOUR if "ceiling" in name else THEIRS


def bars(table, top, scale):
    """The bars of one table below TOP, and where they end."""
    parts = ['<text x="10" y="%d" class="h">%s</text>' % (top + 16, escape(BARS[table["name"]]))]
    top += HEAD_HEIGHT
    for name in table["values"]:
        value = median(table, name)
        width = scale(value)
        parts.append('<text x="%d" y="%d" class="n">%s</text>' % (LEFT - 8, top + 12, escape(name)))
        parts.append('<rect x="%d" y="%d" width="%.1f" height="%d" fill="%s"/>' % (
            LEFT, top, width, BAR, colour(name)))
        parts.append('<text x="%.1f" y="%d">%s</text>' % (LEFT + width + 6, top + 12, number(value)))
        top += BAR + GAP
    return parts, top + GAP


def drawing(tables):
    shown = [table for table in tables if table["name"] in BARS]
    most = max(median(table, name) for table in shown for name in table["values"])

    def scale(value):
        return max(1.0, math.log10(max(value, 1)) / math.log10(most) * (WIDTH - LEFT - 80))

    parts, top = [], 30
    for table in shown:
        more, top = bars(table, top, scale)
        parts += more
    return """<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d">
<style>text{font:12px sans-serif;fill:#222}.h{font-weight:bold}.n{text-anchor:end}</style>
<rect width="100%%" height="100%%" fill="#fff"/>
<text x="10" y="18">Messages a second, medians; the scale is logarithmic</text>
%s
</svg>
""" % (WIDTH, top + 10, WIDTH, top + 10, "\n".join(parts))


def main():
    with open(sys.argv[1], encoding="utf-8") as source:
        results = json.load(source)
    with open(os.path.join(sys.argv[2], "PERFORMANCE.md"), "w", encoding="utf-8") as out:
        out.write(HEAD.format(**results))
        out.write("\n" + ", ".join(results["versions"]) + ".\n")
        out.writelines(section(table) for table in results["tables"])
    with open(os.path.join(sys.argv[2], "performance.svg"), "w", encoding="utf-8") as out:
        out.write(drawing(results["tables"]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
