#include "server/exposition.h"

static const uint32_t bounds_us[HISTOGRAM_BUCKETS - 1] = HISTOGRAM_BOUNDS;

static void add_text(struct buf *b, const char *text)
{
    buf_add(b, str_from(text));
}

/* Microseconds as seconds, without zeros at the end. */
static void add_seconds(struct buf *b, uint64_t us)
{
    uint64_t fraction = us % 1000000;
    buf_add_i64(b, (int64_t)(us / 1000000));
    if (fraction == 0)
        return;
    buf_add_char(b, '.');
    for (uint64_t digit = 100000; fraction > 0; digit /= 10) {
        /* cppcheck-suppress zerodivcond ; after a digit of 1 nothing is left */
        buf_add_char(b, (char)('0' + fraction / digit));
        fraction %= digit;
    }
}

static void add_head(struct buf *b, struct str family, const char *type, struct str help)
{
    add_text(b, "# HELP ");
    buf_add(b, family);
    buf_add_char(b, ' ');
    buf_add(b, help);
    add_text(b, "\n# TYPE ");
    buf_add(b, family);
    buf_add_char(b, ' ');
    add_text(b, type);
    buf_add_char(b, '\n');
}

static void add_name(struct buf *b, struct str family, const char *suffix, struct str label)
{
    buf_add(b, family);
    add_text(b, suffix);
    if (label.n > 0) {
        buf_add_char(b, '{');
        buf_add(b, label);
        buf_add_char(b, '}');
    }
    buf_add_char(b, ' ');
}

static void add_value(struct buf *b, int64_t value)
{
    buf_add_i64(b, value);
    buf_add_char(b, '\n');
}

static void add_single(struct buf *b, const char *type, struct str family, struct str help,
                       int64_t value)
{
    add_head(b, family, type, help);
    add_name(b, family, "", STR(""));
    add_value(b, value);
}

static void add_rows(struct buf *b, const struct metrics *m)
{
    struct str family = STR("");
    for (unsigned i = 0; i < METRIC_COUNT; i++) {
        const struct metric_row *row = metric_row((enum metric)i);
        if (!str_eq(row->family, family))
            add_head(b, row->family, row->kind == METRIC_GAUGE ? "gauge" : "counter", row->help);
        family = row->family;
        add_name(b, family, "", row->label);
        add_value(b, metrics_sum(m, (enum metric)i));
    }
}

static void add_bucket(struct buf *b, const struct metric_row *row, unsigned bucket, uint64_t count)
{
    buf_add(b, row->family);
    add_text(b, "_bucket{");
    buf_add(b, row->label);
    add_text(b, row->label.n > 0 ? ",le=\"" : "le=\"");
    if (bucket < HISTOGRAM_BUCKETS - 1)
        add_seconds(b, bounds_us[bucket]);
    else
        add_text(b, "+Inf");
    add_text(b, "\"} ");
    add_value(b, (int64_t)count);
}

static void add_histograms(struct buf *b, const struct metrics *m)
{
    struct str family = STR("");
    for (unsigned i = 0; i < HISTOGRAM_COUNT; i++) {
        const struct metric_row *row = histogram_row((enum histogram)i);
        struct histogram_sum sum = metrics_sum_histogram(m, (enum histogram)i);
        if (!str_eq(row->family, family))
            add_head(b, row->family, "histogram", row->help);
        family = row->family;
        for (unsigned bucket = 0; bucket < HISTOGRAM_BUCKETS; bucket++)
            add_bucket(b, row, bucket, sum.buckets[bucket]);
        add_name(b, family, "_sum", row->label);
        add_seconds(b, sum.sum_us);
        buf_add_char(b, '\n');
        add_name(b, family, "_count", row->label);
        add_value(b, (int64_t)sum.buckets[HISTOGRAM_BUCKETS - 1]);
    }
}

/* --- requests by flow and outcome --- */

/* Those that no browser sees are one: what they end as. */
static struct str outcome_name(unsigned outcome)
{
    if (outcome == OUTCOME_BACKEND_REFUSED)
        return STR("backend_refused");
    if (outcome == OUTCOME_BACKEND_FAILED)
        return STR("backend_failed");
    return err_code((enum bff_err)outcome);
}

static bool is_shown(unsigned outcome)
{
    return outcome <= BFF_ERR_INTERNAL || outcome >= BFF_ERR_COUNT;
}

static uint64_t requests(const struct metrics *m, unsigned flow, unsigned outcome)
{
    uint64_t sum = metrics_sum_requests(m, flow, outcome);
    for (unsigned i = BFF_ERR_INTERNAL + 1; outcome == BFF_ERR_INTERNAL && i < BFF_ERR_COUNT; i++)
        sum += metrics_sum_requests(m, flow, i);
    return sum;
}

static void add_requests(struct buf *b, const struct metrics *m, const char *const flows[],
                         size_t n)
{
    struct str family = STR("bffd_requests_total");
    add_head(b, family, "counter",
             STR("Questions from nginx that were answered, by flow and outcome."));
    for (unsigned flow = 0; flow < n; flow++) {
        for (unsigned outcome = 0; flows[flow] && outcome < OUTCOME_COUNT; outcome++) {
            if (!is_shown(outcome))
                continue;
            buf_add(b, family);
            add_text(b, "{flow=\"");
            add_text(b, flows[flow]);
            add_text(b, "\",outcome=\"");
            buf_add(b, outcome_name(outcome));
            add_text(b, "\"} ");
            add_value(b, (int64_t)requests(m, flow, outcome));
        }
    }
}

