#!/usr/bin/env python3
"""Calls that are banned, data that changes behind everybody's back, words that do not belong, and
files that have grown too long."""

import re
import sys

import sources

MAX_FILE_LINES = 500

# (pattern, why, folder where it is allowed)
BANNED = [
    (r"\b(strcpy|strcat|sprintf|vsprintf|gets|g_sprintf|g_vsprintf)\s*\(", "writes without a bound", None),
    (r"\bstrtok\s*\(", "keeps its state in a global: use g_strsplit", None),
    (r"\b(atoi|atol|atoll|atof)\s*\(", "cannot fail: use a parser that can", None),
    (r"\b(gmtime|localtime|ctime|asctime)\s*\(", "shared result: use chassis/core/time.h", None),
    (r"\balloca\s*\(", "the stack has no error", None),
    (r"\bPQexec\s*\(", "SQL goes through chassis/postgres", "chassis/postgres/"),
    (r"\b(GMutex|GCond|GThread|GRWLock|GRecMutex)\b", "threads and locks are pthreads", None),
    (r"\bg_(async_queue|thread|mutex|cond|rw_lock|rec_mutex)_\w+", "threads and locks are pthreads", None),
    (r"\bg_return_(val_)?if_fail\b", "fails without an error: g_assert for our bugs, GError else", None),
    (r"\bgoto\b", "use autoptr and an early return", None),
]

WORDS = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "X" * 3, "HA" + "CK"]) + r")\b")
WORD_SUFFIXES = {".c", ".h", ".py", ".sh", ".sql", ".md", ".build", ".yml", ".yaml", ".json", ".txt"}

# Data that does change, each with its reason beside it in the code.
MUTABLE_DATA = {
    ("chassis/client/curl.c", "ch_libcurl"),  # one library a process, loaded once
    ("chassis/core/error.c", "quark"),  # the number of the domain's name
    ("chassis/core/fault.c", "plan"),  # what a test asked for; in no normal build
    ("chassis/core/log.c", "output"),  # one output a process
    ("chassis/core/trace.c", "sampler"),  # one choice of traces
    ("chassis/core/span.c", "ring"),  # one way to the collector
    ("chassis/core/uuid.c", "last_tick"),  # one order of ids a process
    ("chassis/telemetry/metrics.c", "families"),  # the registry of the metrics,
    ("chassis/telemetry/metrics.c", "making"),  # and its lock
}
# Set once by nature, or one for each thread.
HARMLESS = re.compile(r"\b(_Thread_local|thread_local|pthread_once_t|pthread_key_t|const)\b")


def banned_calls(path, code):
    for pattern, why, home in BANNED:
        if home is not None and str(path).startswith(home):
            continue
        for match in re.finditer(pattern, code):
            call = match[0].rstrip("( \t\n")
            yield path, sources.line_of(code, match.start()), f"{call}: {why}"


def without_preprocessor(code):
    """Directives blank, with their continuation lines."""
    directive = re.compile(r"^[ \t]*#(?:\\\n|[^\n])*", re.MULTILINE)
    return directive.sub(lambda match: "\n" * match[0].count("\n"), code)


def top_level_statements(code):
    """(offset, text) of each statement outside functions; braces are reduced to {}."""
    statement, start, depth = "", 0, 0
    for offset, char in enumerate(code):
        if depth == 0 and not statement.strip():
            statement, start = "", offset
        if char == "{":
            depth += 1
            statement += "{" if depth == 1 else ""
        elif char == "}":
            depth -= 1
            statement += "}" if depth == 0 else ""
            # A body of a function ends its statement; an initialiser or a struct goes on to the ;.
            if depth == 0 and "(" in statement.split("{")[0] and "=" not in statement:
                yield start, statement.strip()
                statement = ""
        elif depth == 0 and char == ";":
            yield start, statement.strip()
            statement = ""
        elif depth == 0:
            statement += char


def statics_anywhere(code):
    """(offset, text) of each declaration with `static`, to its ; or initialiser; braces reduced."""
    for match in re.finditer(r"\bstatic\b", code):
        text, depth = "", 0
        for char in code[match.start() :]:
            depth -= char == "}"
            if depth == 0 and char in ";=":
                break
            if depth == 0 and char in "{}":
                if "(" in text:
                    break  # the body of a function
                text += char
            elif depth == 0:
                text += char
            depth += char == "{"
        yield match.start(), text.strip()


def name_of_mutable(statement):
    """The name of the variable that @statement defines, when it can change; else None."""
    if re.match(r"(typedef|extern)\b", statement):
        return None
    if re.match(r"(struct|union|enum)\b[^*=()]*\{\}$|(struct|union|enum)\s+\w+$", statement):
        return None  # a type alone
    declaration = statement.split("=")[0]
    call = declaration.find("(")
    if call >= 0 and declaration[call : call + 2] != "(*":
        return None  # a function, or a macro that defines something
    if call >= 0:
        declaration = declaration[: declaration.index(")", call)]  # static bool (*hook)(int)
    identifiers = re.findall(r"\w+", re.sub(r"\[.*?\]", "", declaration))
    if len(identifiers) < 2:
        return None
    # `const char *name` can be pointed elsewhere: only what follows the last star counts.
    own = declaration.rsplit("*", 1)[-1] if "*" in declaration else declaration
    once = re.search(r"\b(_Thread_local|thread_local)\b", declaration)
    if once or HARMLESS.search(own):
        return None
    return identifiers[-1]


