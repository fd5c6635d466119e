"""HTTP and HTTPS to our own processes; never through a proxy."""

import http.client
import ssl
from pathlib import Path
from urllib.parse import urlsplit

from .layout import LauncherError

END = "-----END CERTIFICATE-----"


def connection(url, seconds, context=None):
    """Not connected yet. @context: whom to trust over TLS; None: whom the system's CAs vouch for."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise LauncherError(f"{url} is no http(s) address")
    if parts.scheme == "http":
        return http.client.HTTPConnection(parts.hostname, parts.port, timeout=seconds)
    return http.client.HTTPSConnection(parts.hostname, parts.port, timeout=seconds, context=context)


def holder_of(certificate_file):
    """Trusts who has the key of this certificate, whoever issued it and whatever name is in it; None: of none."""
    if certificate_file is None:
        return None
    try:
        own = Path(certificate_file).read_text(encoding="ascii").partition(END)[0] + END
        context = ssl.create_default_context(cadata=own)  # what issued it may have issued others
    except (OSError, ValueError) as error:
        raise LauncherError(f"HTTP_TLS_CERT_FILE: {certificate_file}: {error}") from error
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.check_hostname = False
    return context


def anybody():
    """Trusts whoever answers: for a question that gives nothing away."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