static void add_workers(struct buf *b, const struct metrics *m)
{
    struct str family = STR("bffd_workers");
    add_head(b, family, "gauge", STR("Worker processes."));
    add_name(b, family, "", STR("state=\"serving\""));
    add_value(b, metrics_workers(m, WORKER_SERVING));
    add_name(b, family, "", STR("state=\"draining\""));
    add_value(b, metrics_workers(m, WORKER_DRAINING));
    add_single(b, "counter", STR("bffd_worker_crashes_total"),
               STR("Workers that ended by a signal or an error, and were replaced."),
               (int64_t)atomic_load(&m->crashes));
}

void exposition_add(struct buf *b, const struct metrics *m, const char *const flows[], size_t n)
{
    add_head(b, STR("bffd_build_info"), "gauge", STR("The version that runs."));
    add_text(b, "bffd_build_info{version=\"" BFF_VERSION "\"} 1\n");
    add_single(b, "gauge", STR("bffd_start_time_seconds"),
               STR("When bffd was started, in seconds since the epoch."), m->started_s);
    add_workers(b, m);
    add_requests(b, m, flows, n);
    add_rows(b, m);
    add_histograms(b, m);
}

/* --- JSON --- */

static void add_member(struct buf *b, const char *name, int64_t value)
{
    add_text(b, ",\"");
    add_text(b, name);
    add_text(b, "\":");
    buf_add_i64(b, value);
}

static void add_flag(struct buf *b, const char *name, bool is_set)
{
    add_text(b, ",\"");
    add_text(b, name);
    add_text(b, is_set ? "\":true" : "\":false");
}

static int64_t value_of(const struct metrics_slot *slot, enum metric which)
{
    return atomic_load_explicit(&slot->values[which], memory_order_relaxed);
}

static uint64_t answered(const struct metrics_slot *slot)
{
    uint64_t sum = 0;
    for (unsigned flow = 0; flow < METRICS_FLOWS; flow++)
        for (unsigned outcome = 0; outcome < OUTCOME_COUNT; outcome++)
            sum += atomic_load_explicit(&slot->requests[flow][outcome], memory_order_relaxed);
    return sum;
}

static void add_revocations(struct buf *b, const struct metrics_slot *slot, int64_t now_ms)
{
    int64_t oldest_ms = atomic_load(&slot->oldest_revocation);
    int64_t next_ms = atomic_load(&slot->next_revocation);
    int64_t left_ms = next_ms > now_ms ? next_ms - now_ms : 0;
    add_member(b, "revocations_waiting", value_of(slot, METRIC_REVOCATIONS_WAITING));
    add_member(b, "oldest_revocation_s", oldest_ms ? (now_ms - oldest_ms) / 1000 : 0);
    add_member(b, "next_revocation_s", oldest_ms ? (left_ms + 999) / 1000 : 0);
}

static void add_worker(struct buf *b, const struct metrics_slot *slot, int64_t now_ms)
{
    add_text(b, "{\"pid\":");
    buf_add_i64(b, atomic_load(&slot->pid));
    add_text(b, ",\"state\":\"");
    add_text(b, atomic_load(&slot->standing) == WORKER_SERVING ? "serving\"" : "draining\"");
    add_member(b, "started", atomic_load(&slot->started_s));
    add_member(b, "answered", (int64_t)answered(slot));
    add_member(b, "connections", value_of(slot, METRIC_CONNECTIONS));
    add_member(b, "parked", value_of(slot, METRIC_PARKED));
    add_member(b, "store_queue", value_of(slot, METRIC_STORE_QUEUE));
    add_member(b, "backend_queue", value_of(slot, METRIC_BACKEND_QUEUE));
    add_member(b, "cache_entries", value_of(slot, METRIC_CACHE_ENTRIES));
    add_member(b, "cache_bytes", value_of(slot, METRIC_CACHE_BYTES));
    add_flag(b, "hears_redis", value_of(slot, METRIC_WITHOUT_REDIS) == 0);
    add_flag(b, "reaches_backend", value_of(slot, METRIC_WITHOUT_BACKEND) == 0);
    add_revocations(b, slot, now_ms);
    buf_add_char(b, '}');
}

static void add_keys(struct buf *b, const struct keyring *keys)
{
    char id[KEYRING_ID_MAX];
    add_text(b, ",\"keys\":[");
    for (size_t i = 0; i < keyring_size(keys); i++) {
        keyring_id(keys, i, id);
        add_text(b, i == 0 ? "\"" : ",\"");
        add_text(b, id);
        buf_add_char(b, '"');
    }
    buf_add_char(b, ']');
}

void status_add(struct buf *b, const struct metrics *m, const struct keyring *keys, int64_t now_ms)
{
    bool is_first = true;
    add_text(b, "{\"version\":\"" BFF_VERSION "\"");
    add_member(b, "started", m->started_s);
    add_member(b, "crashes", (int64_t)atomic_load(&m->crashes));
    add_keys(b, keys);
    add_text(b, ",\"workers\":[");
    for (unsigned i = 0; i < atomic_load(&m->n_used); i++) {
        if (atomic_load(&m->slots[i].standing) == WORKER_ABSENT)
            continue;
        if (!is_first)
            buf_add_char(b, ',');
        is_first = false;
        add_worker(b, &m->slots[i], now_ms);
    }
    add_text(b, "]}\n");
}
