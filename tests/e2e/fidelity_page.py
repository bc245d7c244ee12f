#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""doc/FIDELITY.md says what the program does: contrib/fidelity-page makes it again, and every setting
of a postoffice that changes a message is on it."""
import difflib
import os
import re
import subprocess
import sys

import gateway

TOP = os.path.dirname(gateway.TESTS)
# settings of a postoffice that are about what is taken, and when, not about what it becomes
TAKING = set("""name door path profile queues command command-limit unmapped lost typed-smtp rule-recipients
system-mail interval full-sweep batch max-size""".split())


class Page(gateway.Case):
    def made(self, **environment):
        done = subprocess.run([os.path.join(TOP, "contrib", "fidelity-page")], capture_output=True,
                              timeout=120, env=dict(os.environ, **environment))
        self.assertEqual(done.returncode, 0, done.stderr.decode("utf-8", "replace"))
        return done.stdout.decode("utf-8")

    def page(self):
        with open(os.path.join(TOP, "doc", "FIDELITY.md"), encoding="utf-8") as source:
            return source.read()

    def assert_same(self, one, other, what):
        self.assert_none(list(difflib.unified_diff(
            one.splitlines(), other.splitlines(), "the page", what, lineterm="", n=2)),
            "contrib/fidelity-page --write makes the page again")

    def test_page_is_what_the_program_does(self):
        self.assert_same(self.page(), self.made(), "the program")

    def test_page_is_the_same_everywhere(self):
        self.assert_same(self.page(), self.made(TZ="Pacific/Auckland", LC_ALL="C"), "elsewhere")

    def test_all_settings_are_named(self):
        with open(os.path.join(TOP, "doc", "msmailgw.conf.5"), encoding="utf-8") as source:
            part = re.search(r"^\.Ss Postoffices?$(.*?)^\.Ss ", source.read(), re.M | re.S)[1]
        known = set(re.findall(r"^\.It Ic ([a-z-]+)", part, re.M))
        self.assertIn("codepage", known)
        named = set(re.findall(r"`([a-z-]+)`", "".join(
            line.rsplit(" | ", 1)[1] for line in self.page().splitlines() if line.startswith("| ["))))
        self.assertEqual(known - TAKING - named, set())


if __name__ == "__main__":
    sys.exit(gateway.run_program("fidelity-page", sys.modules[__name__],
                                 gateway.parser_for(__doc__.split("\n")[0]).parse_args()))
