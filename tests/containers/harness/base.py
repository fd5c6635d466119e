"""The Debian image that ours are built on: pulled, or made on this machine when it cannot be."""

import pathlib
import re
import shutil
import subprocess
import tempfile

from harness.command import MINUTE, run, stdout_of, succeeds

CODENAME = "bookworm"
SUITES = (CODENAME, f"{CODENAME}-updates", f"{CODENAME}-security")
OFFICIAL = f"debian:{CODENAME}-slim"
OURS = f"cartwheel-test/debian:{CODENAME}-slim"
APT = pathlib.Path("/etc/apt")
KEYS = ("keyrings", "trusted.gpg.d", "auth.conf.d", "preferences.d")


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
        mirror = next(uri for uri, suites in debian_sources().values() if CODENAME in suites)
        run("debootstrap", "--variant=minbase", "--include=ca-certificates", CODENAME, tree, mirror,
            timeout=10 * MINUTE)
        _apt_as_here(tree)
        _import(tree, OURS)
    return OURS


def debian_sources():
    """{file: (first URI, suites)} of the files that name Debian's own archives for this machine."""
    found = {}
    for path in [*APT.glob("sources.list.d/*.sources"), *APT.glob("sources.list.d/*.list"), APT / "sources.list"]:
        if not path.is_file():
            continue
        text = re.sub(r"^\s*#.*$", "", path.read_text(), flags=re.M)
        uris = re.findall(r"^(?:URIs:\s*|deb\s+(?:\[[^\]]*\]\s+)?)(\S+)", text, flags=re.M)
        words = re.findall(r"^Suites:\s*(.*)$", text, flags=re.M)
        suites = " ".join(words).split() or re.findall(r"^deb\s+(?:\[[^\]]*\]\s+)?\S+\s+(\S+)", text, flags=re.M)
        if uris and set(suites) and set(suites) <= set(SUITES):
            found[path] = (uris[0], suites)
    return found


def _apt_as_here(tree):
    """Gives the tree this machine's sources, keys and settings of fetching."""
    target = tree / "etc" / "apt"
    (target / "sources.list").unlink(missing_ok=True)
    for path in debian_sources():
        shutil.copy(path, target / path.relative_to(APT))
    for folder in KEYS:
        if (APT / folder).is_dir():
            shutil.copytree(APT / folder, target / folder, dirs_exist_ok=True)
    dumped = stdout_of("apt-config", "dump").splitlines()
    fetching = [line for line in dumped if line.startswith("Acquire::") and not line.endswith('"";')]
    (target / "apt.conf.d" / "90-as-on-this-machine").write_text("\n".join(fetching) + "\n")
    for stale in (*tree.glob("var/cache/apt/archives/*.deb"), *tree.glob("var/lib/apt/lists/*_*")):
        stale.unlink()


def _import(tree, name):
    with subprocess.Popen(["tar", "--create", "--numeric-owner", "--directory", str(tree), "."],
                          stdout=subprocess.PIPE) as tar:
        done = subprocess.run(["docker", "import", "--change", 'CMD ["bash"]', "-", name], stdin=tar.stdout,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", check=False)
    assert done.returncode == 0 and tar.returncode == 0, done.stdout
