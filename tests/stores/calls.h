/* What was asked of a store in memory, and the call that fails because a test wants it to. */
#pragma once

#include "chassis/core/error.h"

typedef struct {
    GString *text;       /* "reserve(2) lock(1) ": each slot with its n */
    const char *failing; /* the slot that fails; NULL: none */
    unsigned fails_at;   /* the n-th call from now on fails; 0: none */
    ChErrorCode failure; /* the error of either */
} StoreCalls;

void store_calls_init(StoreCalls *calls);
void store_calls_clear(StoreCalls *calls);

/** Notes a call; false with the error when it is the one that fails. */
CH_MUST_CHECK bool store_called(StoreCalls *calls, const char *slot, size_t n, GError **error);
