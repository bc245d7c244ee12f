#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""All tests of the oracle, of mkpostoffice.py and of standin-gtwget.py."""

import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from selftest_get import *  # noqa: E402,F401,F403
from selftest_layout import *  # noqa: E402,F401,F403
from selftest_mail import *  # noqa: E402,F401,F403
from selftest_meaning import *  # noqa: E402,F401,F403
from selftest_po import *  # noqa: E402,F401,F403

if __name__ == "__main__":
    unittest.main()
