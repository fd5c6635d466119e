/* The signatures that tokens may have: asymmetric ones alone, each with the keys that make it. */
#pragma once

#include <stddef.h>

typedef struct {
    const char *name;     /* "ES256" */
    const char *key_type; /* "EC" or "RSA" */
    const char *curve;    /* of EC; NULL for RSA */
} ChAlgorithm;

/** The one called @name; NULL: it is not allowed. */
const ChAlgorithm *ch_algorithm_find(const char *name);
