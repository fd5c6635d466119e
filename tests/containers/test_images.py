"""What is in each image, and what is not."""

import json
import re
import tarfile

import pytest

from harness import elf
from harness.command import run, stdout_of
from harness.images import BINARIES, ROOT
from harness.stack import DEFAULTS
from support.names import MIGRATORS

LIMIT_BYTES = 40 * 1024 * 1024
USER = "10001:10001"
UNWANTED = re.compile(r"(^|/)(sh|bash|dash|busybox|env|perl|python[0-9.]*|apt|apt-get|dpkg|gcc|cc|ld|curl|wget)$")


@pytest.fixture(scope="module", params=BINARIES)
def binary(request):
    return request.param


@pytest.fixture(scope="module")
def config(binary, image):
    only, = json.loads(stdout_of("docker", "image", "inspect", image(binary)))
    return only


@pytest.fixture(scope="module")
def tree(binary, image, tmp_path_factory):
    """The image's files as a tar archive."""
    path = tmp_path_factory.mktemp(binary) / "tree.tar"
    container = stdout_of("docker", "create", image(binary)).strip()
    try:
        run("docker", "export", "--output", path, container)
    finally:
        run("docker", "rm", container)
    with tarfile.open(path) as archive:
        yield archive


@pytest.fixture(scope="module")
def program(binary, tree, tmp_path_factory):
    """The image's binary, on this machine."""
    path = tmp_path_factory.mktemp(binary) / binary
    path.write_bytes(tree.extractfile(f"usr/bin/{binary}").read())
    return path


def files(tree):
    """Those of the image; what a container gets from its engine is empty."""
    return [member for member in tree.getmembers() if member.isfile() and member.size > 0]


def test_it_is_small(binary, config, report):
    report(f"size of each image, of {LIMIT_BYTES / 2**20:.0f} MiB", [f"{config['Size'] / 2**20:5.1f}  {binary}"])
    assert config["Size"] <= LIMIT_BYTES


def test_it_runs_its_binary_as_nobody_special(binary, config):
    settings = config["Config"]
    assert settings["User"] == USER
    assert settings["Entrypoint"] == [f"/usr/bin/{binary}"]
    assert not settings["Cmd"] and not settings["Volumes"]


def test_it_asks_itself_whether_it_is_healthy(binary, config):
    check = config["Config"].get("Healthcheck")
    if binary in MIGRATORS:
        assert check is None
    else:
        assert check["Test"] == ["CMD", f"/usr/bin/{binary}", "--health"], "a shell would be needed"


def test_it_says_what_it_is(binary, config):
    labels = config["Config"]["Labels"]
    version = re.search(r"version: '([^']+)'", (ROOT / "meson.build").read_text())[1]
    assert labels["org.opencontainers.image.title"] == binary
    assert labels["org.opencontainers.image.version"] == version == DEFAULTS["CARTWHEEL_TAG"]
    assert labels["org.opencontainers.image.description"] and labels["org.opencontainers.image.revision"]


def test_it_holds_no_secrets_and_no_trace_of_its_building(config):
    names = {entry.partition("=")[0] for entry in config["Config"]["Env"]}
    assert names <= {"PATH", "HTTP_LISTEN", "ADMIN_LISTEN"}, names


def test_it_holds_one_program_and_no_tools(binary, tree):
    names = [member.name for member in tree.getmembers()]
    assert [name for name in names if name.startswith("usr/bin/")] == [f"usr/bin/{binary}"]
    assert not [member.name for member in files(tree) if UNWANTED.search(member.name)]
    executable = [m.name for m in files(tree) if m.mode & 0o111 and ".so" not in m.name]
    assert executable == [f"usr/bin/{binary}"]


def test_it_trusts_the_authorities_of_debian(tree):
    """Also where nothing names a file: OpenSSL's own default leads to the same one."""
    members = {member.name: member for member in tree.getmembers()}
    assert members["etc/ssl/certs/ca-certificates.crt"].size > 0
    assert members["usr/lib/ssl/cert.pem"].linkname == "/etc/ssl/certs/ca-certificates.crt"


def test_its_user_can_change_nothing(tree):
    for member in tree.getmembers():
        assert member.uid == 0 and not member.mode & 0o6000, f"{member.name} is another user's, or setuid"
        assert member.issym() or member.isdev() or not member.mode & 0o002, f"all may write {member.name}"


def test_each_library_comes_with_its_licence(tree):
    names = {member.name for member in tree.getmembers()}
    packages = {name.rpartition("/")[2] for name in names if name.startswith("var/lib/dpkg/status.d/")}
    assert {"libc6", "libglib2.0-0", "libpq5", "ca-certificates"} <= {name.removesuffix("t64") for name in packages}
    for package in packages:
        assert f"usr/share/doc/{package}/copyright" in names
    libraries = [m.name for m in files(tree) if ".so" in m.name]
    assert len(libraries) >= len(packages) - 1, "each package but the certificates brings a library"


def test_its_binary_is_hardened(program):
    assert elf.missing_protections(program) == []


def test_it_runs_with_nothing_at_all(binary, image):
    """No network, nothing writable, no capability: every library is there."""
    said = run("docker", "run", "--rm", "--read-only", "--network=none", "--cap-drop=ALL", image(binary), "--help")
    assert "DATABASE_URL" in said


def test_each_missing_setting_is_one_line_and_exit_status_2(binary, image):
    container = stdout_of("docker", "create", image(binary)).strip()
    try:
        said = run("docker", "start", "--attach", container, check=False)
        state, = json.loads(stdout_of("docker", "inspect", container))
    finally:
        run("docker", "rm", "--force", container)
    assert state["State"]["ExitCode"] == 2
    missing = ["DATABASE_URL"] if binary.endswith("-api") else ["DATABASE_URL", "AMQP_URL"]
    assert [line.split()[1] for line in said.strip().splitlines()] == missing, said


def test_the_images_are_built_from_what_the_launcher_builds_from():
    def words(text):
        return set(text.replace("\\", " ").split())
    launcher = re.search(r'^build_packages="([^"]*)"', (ROOT / "cartwheel").read_text(), flags=re.M)[1]
    dockerfile = (ROOT / "Dockerfile").read_text()
    installed = re.search(r"install -y --no-install-recommends(.*?)&&", dockerfile, flags=re.S)[1]
    assert words(installed) == words(launcher) | {"ca-certificates"}
