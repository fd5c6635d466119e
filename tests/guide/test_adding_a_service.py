"""docs/adding-a-service.md does what it says: followed to the letter in a copy of the checkout, it yields a service
whose files pass the style checks, that is built and started, and that acts on a confirmed order.

Nothing of the page is repeated here. A block that mentions $order is run once an order was placed and confirmed, until
it succeeds and every line it prints names that order.
"""

import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest

from guide.page import steps
from support.api import OrderApi, StockApi
from support.system import ROOT, Addresses
from support.waits import eventually

LAUNCHER = "./cartwheel"
PAGE = ROOT / "docs" / "adding-a-service.md"
STEP_SECONDS = 300  # a build without ccache on a busy machine
NOT_COPIED_AT_THE_ROOT = (".git", ".cartwheel")
NOT_COPIED = ("__pycache__", "node_modules", ".pytest_cache", ".hypothesis")


def unneeded(folder, names):
    at_root = pathlib.Path(folder) == ROOT
    return [name for name in names if name in NOT_COPIED
            or at_root and (name in NOT_COPIED_AT_THE_ROOT or name.startswith("build"))]


class Copy:
    """A copy of the checkout in which the page is followed."""

    def __init__(self, root):
        self.root = root
        self._environment = {name: value for name, value in os.environ.items() if not name.startswith("CARTWHEEL_")}

    def run(self, *command, **variables):
        """What the command printed; fails with it when the command does."""
        done = subprocess.run(command, cwd=self.root, timeout=STEP_SECONDS, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                              env={**self._environment, **variables})
        assert done.returncode == 0, f"{' '.join(command)}: exit status {done.returncode}\n{done.stdout}"
        return done.stdout

    def shell(self, text, **variables):
        return self.run("sh", "-euc", text, **variables)

    def write(self, path, text):
        place = self.root / path
        assert not place.exists(), f"{path} is there already"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")

    def patch(self, text):
        patch = self.root / "step.patch"
        patch.write_text(text, encoding="utf-8")
        self.run("patch", "-p1", "--batch", "--forward", "-i", patch.name)
        patch.unlink()


@pytest.fixture
def copy():
    with tempfile.TemporaryDirectory(prefix="cartwheel-guide-") as folder:
        place = pathlib.Path(folder)
        place.chmod(0o755)  # an unprivileged database server has to reach its data below it
        shutil.copytree(ROOT, place / "cartwheel", ignore=unneeded, symlinks=True)
        made = Copy(place / "cartwheel")
        yield made
        made.run(LAUNCHER, "clean", "--yes")


def confirmed_order(copy):
    """The id of an order that was placed and confirmed now."""
    addresses = Addresses(copy.root / ".cartwheel" / "endpoints.json")
    token = addresses.endpoints["token"]
    orders = OrderApi(addresses.api("order"), token)
    order_id = orders.placed((StockApi(addresses.api("stock"), token).create(1), 1))
    orders.wait(order_id, "Confirmed")
    return order_id


def names_on_every_line(copy, text, order_id):
    lines = copy.shell(text, order=order_id).splitlines()
    return lines and all(order_id in line for line in lines)


def take(copy, step):
    if step.kind == "file":
        copy.write(step.path, step.text)
    elif step.kind == "diff":
        copy.patch(step.text)
    elif "$order" in step.text:
        order_id = confirmed_order(copy)
        eventually(lambda: names_on_every_line(copy, step.text, order_id), f"order {order_id} in what is printed")
    else:
        copy.shell(step.text)


@pytest.mark.timeout(2 * STEP_SECONDS)
def test_the_page_can_be_followed_to_the_letter(copy):
    page = steps(PAGE.read_text(encoding="utf-8"))
    start = next(step for step in page if step.kind == "sh" and f"{LAUNCHER} up" in step.text)
    assert any("$order" in step.text for step in page), "the page shows nothing that comes of an order"
    for step in page:
        if step is start:  # all is written: it is checked, and without the unit tests built in half the time
            copy.run("tests/style/check.sh")
            copy.run("meson", "setup", "-Dtests=false", "build")
        try:
            take(copy, step)
        except AssertionError as error:
            raise AssertionError(f"{PAGE.name}, line {step.line}: {error}") from None
