"""The sources that known bugs are built into are all that a build needs."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tools")]

from faults import mutants  # noqa: E402
from launcher.suites import FAULTS_SETUP  # noqa: E402


class Copy(unittest.TestCase):
    def test_it_can_be_set_up(self):
        with tempfile.TemporaryDirectory() as folder:
            source = pathlib.Path(folder, "source")
            mutants.renew(source)
            done = subprocess.run(["meson", "setup", *FAULTS_SETUP, f"{folder}/build", str(source)], capture_output=True,
                                  text=True, timeout=100, check=False)
            self.assertEqual(done.returncode, 0, done.stdout[-2000:])


if __name__ == "__main__":
    unittest.main()
