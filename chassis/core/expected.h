/* What a change is for: "only if it is still as I saw it". */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CH_EXPECTED_MAX = 8,
};

/** The versions that a change may meet; n == 0: any. */
typedef struct {
    size_t n;
    int64_t versions[CH_EXPECTED_MAX];
} ChExpected;

/** Whether a change may meet @version. */
static inline bool ch_expected_allows(const ChExpected *expected, int64_t version)
{
    for (size_t i = 0; i < expected->n; i++) {
        if (expected->versions[i] == version)
            return true;
    }
    return expected->n == 0;
}
