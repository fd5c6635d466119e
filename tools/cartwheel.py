"""Entry point of the launcher; ./cartwheel installs what is missing and then runs this file."""

import sys

from launcher.cli import main

sys.exit(main(sys.argv[1:]))
