#!/usr/bin/env python
"""Django's command line. What the surroundings are at fault for ends it with one sentence instead of a traceback."""

import os
import sys


def main() -> None:
    os.umask(0o077)  # what we write holds sessions and account data
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")
    from django.core.exceptions import ImproperlyConfigured

    from dashboard.command_line import CommandLine
    from dashboard.output import ends_with_its_reader

    with ends_with_its_reader():
        try:
            CommandLine(sys.argv).execute()
        except ImproperlyConfigured as problem:
            sys.exit(f"error: {problem}")


if __name__ == "__main__":
    main()
