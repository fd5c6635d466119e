/* How a ChJson holds its tokens: for json_parse.c, json.c and json_read.c alone. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CH_JSON_NAME = 8, /* beside the ChJsonKinds: a member's name; its value is the next token */
    CH_JSON_NO_PARENT = UINT32_MAX,
};

typedef struct {
    uint32_t start;  /* of a string's decoded text, or of a number, in ChJson.text */
    uint32_t bytes;  /* of the same; of a container: its number of elements or members */
    uint32_t next;   /* the token after this one and all below it */
    uint32_t parent; /* the container, or CH_JSON_NO_PARENT */
    uint16_t hash;   /* of a name, without regard to case */
    uint8_t kind;    /* ChJsonKind or CH_JSON_NAME */
    bool is_flawed;  /* of a string or a name: it holds what no text of ours can */
} ChJsonToken;

struct ChJson {
    ChJsonToken *tokens;
    uint32_t tokens_n;
    uint32_t tokens_room;
    const char *root_path; /* constant; where the root stands */
    bool upper_names;      /* paths spell names with a capital letter first */
    char *
        text; /* the copy; strings are decoded in place and end with a zero byte over their quote */
};

/** The hash under which a name is kept: the same for all spellings of its ASCII letters. */
static inline uint16_t ch_json_name_hash(const char *name, size_t bytes)
{
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (size_t i = 0; i < bytes; i++)
        hash = (hash ^ (uint32_t)(unsigned char)g_ascii_tolower(name[i])) * 16777619u;
    return (uint16_t)(hash >> 16 ^ hash);
}
