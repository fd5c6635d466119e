#!/usr/bin/env python3
"""clients/typescript, the types of what the APIs take and give, made of the documents in docs/api by openapi-typescript.

api_types.py: writes the files; api_types.py --check: says whether they are those that the documents make. The program is
one of tests/documents/package.json, which ./cartwheel test documents installs.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

from embed_document import bundle

ROOT = pathlib.Path(__file__).resolve().parents[2]
API = ROOT / "docs" / "api"
CLIENTS = ROOT / "clients" / "typescript"
PROGRAM = ROOT / "build-documents" / "node_modules" / "openapi-typescript" / "bin" / "cli.js"
SECONDS = 60


def types_of(service):
    """The text of the service's file."""
    with tempfile.TemporaryDirectory() as folder:
        document, types = (pathlib.Path(folder, f"{service}.{suffix}") for suffix in ("json", "ts"))
        document.write_text(json.dumps(bundle(API / f"{service}.yaml", API / "common.yaml")), encoding="utf-8")
        done = subprocess.run(["node", str(PROGRAM), str(document), "-o", str(types)], cwd=folder, timeout=SECONDS,
                              capture_output=True, text=True, check=False)
        if done.returncode != 0 or not types.exists():
            sys.exit(f"api_types.py: {service}: {done.stderr or done.stdout}")
        return types.read_text(encoding="utf-8")


def main(arguments):
    if not PROGRAM.exists():
        sys.exit("api_types.py: openapi-typescript is missing: ./cartwheel test documents installs it")
    stale = []
    for service in (ROOT / "services" / "services.list").read_text(encoding="utf-8").split():
        path, made = CLIENTS / f"{service}.ts", types_of(service)
        if path.exists() and path.read_text(encoding="utf-8") == made:
            continue
        stale.append(str(path.relative_to(ROOT)))
        if arguments != ["--check"]:
            CLIENTS.mkdir(parents=True, exist_ok=True)
            path.write_text(made, encoding="utf-8")
    if stale and arguments == ["--check"]:
        print(f"{', '.join(stale)}: not what docs/api makes: run tools/build/api_types.py")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
