#!/usr/bin/env python3
"""Turns SQL migrations into a C array, so that a migrator is one file that carries its schema.

embed_sql.py SERVICE OUT.c OUT.h NNNN_name.sql...

The names give version and name; versions run from 1 without a gap, so that a file forgotten in the
list of the build is an error here and not a missing table later. The checksum is the SHA-256 of the
file's bytes: a migrator uses it to refuse an applied migration that was edited.
"""

import hashlib
import pathlib
import re
import sys

FILE_NAME = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")


def read_migrations(paths):
    """Returns (version, name, bytes) of each file, in the order of the versions."""
    migrations = []
    for path in map(pathlib.Path, paths):
        match = FILE_NAME.fullmatch(path.name)
        if match is None:
            raise ValueError(f"{path}: a migration is named NNNN_name.sql")
        content = path.read_bytes()
        if b"\0" in content:
            raise ValueError(f"{path}: holds a zero byte")
        content.decode("utf-8")
        migrations.append((int(match[1]), match[2], content))
    migrations.sort()
    versions = [version for version, _, _ in migrations]
    if versions != list(range(1, len(versions) + 1)):
        raise ValueError(f"migrations must be numbered 1, 2, 3, ... without a gap, not {versions}")
    return migrations


def c_string(line):
    """One line of SQL as a C literal; bytes beyond ASCII become octal escapes of three digits."""
    out = []
    for byte in line:
        char = chr(byte)
        if char in '"\\?':  # ?: no trigraphs
            out.append("\\" + char)
        elif char == "\n":
            out.append("\\n")
        elif char == "\t" or not 32 <= byte < 127:
            out.append(f"\\{byte:03o}")
        else:
            out.append(char)
    return '"' + "".join(out) + '"'


def c_entry(version, name, content):
    lines = content.splitlines(keepends=True) or [b""]
    sql = "\n".join("              " + c_string(line) for line in lines)
    checksum = hashlib.sha256(content).hexdigest()
    return (
        f"    {{ .version = {version},\n"
        f'      .name = "{name}",\n'
        f"      .sql =\n{sql},\n"
        f'      .checksum = "{checksum}" }},\n'
    )


def main(service, c_path, h_path, *sql_paths):
    try:
        migrations = read_migrations(sql_paths)
    except (OSError, ValueError) as error:
        sys.exit(f"embed_sql.py: {error}")
    header = (
        f"/* The migrations of the {service} service, made by tools/build/embed_sql.py. */\n"
        "#pragma once\n\n"
        '#include "chassis/postgres/migrations.h"\n\n'
        "#include <stddef.h>\n\n"
        "/** In the order of their versions, 1 first. */\n"
        f"extern const ChMigration {service}_migrations[];\n"
        f"extern const size_t {service}_migrations_count;\n"
    )
    source = (
        f'#include "{service}_migrations.h"\n\n'
        f"const ChMigration {service}_migrations[] = {{\n"
        + "".join(c_entry(*migration) for migration in migrations)
        + "};\n"
        f"const size_t {service}_migrations_count =\n"
        f"    sizeof {service}_migrations / sizeof {service}_migrations[0];\n"
    )
    pathlib.Path(c_path).write_text(source, encoding="ascii")
    pathlib.Path(h_path).write_text(header, encoding="ascii")


if __name__ == "__main__":
    if len(sys.argv) < 5:
        sys.exit(__doc__)
    main(*sys.argv[1:])
