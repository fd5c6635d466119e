/* Digests of sets that are compared without being sent: what one set has and the other has not can
 * be read from the difference of their digests, as long as it is little (an invertible Bloom lookup
 * table; docs/decisions/0095-outcomes-are-compared-by-digests-that-name.md). Cells cross borders:
 * their layout, the hash and CH_DIGEST_CELLS are part of the contract. */
#pragma once

#include "chassis/core/uuid.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CH_DIGEST_CELLS = 144, /* four tables of 36 */
    CH_DIGEST_COPIES = 4,  /* an item is in one cell of each */
};

/** What fell into a cell: how many items, and their exclusive ors. */
typedef struct {
    int64_t items;      /* in a difference: fewer than none, when the other set had more */
    uint64_t high, low; /* of the ids, in network order */
    uint64_t values;
    uint64_t checks;
} ChDigestCell;

/** All zero but for the seed: of nothing. About a hundred differences can be read. Few that cannot,
 * because they fell into the same cells, can with another seed; only digests with the same can be
 * subtracted. */
typedef struct {
    uint64_t seed;
    ChDigestCell cells[CH_DIGEST_CELLS];
} ChDigest;

typedef struct {
    ChUuid id;
    int64_t value;
    bool is_other; /* of a difference: the subtracted set has it, the other one not */
} ChDigestItem;

/** @id is in the set, with @value: once. */
void ch_digest_add(ChDigest *digest, ChUuid id, int64_t value);

/** How many cells hold something. */
size_t ch_digest_cells_used(const ChDigest *digest);

/** Leaves in @digest what it and @other differ in. */
void ch_digest_subtract(ChDigest *digest, const ChDigest *other);

/** Takes out of a difference what can be read, into items[0..*n), which has room for
 * CH_DIGEST_CELLS. True: that was all. An item with another value is there twice, once for each
 * set. */
bool ch_digest_read(ChDigest *difference, ChDigestItem items[CH_DIGEST_CELLS], size_t *n);
