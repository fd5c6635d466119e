/* What the fuzz targets share. A target cuts the fuzzer's bytes into values, hands them to the code
 * under test and asserts what must hold for every input; a failed assertion is a finding. */
#pragma once

#include "chassis/core/error.h"

#include <glib.h>
#include <stddef.h>
#include <stdint.h>

/** The fuzzer calls this with one input after another. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);
/** The fuzzer calls this once before the first input. */
int LLVMFuzzerInitialize(int *argc, char ***argv);

/** What is left of an input; values are taken from its front. */
typedef struct {
    const uint8_t *at;
    size_t left;
} FuzzInput;

/** 0 when nothing is left. */
uint8_t fuzz_byte(FuzzInput *input);
/** Big-endian; bytes that are missing count as 0. */
uint64_t fuzz_u64(FuzzInput *input);
/** Fills @bytes; what is missing is 0. */
void fuzz_bytes(FuzzInput *input, void *bytes, size_t n);

/** What stands before the next zero byte, or all that is left, in an allocation of exactly its
 * size, so that the sanitizer sees the first byte read beyond it. Free with g_free(). */
char *fuzz_text(FuzzInput *input);
/** The same, each byte that is not UTF-8 replaced by U+FFFD. */
char *fuzz_utf8(FuzzInput *input);
/** All that is left, in an allocation of exactly *n bytes; never NULL. Free with g_free(). */
uint8_t *fuzz_rest(FuzzInput *input, size_t *n);

/** Bytes that are allocated now. */
size_t fuzz_heap_bytes(void);

/** Asserts that @error is of CH_ERROR and @code, with a message of one line of printable UTF-8 that
 * is no longer than @max_bytes. */
void fuzz_assert_error(const GError *error, ChErrorCode code, size_t max_bytes);

/** True when @text, NULL is fine, is UTF-8 without control characters (those of ASCII). */
bool fuzz_is_printable(const char *text);
