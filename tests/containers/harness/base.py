"""The Debian image that ours are built on: pulled, or made on this machine when it cannot be."""

import os
import pathlib
import subprocess
import tempfile

from harness.command import MINUTE, run, succeeds
from launcher import debian as apt

BY_DEFAULT = "13"
RELEASE = os.environ.get("CARTWHEEL_TEST_RELEASE", BY_DEFAULT)
CODENAME = apt.CODENAMES[RELEASE]
OFFICIAL = f"debian:{CODENAME}-slim"
OURS = f"cartwheel-test/debian:{CODENAME}-slim"


def present_or_pulled(image):
    return succeeds("docker", "image", "inspect", image) or succeeds("docker", "pull", image, timeout=5 * MINUTE)


def debian():
    """The name of a Debian image: the official one, or ours with this machine's way to its packages."""
    if succeeds("docker", "image", "inspect", OURS):
        return OURS
    if present_or_pulled(OFFICIAL):
        return OFFICIAL
    with tempfile.TemporaryDirectory(prefix="cartwheel-debian-", dir="/var/tmp") as folder:
        tree = pathlib.Path(folder) / "tree"
        run("debootstrap", "--variant=minbase", "--include=ca-certificates", CODENAME, tree, apt.mirror(),
            timeout=10 * MINUTE)
        apt.give_to(tree, CODENAME)
        _import(tree, OURS)
    return OURS


def _import(tree, name):
    with subprocess.Popen(["tar", "--create", "--numeric-owner", "--directory", str(tree), "."],
                          stdout=subprocess.PIPE) as tar:
        done = subprocess.run(["docker", "import", "--change", 'CMD ["bash"]', "-", name], stdin=tar.stdout,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", check=False)
    assert done.returncode == 0 and tar.returncode == 0, done.stdout
