/* Whole JSON documents: written again, and compared with what jansson reads. */
#pragma once

#include "chassis/json/json.h"

#include <glib.h>
#include <jansson.h>

/** Appends @value as the writer writes it; a number keeps its digits. @key as in json_writer.h. */
void fuzz_json_write(GString *json, const char *key, ChJsonValue value);

/** Asserts that @ours says what @theirs says. */
void fuzz_json_assert_same(ChJsonValue ours, const json_t *theirs);

/** What jansson makes of @text, NULL when it refuses. *is_limit: it refuses what is JSON all the
 * same (numbers beyond its types, members there twice, zeros, halves of surrogate pairs), or comes
 * no further than that. */
json_t *fuzz_json_theirs(const char *text, size_t bytes, bool *is_limit);
