"""The same server by another address, the same address by another name."""

from urllib.parse import urlsplit, urlunsplit


def address_of(url):
    """(host, port)"""
    parts = urlsplit(url)
    return parts.hostname, parts.port


def with_address(url, port):
    """@url with 127.0.0.1:@port in place of its host and port."""
    parts = urlsplit(url)
    credentials, at, _ = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{credentials}{at}127.0.0.1:{port}"))


def with_credentials(url, name, password):
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{name}:{password}@{parts.netloc.rpartition('@')[2]}"))


def with_path(url, path):
    """@url of another database or virtual host."""
    return urlunsplit(urlsplit(url)._replace(path="/" + path))
