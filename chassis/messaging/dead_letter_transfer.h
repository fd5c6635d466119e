/* Dead letters on their way out of a system and into one: whole, with what was done about them. All
 * work in the open transaction of a connection; errors as ch_pg_query(). */
#pragma once

#include "chassis/messaging/dead_letter_admin.h"

/** Reads the bodies of letters[0..n), which come from a list: .body, .body_read and, of an edited
 * one, .edited_body are set. A letter that is there no more keeps none. */
CH_MUST_CHECK bool ch_dead_letter_bodies(ChPg *pg, ChDeadLetter *const *letters, size_t n,
                                         GError **error);

/** What became of a letter that was to come in. */
typedef enum {
    CH_LETTER_ADDED,
    CH_LETTER_KNOWN,   /* it is here, with this body */
    CH_LETTER_DIFFERS, /* another one with its id is here, which stays as it is, or what was sent in
                        * its place was sent in the place of another */
    CH_LETTER_FOREIGN, /* this service does not consume its queue */
    CH_LETTER_IMPORTS_N,
} ChLetterImport;

/** Adds those of letters[0..n) that are not here, as they are; of two with one id the first.
 * outcomes[i] tells of letters[i]. Each has .body_sha256. Which group of failures they belong to is
 * found later, by housekeeping. */
CH_MUST_CHECK bool ch_dead_letter_import(const ChDeadLetterAdmin *admin,
                                         ChDeadLetter *const *letters, size_t n,
                                         ChLetterImport *outcomes, GError **error);
