"""What the compiler and the linker were to put into a binary, read from the binary."""

import pathlib

from harness.command import stdout_of

ENDBR64 = b"\xf3\x0f\x1e\xfa"  # where an indirect branch may land; Debian's own start-up files have none,
MANY = 20  # so that the linker drops the mark for a whole program, and the instructions are what is there


def missing_protections(path):
    """The protections that a hardened binary has and this one does not."""
    header, segments, dynamic, symbols = (
        stdout_of("readelf", "--wide", option, path)
        for option in ("--file-header", "--program-headers", "--dynamic", "--dyn-syms"))
    stack = [line for line in segments.splitlines() if "GNU_STACK" in line]
    protections = {
        "position independent": "DYN (" in header and "PIE" in dynamic,
        "read-only relocations": "GNU_RELRO" in segments,
        "all symbols bound at start": "NOW" in dynamic,
        "stack not executable": len(stack) == 1 and "RWE" not in stack[0],
        "no segment both writable and executable": not [s for s in segments.splitlines() if " RWE " in s],
        "stack protector": "__stack_chk_fail" in symbols,
        "fortified calls": "_chk@" in symbols.replace("__stack_chk_fail", ""),
        "no search path of its own": "RPATH" not in dynamic and "RUNPATH" not in dynamic,
    }
    if "X86-64" in header:
        protections["indirect branches land where they should"] = pathlib.Path(path).read_bytes().count(ENDBR64) > MANY
    return [name for name, there in protections.items() if not there]
