/* UUIDs of RFC 9562: version 7 (time and counter), version 5 (name), and their text. */
#include "chassis/core/uuid.h"

#include "chassis/core/hex.h"
#include "chassis/core/random.h"

#include <glib.h>
#include <stdatomic.h>
#include <string.h>

enum {
    TEXT_CHARACTERS = CH_UUID_TEXT_BYTES - 1,
    TIME_BYTES = 6,
    COUNTER_BITS = 12,
    /* A millisecond's counter starts at random in its lower half: at least 2,048 ids fit before it
     * runs over into the next millisecond. */
    COUNTER_START_LIMIT = 1 << (COUNTER_BITS - 1),
    NAME_HASH_BYTES = 20, /* SHA-1; the first 16 are used */
    ROOM_US = 60 * 1000 * 1000,
};

/* Where the hyphen-separated groups of the text begin, and the bytes in each. */
static const struct {
    uint8_t text_at;
    uint8_t byte_at;
    uint8_t bytes;
} groups[] = { { 0, 0, 4 }, { 9, 4, 2 }, { 14, 6, 2 }, { 19, 8, 2 }, { 24, 10, 6 } };

/* The last id's milliseconds and counter in one word, so that one compare-and-swap orders all
 * threads and a counter that runs over carries into the time (RFC 9562, section 6.2 allows that).
 */
static _Atomic uint64_t last_tick;

static uint64_t next_tick(void)
{
    uint64_t now = (uint64_t)(ch_time_now_us() / 1000) << COUNTER_BITS;
    uint64_t last = atomic_load_explicit(&last_tick, memory_order_relaxed);
    uint64_t next = 0;
    do {
        /* The clock stands still, was set back, or is overtaken by the counter: count on. */
        bool count_on = last >> COUNTER_BITS >= now >> COUNTER_BITS;
        next = count_on ? last + 1 : now | ch_random_below(COUNTER_START_LIMIT);
    } while (!atomic_compare_exchange_weak_explicit(&last_tick, &last, next, memory_order_relaxed,
                                                    memory_order_relaxed));
    return next;
}

static void mark(ChUuid *uuid, unsigned int version)
{
    uuid->bytes[6] = (uint8_t)((uuid->bytes[6] & 0x0f) | version << 4);
    uuid->bytes[8] = (uint8_t)((uuid->bytes[8] & 0x3f) | 0x80);
}

static ChUuid from_time(uint64_t ms)
{
    ChUuid uuid = { { 0 } };
    for (int i = 0; i < TIME_BYTES; i++)
        uuid.bytes[i] = (uint8_t)(ms >> (40 - 8 * i));
    return uuid;
}

ChUuid ch_uuid_new(void)
{
    uint64_t tick = next_tick();
    ChUuid uuid = from_time(tick >> COUNTER_BITS);
    uuid.bytes[6] = (uint8_t)((tick >> 8) & 0x0f);
    uuid.bytes[7] = (uint8_t)tick;
    ch_random_fill(uuid.bytes + 8, 8);
    mark(&uuid, 7);
    return uuid;
}

ChUuid ch_uuid_at(int64_t unix_us)
{
    return from_time((uint64_t)(unix_us / 1000));
}

int64_t ch_uuid_time_us(ChUuid uuid)
{
    int64_t ms = 0;
    for (int i = 0; i < TIME_BYTES; i++)
        ms = ms << 8 | uuid.bytes[i];
    return ms * 1000;
}

void ch_uuid_range(ChTimeRange made, ChUuid *after, ChUuid *before)
{
    *after = ch_uuid_at(made.from_us > ROOM_US ? made.from_us - ROOM_US : 0);
    *before = ch_uuid_at(made.before_us + ROOM_US);
    if (made.before_us == CH_TIME_ALWAYS.before_us) /* whatever version they are of */
        memset(before->bytes, 0xff, sizeof before->bytes);
}

ChUuid ch_uuid_derive(ChUuid space, const char *name, size_t name_bytes)
{
    g_autoptr(GChecksum) hash = g_checksum_new(G_CHECKSUM_SHA1);
    g_checksum_update(hash, space.bytes, sizeof space.bytes);
    g_checksum_update(hash, (const guchar *)name, (gssize)name_bytes);
    uint8_t digest[NAME_HASH_BYTES] = { 0 };
    gsize digest_bytes = sizeof digest;
    g_checksum_get_digest(hash, digest, &digest_bytes);
    ChUuid uuid = { { 0 } };
    memcpy(uuid.bytes, digest, sizeof uuid.bytes);
    mark(&uuid, 5);
    return uuid;
}

bool ch_uuid_parse(const char *text, size_t length, ChUuid *uuid)
{
    if (length != TEXT_CHARACTERS)
        return false;
    ChUuid read = { { 0 } };
    for (size_t i = 0; i < G_N_ELEMENTS(groups); i++) {
        if (i > 0 && text[groups[i].text_at - 1] != '-')
            return false;
        if (!ch_hex_read(text + groups[i].text_at, read.bytes + groups[i].byte_at, groups[i].bytes))
            return false;
    }
    *uuid = read;
    return true;
}

void ch_uuid_format(ChUuid uuid, char text[CH_UUID_TEXT_BYTES])
{
    memset(text, '-', TEXT_CHARACTERS);
    for (size_t i = 0; i < G_N_ELEMENTS(groups); i++)
        ch_hex_write(uuid.bytes + groups[i].byte_at, groups[i].bytes, text + groups[i].text_at);
    text[TEXT_CHARACTERS] = '\0';
}

bool ch_uuid_equal(ChUuid a, ChUuid b)
{
    return memcmp(a.bytes, b.bytes, sizeof a.bytes) == 0;
}

int ch_uuid_compare(ChUuid a, ChUuid b)
{
    return memcmp(a.bytes, b.bytes, sizeof a.bytes);
}

bool ch_uuid_is_nil(ChUuid uuid)
{
    return ch_uuid_equal(uuid, (ChUuid){ { 0 } });
}

unsigned int ch_uuid_hash(const void *uuid)
{
    /* All four words: of ids made together only some differ. */
    unsigned int words[4];
    memcpy(words, uuid, sizeof words);
    return words[0] ^ words[1] ^ words[2] ^ words[3];
}

int ch_uuid_equal_pointers(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(ChUuid)) == 0;
}
