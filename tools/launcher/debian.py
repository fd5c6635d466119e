"""This machine's way to Debian's packages, for a tree of Debian that is made here: which archives, keys and settings."""

import re
import shutil
import subprocess
from pathlib import Path

APT = Path("/etc/apt")
KEYS = ("keyrings", "trusted.gpg.d", "auth.conf.d", "preferences.d")
CODENAMES = {"12": "bookworm", "13": "trixie"}  # the releases that Cartwheel is for
MIRROR = "http://deb.debian.org/debian"  # where the machine says nothing: debootstrap's own default


def version():
    """The machine's release, as "12"; None when it is no Debian."""
    try:
        words = dict(re.findall(r'^(\w+)="?([^"\n]*)"?$', Path("/etc/os-release").read_text(encoding="utf-8"), re.M))
    except OSError:
        return None
    return words.get("VERSION_ID") if words.get("ID") == "debian" else None


def sources(codename=None):
    """{file: (first URI, suites)} of the files that name Debian's own archives, and nothing else, for this machine's
    release or @codename."""
    codename = codename or CODENAMES.get(version())
    ours = {codename, f"{codename}-updates", f"{codename}-security"}
    found = {}
    for path in [*APT.glob("sources.list.d/*.sources"), *APT.glob("sources.list.d/*.list"), APT / "sources.list"]:
        if not path.is_file():
            continue
        text = re.sub(r"^\s*#.*$", "", path.read_text(encoding="utf-8"), flags=re.M)
        uris = re.findall(r"^(?:URIs:\s*|deb\s+(?:\[[^\]]*\]\s+)?)(\S+)", text, flags=re.M)
        words = re.findall(r"^Suites:\s*(.*)$", text, flags=re.M)
        suites = " ".join(words).split() or re.findall(r"^deb\s+(?:\[[^\]]*\]\s+)?\S+\s+(\S+)", text, flags=re.M)
        if uris and set(suites) and set(suites) <= ours:
            found[path] = (uris[0], suites)
    return found


def mirror():
    """Where this machine has its release from."""
    codename = CODENAMES.get(version())
    return next((uri for uri, suites in sources().values() if codename in suites), MIRROR)


def give_to(tree, codename):
    """Gives the tree, which is of that release, this machine's archives, keys and settings of fetching."""
    target = tree / "etc" / "apt"
    here = CODENAMES.get(version())
    found = sources()
    if found:
        (target / "sources.list").unlink(missing_ok=True)
    for path in found:
        text = path.read_text(encoding="utf-8")
        (target / path.relative_to(APT)).write_text(re.sub(rf"\b{here}\b", codename, text), encoding="utf-8")
    for folder in KEYS:
        if (APT / folder).is_dir():
            shutil.copytree(APT / folder, target / folder, dirs_exist_ok=True)
    dumped = subprocess.run(["apt-config", "dump"], stdout=subprocess.PIPE, text=True, check=True).stdout
    fetching = [line for line in dumped.splitlines() if line.startswith("Acquire::") and not line.endswith('"";')]
    (target / "apt.conf.d" / "90-as-on-this-machine").write_text("\n".join(fetching) + "\n", encoding="utf-8")
    for stale in (*tree.glob("var/cache/apt/archives/*.deb"), *tree.glob("var/lib/apt/lists/*_*")):
        stale.unlink()
