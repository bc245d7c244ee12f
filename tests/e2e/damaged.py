#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Damaged input: postoffices, MMFF files, profiles, settings and maps.

A table of named cases (damage_mai.py, damage_tables.py, damage_mmff.py, damage_settings.py). For
each damaged postoffice: what the damage does not concern is relayed and equals the truth, what it does
stays as it is, to the bit, and is told with file, record and offset; nothing crashes; and when the
damage is repaired the rest is relayed too, nothing of it twice."""
import concurrent.futures
import shutil
import sys
import threading
import time
import traceback

import damage_mai
import damage_mmff
import damage_scene
import damage_settings
import damage_tables
import gateway
from gateway import GatewayError, Office

# Small, with two networks, a gateway and the mailbags of users; the key is shorter than most texts.
OFFICE = {"seed": 9, "messages": 14, "queues": 3, "users": 5, "people": 4, "max_attachments": 2,
          "mapped_share": 0.9}


class Run:
    """All cases, some at a time."""

    def __init__(self, options, base):
        self.options, self.base = options, base
        self.office = Office(base, "office", **OFFICE)
        self.lock = threading.Lock()

    def cases(self):
        """[(name, function that gives complaints)]"""
        found = [(name, damage_scene.one_case, (self.base, name, self.office, damage))
                 for table in (damage_mai.NATIVE, damage_tables.NATIVE)
                 for name, damage in table.items()]
        for table in (damage_mmff, damage_settings):
            found += [(name, table.one_case, (self.base, name, self.office))
                      for name in table.NAMES]
        names = [name for name, _, _ in found]
        if len(set(names)) != len(names):
            raise GatewayError("two cases have one name")
        return [case for case in found if self.options.only in case[0]]

    def one(self, case):
        name, function, arguments = case
        began = time.monotonic()
        try:
            complaints = function(*arguments)
        except (GatewayError, gateway.PeerError, LookupError) as error:
            complaints = ["%s: %s" % (type(error).__name__, error)]
        except Exception:
            complaints = [traceback.format_exc()]
        with self.lock:
            print("%-6s %-36s %5.1f s" % ("FAILED" if complaints else "ok", name,
                                         time.monotonic() - began))
            for text in complaints[:10]:
                print("       " + text[:1500].replace("\n", "\n         "))
            sys.stdout.flush()
        return not complaints

    def all(self):
        with concurrent.futures.ThreadPoolExecutor(self.options.jobs) as pool:
            results = list(pool.map(self.one, self.cases()))
        return sum(results), len(results) - sum(results)


def main():
    parser = gateway.parser_for(__doc__.partition("\n")[0])
    parser.add_argument("--jobs", type=int, default=2, help="cases at a time")
    options = parser.parse_args()
    for variable, default in (("MSMAILGW", "msmailgw"), ("MSMAILGWD", "msmailgwd")):
        gateway.program(variable, default)
    base = gateway.work_directory(options.work, "damaged")
    passed, failed = Run(options, base).all()
    if options.keep or failed:
        print("kept: %s" % base)
    else:
        shutil.rmtree(base)
    print("damaged: %d passed, %d failed" % (passed, failed), flush=True)
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
