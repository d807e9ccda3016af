#include "base/metrics.h"

#include <sys/mman.h>
#include <time.h>

_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "numbers are shared between processes");

static struct metrics_slot nobodys;
struct metrics_slot *metrics_here = &nobodys;

static const uint32_t bounds_us[HISTOGRAM_BUCKETS - 1] = HISTOGRAM_BOUNDS;

#define TEXT(literal)                                                                              \
    {                                                                                              \
        "" literal, sizeof(literal) - 1                                                            \
    }
static const struct metric_row rows[METRIC_COUNT] = {
#define X(name, kind, family, label, help)                                                         \
    {METRIC_##kind, TEXT("bffd_" family), TEXT(label), TEXT(help)},
    METRICS(X)
#undef X
};
static const struct metric_row histogram_rows[HISTOGRAM_COUNT] = {
#define X(name, family, label, help)                                                               \
    {METRIC_COUNTER, TEXT("bffd_" family), TEXT(label), TEXT(help)},
    HISTOGRAMS(X)
#undef X
};

const struct metric_row *metric_row(enum metric which)
{
    return &rows[which];
}

const struct metric_row *histogram_row(enum histogram which)
{
    return &histogram_rows[which];
}

static size_t bytes_of(unsigned slots)
{
    return sizeof(struct metrics) + slots * sizeof(struct metrics_slot);
}

struct metrics *metrics_create(unsigned slots)
{
    struct metrics *m =
        mmap(NULL, bytes_of(slots), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (m == MAP_FAILED)
        return NULL;
    m->started_s = (int64_t)time(NULL);
    return m;
}

void metrics_destroy(struct metrics *m, unsigned slots)
{
    if (m)
        munmap(m, bytes_of(slots));
}

static int64_t read_value(const struct metrics_slot *slot, enum metric which)
{
    return atomic_load_explicit(&slot->values[which], memory_order_relaxed);
}

static enum worker_standing standing(const struct metrics_slot *slot)
{
    return (enum worker_standing)atomic_load(&slot->standing);
}

static void forget_gauges(struct metrics_slot *slot)
{
    for (unsigned i = 0; i < METRIC_COUNT; i++)
        if (rows[i].kind == METRIC_GAUGE)
            atomic_store_explicit(&slot->values[i], 0, memory_order_relaxed);
    atomic_store(&slot->oldest_revocation, 0);
}

void metrics_worker_stands(struct metrics *m, unsigned slot, int32_t pid, enum worker_standing how)
{
    struct metrics_slot *s = &m->slots[slot];
    if (slot >= atomic_load(&m->n_used))
        atomic_store(&m->n_used, slot + 1);
    if (atomic_exchange(&s->pid, pid) != pid)
        atomic_store(&s->started_s, (int64_t)time(NULL));
    atomic_store(&s->standing, (int32_t)how);
}

void metrics_worker_ended(struct metrics *m, unsigned slot, bool has_crashed)
{
    struct metrics_slot *s = &m->slots[slot];
    atomic_store(&s->standing, WORKER_ABSENT);
    atomic_store(&s->pid, 0);
    forget_gauges(s);
    if (has_crashed)
        atomic_fetch_add(&m->crashes, 1);
}

void metrics_use(struct metrics *m, unsigned slot)
{
    metrics_here = &m->slots[slot];
}

void metrics_observe(enum histogram which, int64_t us)
{
    unsigned bucket = 0;
    while (bucket < HISTOGRAM_BUCKETS - 1 && us > bounds_us[bucket])
        bucket++;
    atomic_fetch_add_explicit(&metrics_here->histograms[which].buckets[bucket], 1,
                              memory_order_relaxed);
    atomic_fetch_add_explicit(&metrics_here->histograms[which].sum_us, us > 0 ? (uint64_t)us : 0,
                              memory_order_relaxed);
}

int64_t metrics_sum(const struct metrics *m, enum metric which)
{
    int64_t sum = 0;
    for (unsigned i = 0; i < m->n_used; i++)
        sum += read_value(&m->slots[i], which);
    return sum;
}

uint64_t metrics_sum_requests(const struct metrics *m, unsigned flow, unsigned outcome)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < m->n_used; i++)
        sum += atomic_load_explicit(&m->slots[i].requests[flow][outcome], memory_order_relaxed);
    return sum;
}

struct histogram_sum metrics_sum_histogram(const struct metrics *m, enum histogram which)
{
    struct histogram_sum sum = {0};
    uint64_t below = 0;
    for (unsigned b = 0; b < HISTOGRAM_BUCKETS; b++) {
        for (unsigned i = 0; i < m->n_used; i++)
            below += atomic_load_explicit(&m->slots[i].histograms[which].buckets[b],
                                          memory_order_relaxed);
        sum.buckets[b] = below;
    }
    for (unsigned i = 0; i < m->n_used; i++)
        sum.sum_us +=
            atomic_load_explicit(&m->slots[i].histograms[which].sum_us, memory_order_relaxed);
    return sum;
}

unsigned metrics_workers(const struct metrics *m, enum worker_standing how)
{
    unsigned n = 0;
    for (unsigned i = 0; i < m->n_used; i++)
        n += standing(&m->slots[i]) == how;
    return n;
}