def mutable_data(path, code):
    code = without_preprocessor(code)
    seen = set()
    for offset, statement in [*top_level_statements(code), *statics_anywhere(code)]:
        name = name_of_mutable(statement)
        line = sources.line_of(code, offset)
        if name is None or (str(path), name) in MUTABLE_DATA or (line, name) in seen:
            continue
        seen.add((line, name))
        yield path, line, f"{name}: mutable data outside of any owner"


def words(path, text):
    for match in WORDS.finditer(text):
        yield path, sources.line_of(text, match.start()), f"{match[0]}: finish it, or file an issue"


def main():
    complaints = []
    for path in sources.files("chassis", "services", suffixes={".c", ".h"}):
        text = sources.read(path)
        code = sources.code_only(text)
        complaints.extend(banned_calls(path, code))
        complaints.extend(mutable_data(path, code))
        lines = text.count("\n")
        if lines > MAX_FILE_LINES:
            complaints.append((path, lines, f"{lines} lines, {MAX_FILE_LINES} at most"))
    for path in sources.files(".", suffixes=WORD_SUFFIXES):
        complaints.extend(words(path, sources.read(path)))
    return sources.report(complaints)


MUTABLE = [
    "static int calls;",
    "static int calls = 0;",
    "int calls = 0;",
    "static const char *name = 0;",
    "static struct { int a; int b; } state = { 1, 2 };",
    "static struct Foo cache[16];",
    "static bool (*hook)(int);",
    "static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;",
    "void f(void)\n{\n    static int calls;\n    calls++;\n}",
    "void f(void)\n{\n    static struct { int a; } cache = { 0 };\n}",
]

CONSTANT = [
    "static const int limits[] = { 1, 2 };",
    "static const char *const names[] = { 0 };",
    "static const struct { int a; struct { int b; } c; } table[] = { { 1, { 2 } } };",
    "static _Thread_local struct { int a; } pool;",
    "static _Thread_local Buffer *own;",
    "static pthread_once_t once = PTHREAD_ONCE_INIT;",
    "static int twice(int a)\n{\n    int b = a;\n    return b + a;\n}",
    "static inline int f(void);",
    "int f(int a, const char *b);",
    "extern const int count;",
    "typedef struct { int a; } Foo;",
    "struct Foo { int a; };",
    "struct Foo;",
    "enum { A = 1, B };",
    "G_DEFINE_QUARK(ch-error-quark, ch_error)\n\nstatic const int a = 1;",
    'CH_COUNTER(sent, "a", "b", NULL);\nint f(void)\n{\n    return 1;\n}',
    "/* static int calls; */",
    "void f(void)\n{\n    static const struct { int a; } cases[] = { { 1 } };\n}",
    "__attribute__((constructor)) static void f(void)\n{\n    g();\n}",
    "static void f(const struct sigaction *a)\n{\n    struct sigaction b = { .sa_handler = g };\n}",
]

BANNED_EXAMPLES = [
    ("services/order/api/main.c", "strcpy(a, b);", True),
    ("services/order/api/main.c", "g_strlcpy(a, b, c);", False),
    ("services/order/api/main.c", "/* strcpy(a, b) */", False),
    ("services/order/api/main.c", 'f("atoi(x)");', False),
    ("services/order/api/main.c", "x = atoi (y);", True),
    ("services/order/api/main.c", "PQexec(db, sql);", True),
    ("chassis/postgres/connection.c", "PQexec(db, sql);", False),
    ("services/order/api/main.c", "gmtime_r(&a, &b);", False),
    ("services/order/api/main.c", "GMutex mutex;", True),
    ("services/order/api/main.c", "g_async_queue_push(q, x);", True),
]


def self_test():
    complaints = []
    for examples, expected in ((MUTABLE, 1), (CONSTANT, 0)):
        for example in examples:
            if len(list(mutable_data("self-test", sources.code_only(example)))) != expected:
                complaints.append(("self-test", 1, f"expected {expected} mutable data in: {example}"))
    for path, code, is_banned in BANNED_EXAMPLES:
        if bool(list(banned_calls(path, sources.code_only(code)))) != is_banned:
            complaints.append((path, 1, f"self-test: {code} should be banned: {is_banned}"))
    if not list(words("a.c", "/* TO" + "DO: later */")) or list(words("a.c", "mkstemp XX" + "XXXX")):
        complaints.append(("self-test", 1, "words that do not belong"))
    return sources.report(complaints)


if __name__ == "__main__":
    sys.exit(self_test() if sys.argv[1:] == ["--self-test"] else main())
