"""Builds the images of all binaries, and stand-ins for the servers' images where those cannot be pulled."""

import concurrent.futures
import os
import pathlib

from harness import base
from harness.command import MINUTE, run
from support.names import APIS, MIGRATORS, WORKERS

ROOT = pathlib.Path(__file__).resolve().parents[3]
STANDINS = ROOT / "tests" / "containers" / "standins"
BINARIES = APIS + WORKERS + MIGRATORS
PROXIES = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY")

# variable of docker-compose.yml: (the image of that generation, its stand-in); the file names those of 13 by default
SERVERS = {
    "12": {
        "POSTGRES_IMAGE": ("postgres:15", "postgres"),
        "RABBITMQ_IMAGE": ("rabbitmq:3.10-management", "rabbitmq"),
        "HAPROXY_IMAGE": ("haproxy:2.6", "haproxy"),
    },
    "13": {
        "POSTGRES_IMAGE": ("postgres:17", "postgres"),
        "RABBITMQ_IMAGE": ("rabbitmq:4.0-management", "rabbitmq"),
        "HAPROXY_IMAGE": ("haproxy:3.0", "haproxy"),
    },
}[base.RELEASE]


def image_of(binary, tag):
    return f"cartwheel/{binary}:{tag}"


def made(tag):
    """The names of the images that build_all() makes on a machine where nothing can be pulled."""
    return [base.OURS, *(image_of(target, tag) for target in ("build", *BINARIES)),
            *(f"cartwheel-test/{official}" for official, _ in SERVERS.values())]


def build_all(tag):
    """Returns what has to be said to docker-compose.yml: the servers' images that are not its defaults.

    The stage that compiles gets a name too, so that it can be taken away again.
    """
    debian = base.debian()
    targets = ("build", *BINARIES)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        ours = pool.submit(lambda: [_build(ROOT, image_of(t, tag), debian, "--target", t) for t in targets])
        servers = pool.submit(lambda: {name: _server(*images, debian) for name, images in SERVERS.items()})
        ours.result()
        return {name: image for name, image in servers.result().items() if base.RELEASE != base.BY_DEFAULT or image != SERVERS[name][0]}


def _server(official, standin, debian):
    if base.present_or_pulled(official):
        return official
    name = f"cartwheel-test/{official}"
    _build(STANDINS / standin, name, debian)
    return name


def _build(context, name, debian, *options):
    """The network of the machine, so that a proxy on it is reached; proxies are no part of an image."""
    proxies = [word for name in PROXIES if os.environ.get(name)
               for word in ("--build-arg", f"{name}={os.environ[name]}")]
    run("docker", "build", "--quiet", "--network", "host", "--build-arg", f"BASE={debian}", *proxies, *options,
        "--tag", name, context, timeout=15 * MINUTE)
