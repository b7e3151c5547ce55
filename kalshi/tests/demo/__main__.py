"""`python -m kalshi.tests.demo [OPTIONS OF PYTEST]`: see reads.py.

The settings of the tests take away whatever configures the product, so that no other test meets somebody's real key;
these alone get theirs, under names that only they know.
"""

import os
import sys
from pathlib import Path

import pytest

from kalshi.tests.demo.handed import PASSED_ON, PREFIX

if __name__ == "__main__":
    os.environ |= {PREFIX + name: os.environ[name] for name in PASSED_ON if os.environ.get(name)}
    reads = str(Path(__file__).with_name("reads.py"))
    sys.exit(pytest.main([reads, "-rfs", "-p", "no:cacheprovider", *sys.argv[1:]]))
