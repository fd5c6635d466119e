/* Two files that somebody renews, and the pair that is shown meanwhile. */
#include "chassis/http/certificate.h"

#include "chassis/core/file_mark.h"
#include "chassis/core/log.h"
#include "chassis/core/ticker.h"
#include "chassis/core/time.h"
#include "chassis/telemetry/metrics.h"

#include <pthread.h>

enum {
    PERIOD_MS = 1000,
};

typedef struct {
    ChFileMark certificate, key;
} Marks;

struct ChHttpCertificate {
    char *certificate_file, *key_file;
    ChTicker *ticker;
    Marks read; /* of the files that were read last, of use or not; the lane's, as the next two */
    Marks seen; /* when the lane looked last: files are read once they have come to rest, for the
                 * one is written before the other */
    int64_t warned_until_s; /* the end of the certificate that was warned of */
    pthread_mutex_t mutex;  /* of the next */
    ChHttpKeyPair *shown;
};

CH_GAUGE(expires_gauge, "cartwheel_http_certificate_expires_timestamp_seconds",
         "When the certificate of the listeners ends, in seconds since 1970.", NULL);

/* ---- looking ---- */

static bool take_marks(const ChHttpCertificate *certificate, Marks *marks)
{
    return ch_file_mark_take(certificate->certificate_file, &marks->certificate) &&
           ch_file_mark_take(certificate->key_file, &marks->key);
}

static bool is_same(const Marks *a, const Marks *b)
{
    return ch_file_mark_same(&a->certificate, &b->certificate) &&
           ch_file_mark_same(&a->key, &b->key);
}

/* Clients refuse it; that they are told why is better than no listener at all. */
static void warn_of_dates(ChHttpCertificate *certificate)
{
    const ChHttpKeyPair *pair = certificate->shown; /* which no other thread replaces */
    int64_t now_s = ch_time_now_us() / G_USEC_PER_SEC;
    bool good = pair->from_s <= now_s && now_s < pair->until_s;
    ch_metric_set(ch_metric(&expires_gauge, NULL), (double)pair->until_s);
    if (good || certificate->warned_until_s == pair->until_s)
        return;
    certificate->warned_until_s = pair->until_s;
    ch_log_warning(now_s < pair->until_s
                       ? "the certificate of the listeners is not good yet: clients refuse it"
                       : "the certificate of the listeners has expired: clients refuse it",
                   CH_STR("file", certificate->certificate_file));
}

static void show_from_now_on(ChHttpCertificate *certificate, ChHttpKeyPair *pair)
{
    pthread_mutex_lock(&certificate->mutex);
    ChHttpKeyPair *old = certificate->shown;
    certificate->shown = pair;
    pthread_mutex_unlock(&certificate->mutex);
    ch_http_key_pair_unref(old);
}

static void read_again(ChHttpCertificate *certificate)
{
    g_autoptr(GError) error = NULL;
    ChHttpKeyPair *pair =
        ch_http_key_pair_read(certificate->certificate_file, certificate->key_file, &error);
    if (pair == NULL) {
        ch_log_warning("the new certificate is of no use: the old one stays", CH_ERR(error));
        return;
    }
    show_from_now_on(certificate, pair);
    ch_log_info("certificate of the listeners read again");
}

static bool look(void *context, void *const *items, size_t n, GError **error)
{
    (void)items;
    (void)n;
    (void)error;
    ChHttpCertificate *certificate = context;
    Marks now = { 0 }; /* while a file is away: it comes back with other marks */
    bool there = take_marks(certificate, &now);
    bool rests = there && is_same(&now, &certificate->seen);
    certificate->seen = now;
    if (rests && !is_same(&now, &certificate->read)) {
        certificate->read = now;
        read_again(certificate);
    }
    warn_of_dates(certificate);
    return true;
}

/* ---- life ---- */

ChHttpCertificate *ch_http_certificate_new(const char *certificate_file, const char *key_file,
                                           GError **error)
{
    g_autoptr(ChHttpCertificate) certificate = g_new0(ChHttpCertificate, 1);
    pthread_mutex_init(&certificate->mutex, NULL);
    certificate->certificate_file = g_strdup(certificate_file);
    certificate->key_file = g_strdup(key_file);
    certificate->ticker = ch_ticker_new(PERIOD_MS);
    if (take_marks(certificate, &certificate->read)) /* before reading: a change is seen */
        certificate->seen = certificate->read;
    certificate->shown = ch_http_key_pair_read(certificate_file, key_file, error);
    if (certificate->shown == NULL)
        return NULL;
    warn_of_dates(certificate);
    return g_steal_pointer(&certificate);
}

void ch_http_certificate_free(ChHttpCertificate *certificate)
{
    if (certificate == NULL)
        return;
    ch_ticker_free(certificate->ticker);
    ch_http_key_pair_unref(certificate->shown);
    pthread_mutex_destroy(&certificate->mutex);
    g_free(certificate->certificate_file);
    g_free(certificate->key_file);
    g_free(certificate);
}

ChHttpKeyPair *ch_http_certificate_show(ChHttpCertificate *certificate)
{
    pthread_mutex_lock(&certificate->mutex);
    ChHttpKeyPair *pair = ch_http_key_pair_ref(certificate->shown);
    pthread_mutex_unlock(&certificate->mutex);
    return pair;
}

ChLaneConfig ch_http_certificate_lane(ChHttpCertificate *certificate)
{
    return (ChLaneConfig){
        .name = "certificate",
        .max_batch = 1,
        .source = ch_ticker_source(certificate->ticker),
        .work = ch_no_work(),
        .handler = look,
        .context = certificate,
    };
}
