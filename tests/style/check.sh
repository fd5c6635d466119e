#!/bin/sh
# Every style rule that a machine can check. Prints what fails and where; status 1 when anything does.
# A rule's own test runs before the rule.
cd "$(dirname "$0")/../.." || exit 1

failed=0
run() {
    "$@" || failed=1
}

# Versions disagree about line breaks, so one of them decides: that of Debian 12, where this check is strict. Debian 13
# has newer ones alone.
format() {
    for formatter in clang-format-14 clang-format; do
        found=$("$formatter" --version 2>/dev/null) || continue
        case $found in *"version 14."*) break ;; esac
    done
    case ${found:-} in
        *"version 14."*) ;;
        '')
            echo "clang-format is missing: install clang-format (version 14)"
            return 1 ;;
        *)
            echo "style: the format is NOT checked: that takes clang-format 14, which Debian 12 has; here is: $found"
            return 0 ;;
    esac
    find chassis services tests tools -name '*.[ch]' -print0 |
        xargs -0 -r "$formatter" --style=file --dry-run -Werror 2>&1 |
        grep -E '(warning|error):'
    [ $? -eq 1 ] # grep found nothing
}

# What is made of the list of services.
deployment() {
    listed=$(./cartwheel services 2>&1) || {
        echo "$listed"
        return 1
    }
}

run format
run python3 tests/style/includes.py --self-test
run python3 tests/style/includes.py
run python3 tests/style/circles.py --self-test
run python3 tests/style/circles.py
run python3 tests/style/source.py --self-test
run python3 tests/style/source.py
run python3 tests/style/functions.py
run deployment
run python3 tools/build/api_page.py --check
run python3 tests/style/docs.py --self-test
run python3 tests/style/docs.py
run python3 tests/style/problems.py --self-test
run python3 tests/style/problems.py
run python3 tests/style/shown.py --self-test
run python3 tests/style/shown.py
run python3 tests/style/traces.py --self-test
run python3 tests/style/traces.py
run python3 tests/faults/patches.py --self-test
run python3 tests/faults/patches.py

if [ "$failed" -eq 0 ]; then
    echo "style: all checks pass"
fi
exit "$failed"
