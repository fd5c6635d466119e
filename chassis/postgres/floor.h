/* Where a claim begins to look. What is deleted stays in an index until no transaction may see it;
 * while a backup or a report runs, a claim from the index's start walks over all of it. A claim
 * from the floor, a little before the oldest row of the last one, does not. What is committed below
 * the floor later on is found by a whole claim, from the start, once a second; every three seconds
 * when it takes long. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/** All zero at first. Belongs to one lane. */
typedef struct {
    int64_t floor_us;     /* since 1970 UTC */
    int64_t started_us;   /* monotonic: the claim under way */
    int64_t whole_due_us; /* monotonic */
    bool whole;           /* is the claim under way whole? */
} ChPgFloor;

/** A claim begins. Returns the time from which to claim, in microseconds since 1970 UTC; 0 when it
 * has to be whole. */
int64_t ch_pg_floor_begin(ChPgFloor *floor);

/** It ended, and its oldest row is of @oldest_us (since 1970 UTC; 0: it found none). */
void ch_pg_floor_end(ChPgFloor *floor, int64_t oldest_us);
