#!/bin/sh
# Every style rule that a machine can check. Prints what fails and where; status 1 when anything does.
# A rule's own test runs before the rule.
cd "$(dirname "$0")/../.." || exit 1

failed=0
run() {
    "$@" || failed=1
}

format() {
    if ! command -v clang-format >/dev/null; then
        echo "clang-format is missing: install clang-format (version 14)"
        return 1
    fi
    find chassis services tests tools -name '*.[ch]' -print0 |
        xargs -0 -r clang-format --style=file --dry-run -Werror 2>&1 |
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
run python3 tests/style/source.py --self-test
run python3 tests/style/source.py
run python3 tests/style/functions.py
run deployment
run python3 tests/style/docs.py --self-test
run python3 tests/style/docs.py
run python3 tests/faults/patches.py --self-test
run python3 tests/faults/patches.py

if [ "$failed" -eq 0 ]; then
    echo "style: all checks pass"
fi
exit "$failed"
