"""A certificate authority of our own and what it issues, made with openssl; for servers on localhost."""

import subprocess

from .layout import LauncherError

NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
DAYS = 3650

# Nothing of the machine's openssl.cnf, which would add extensions of its own.
CONFIGURATION = """\
[req]
distinguished_name = nobody
[nobody]
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[server]
basicConstraints = critical, CA:FALSE
extendedKeyUsage = serverAuth
subjectAltName = {names}
[client]
basicConstraints = critical, CA:FALSE
extendedKeyUsage = clientAuth
[past]
database = {name}.issued
new_certs_dir = .
default_md = sha256
rand_serial = yes
policy = of_any_name
[of_any_name]
commonName = supplied
"""
PAST = ("-startdate", "20200101000000Z", "-enddate", "20200201000000Z")


class Authority:
    """Keeps its certificate and key in a folder, and there puts what it issues."""

    def __init__(self, folder):
        self._folder = folder
        self.file = folder / "ca.crt"
        self._key = folder / "ca.key"

    def create(self):
        """Makes the authority unless it is there."""
        if self.file.exists():
            return
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = self.file.with_suffix(".new")
        self._openssl("req", "-config", self._configuration("ca"), "-x509", *NEW_KEY, "-extensions", "authority",
                      "-subj", "/CN=Cartwheel private CA", "-days", str(DAYS), "-keyout", self._key, "-out", new)
        new.rename(self.file)

    def issue(self, name, kind="server", names="DNS:localhost", expired=False):
        """A certificate and its key as <name>.crt and .key."""
        request, certificate, key = (self._folder / f"{name}.{suffix}" for suffix in ("csr", "crt", "key"))
        configuration = self._configuration(name, names)
        self._openssl("req", "-config", configuration, "-new", *NEW_KEY, "-subj", f"/CN={name}",
                      "-keyout", key, "-out", request)
        if expired:
            self._sign_for_the_past(name, configuration, request, certificate, kind)
        else:
            self._openssl("x509", "-req", "-in", request, "-CA", self.file, "-CAkey", self._key, "-days", str(DAYS),
                          "-extfile", configuration, "-extensions", kind, "-out", certificate)
        request.unlink()
        return certificate, key

    def _sign_for_the_past(self, name, configuration, request, certificate, kind):
        """By "ca", which takes dates in OpenSSL 3.0 and 3.5 alike: "x509" of 3.0 knows a number of days alone, and
        that of 3.5 none below 0."""
        (self._folder / f"{name}.issued").write_text("", encoding="ascii")
        self._openssl("ca", "-batch", "-notext", "-config", configuration, "-name", "past", *PAST,
                      "-in", request, "-cert", self.file, "-keyfile", self._key, "-extensions", kind, "-out", certificate)

    def _configuration(self, name, names="DNS:localhost"):
        path = self._folder / f"{name}.cnf"
        path.write_text(CONFIGURATION.format(name=name, names=names), encoding="ascii")
        return path

    def _openssl(self, *arguments):
        try:
            done = subprocess.run(["openssl", *map(str, arguments)], cwd=self._folder, stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        except OSError as error:
            raise LauncherError(f"cannot run openssl (Debian package openssl): {error}") from error
        if done.returncode != 0:
            raise LauncherError(f"openssl {arguments[0]} failed:\n{done.stdout}")
