/* Clocks and RFC 3339. The calendar is computed here: gmtime() and its kin know locales and locks.
 */
#include "chassis/core/time.h"

#include "chassis/core/random.h"

#include <glib.h>
#include <string.h>
#include <time.h>

#define US_PER_SECOND INT64_C(1000000)
#define SECONDS_PER_DAY INT64_C(86400)
#define MAX_UNIX_US (INT64_C(253402300800) * US_PER_SECOND - 1) /* the end of the year 9999 */

enum {
    DAYS_PER_ERA = 146097, /* 400 years */
    DAYS_TO_1970 = 719468, /* from 0000-03-01 */
};

typedef struct {
    int64_t year;
    int month; /* 1 to 12 */
    int day;   /* 1 to 31 */
} Date;

static int64_t read_clock(clockid_t clock)
{
    struct timespec now = { 0 };
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * US_PER_SECOND + now.tv_nsec / 1000;
}

int64_t ch_time_now_us(void)
{
    return read_clock(CLOCK_REALTIME);
}

int64_t ch_time_monotonic_us(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

/* ---- the calendar: years begin in March here, so that the leap day is the last of its year ----
 */

/* Days since 1970-01-01 of a date from year 0 on. */
static int64_t days_of(Date date)
{
    int64_t year = date.month <= 2 ? date.year - 1 : date.year;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int month_from_march = (date.month + 9) % 12;
    int64_t day_of_year = (153 * month_from_march + 2) / 5 + date.day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * DAYS_PER_ERA + day_of_era - DAYS_TO_1970;
}

/* The date @days (0 or more) after 1970-01-01. */
static Date date_of(int64_t days)
{
    int64_t since_0000 = days + DAYS_TO_1970;
    int64_t era = since_0000 / DAYS_PER_ERA;
    int64_t day_of_era = since_0000 % DAYS_PER_ERA;
    /* Leap days before this day, taken off, leave years of 365 days. */
    int64_t leap_days = day_of_era / 1460 - day_of_era / 36524 + day_of_era / (DAYS_PER_ERA - 1);
    int64_t year_of_era = (day_of_era - leap_days) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int month_from_march = (int)((5 * day_of_year + 2) / 153);
    Date date = {
        .year = era * 400 + year_of_era,
        .month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9,
        .day = (int)(day_of_year - (153 * month_from_march + 2) / 5 + 1),
    };
    if (date.month <= 2)
        date.year++;
    return date;
}

static int days_in_month(int year, int month)
{
    static const uint8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

/* ---- writing ---- */

static void put_digits(char *text, int64_t number, int digits)
{
    for (int i = digits - 1; i >= 0; i--, number /= 10)
        text[i] = (char)('0' + number % 10);
}

void ch_time_format(int64_t unix_us, char text[CH_TIME_TEXT_BYTES])
{
    unix_us = CLAMP(unix_us, 0, MAX_UNIX_US);
    int64_t seconds = unix_us / US_PER_SECOND;
    int64_t second_of_day = seconds % SECONDS_PER_DAY;
    Date date = date_of(seconds / SECONDS_PER_DAY);
    memcpy(text, "0000-00-00T00:00:00.000000Z", CH_TIME_TEXT_BYTES);
    put_digits(text, date.year, 4);
    put_digits(text + 5, date.month, 2);
    put_digits(text + 8, date.day, 2);
    put_digits(text + 11, second_of_day / 3600, 2);
    put_digits(text + 14, second_of_day / 60 % 60, 2);
    put_digits(text + 17, second_of_day % 60, 2);
    put_digits(text + 20, unix_us % US_PER_SECOND, 6);
}

/* ---- reading ---- */

typedef struct {
    const char *at;
    const char *end;
} Reader;

static bool read_number(Reader *reader, int digits, int most, int *number)
{
    if (reader->end - reader->at < digits)
        return false;
    int value = 0;
    for (int i = 0; i < digits; i++, reader->at++) {
        if (!g_ascii_isdigit(*reader->at))
            return false;
        value = value * 10 + (*reader->at - '0');
    }
    *number = value;
    return value <= most;
}

/* Takes one of the characters of @accepted; 0 when something else comes. */
static char read_one_of(Reader *reader, const char *accepted)
{
    if (reader->at == reader->end || *reader->at == '\0' || strchr(accepted, *reader->at) == NULL)
        return '\0';
    return *reader->at++;
}

/* 2026-11-22 */
static bool read_date(Reader *reader, int64_t *days)
{
    int year = 0;
    int month = 0;
    int day = 0;
    if (!read_number(reader, 4, 9999, &year) || !read_one_of(reader, "-") ||
        !read_number(reader, 2, 12, &month) || month < 1 || !read_one_of(reader, "-") ||
        !read_number(reader, 2, 31, &day) || day < 1 || day > days_in_month(year, month))
        return false;
    *days = days_of((Date){ year, month, day });
    return true;
}

/* 10:47:00; a leap second is :60 and counts as the second after it. */
static bool read_clock_time(Reader *reader, int64_t *seconds)
{
    int hour = 0;
    int minute = 0;
    int second = 0;
    if (!read_number(reader, 2, 23, &hour) || !read_one_of(reader, ":") ||
        !read_number(reader, 2, 59, &minute) || !read_one_of(reader, ":") ||
        !read_number(reader, 2, 60, &second))
        return false;
    *seconds = (int64_t)hour * 3600 + minute * 60 + second;
    return true;
}

/* .123456789, or nothing; digits after the sixth are dropped. */
static bool read_fraction(Reader *reader, int64_t *us)
{
    *us = 0;
    if (!read_one_of(reader, "."))
        return true;
    int digits = 0;
    for (; reader->at < reader->end && g_ascii_isdigit(*reader->at); reader->at++, digits++) {
        if (digits < 6)
            *us = *us * 10 + (*reader->at - '0');
    }
    for (int i = digits; i < 6; i++)
        *us *= 10;
    return digits >= 1 && digits <= 9;
}

/* Z, or +02:00. */
static bool read_offset(Reader *reader, int64_t *seconds)
{
    *seconds = 0;
    char sign = read_one_of(reader, "Zz+-");
    if (sign == 'Z' || sign == 'z')
        return true;
    int hour = 0;
    int minute = 0;
    if (sign == '\0' || !read_number(reader, 2, 23, &hour) || !read_one_of(reader, ":") ||
        !read_number(reader, 2, 59, &minute))
        return false;
    *seconds = ((int64_t)hour * 3600 + minute * 60) * (sign == '-' ? -1 : 1);
    return true;
}

bool ch_time_parse(const char *text, size_t length, int64_t *unix_us)
{
    Reader reader = { text, text + length };
    int64_t days = 0;
    int64_t seconds = 0;
    int64_t us = 0;
    int64_t offset = 0;
    if (!read_date(&reader, &days) || !read_one_of(&reader, "Tt") ||
        !read_clock_time(&reader, &seconds) || !read_fraction(&reader, &us) ||
        !read_offset(&reader, &offset) || reader.at != reader.end)
        return false;
    int64_t total = days * SECONDS_PER_DAY + seconds - offset;
    bool leap_second = text[17] == '6'; /* the tens of the seconds */
    if (leap_second && total % SECONDS_PER_DAY != 0)
        return false; /* it is the last of a UTC day */
    *unix_us = total * US_PER_SECOND + us;
    return true;
}

int64_t ch_time_again_us(int64_t start_us, int parts)
{
    return start_us + parts * (ch_time_monotonic_us() - start_us);
}

int ch_time_jitter_ms(int wait_ms)
{
    if (wait_ms <= 0)
        return 0;
    int half = wait_ms / 2;
    return half + (int)ch_random_below((uint64_t)(wait_ms - half) + 1);
}
