#include "store/microcache.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "store/kept_file.h"

#define SETS 8192u /* a power of two */
#define WAYS 8u
#define LOOK_FOR_ROOM_MS 100 /* in which all workers' sessions cannot write what has to be left */
#define ROOM_FILES 8192u
#define ROOM_BYTES (32u * 1024 * 1024)
#define REPEATS_MAX 512u /* beyond that an entry that came too late counts until its end */

struct handed_out {
    int64_t until_ms; /* in the past: the place is free */
    unsigned char hash[SESSION_HASH_BYTES];
    char file[KEPT_FILE_NAME_MAX];
};

/* Something to take away again. */
struct repeat {
    int64_t since_ms, due_ms;
    char file[KEPT_FILE_NAME_MAX];
};

struct microcache {
    int directory;
    pthread_mutex_t mutex;
    int64_t longest_ms;
    int64_t look_for_room_ms;
    bool has_room;
    struct repeat repeats[REPEATS_MAX];
    size_t n_repeats;
    struct handed_out (*sets)[WAYS];
};

struct microcache *microcache_open(struct str path, int64_t longest_ms)
{
    const char *why;
    char *name = strndup(path.p, path.n);
    struct microcache *m = calloc(1, sizeof *m);
    struct handed_out(*sets)[WAYS] = calloc(SETS, sizeof *sets);
    int directory = name ? kept_directory_open(name, &why) : -1;
    free(name);
    if (m && sets && directory >= 0 && pthread_mutex_init(&m->mutex, NULL) == 0) {
        m->directory = directory;
        m->longest_ms = longest_ms;
        m->look_for_room_ms = INT64_MIN;
        m->has_room = true; /* when it has none, it says so once */
        m->sets = sets;
        return m;
    }
    if (directory >= 0)
        close(directory);
    free(sets);
    free(m);
    return NULL;
}

/* Other bytes of the hash than the fence's and the cache's, so that all are independent. */
static struct handed_out *set_of(struct microcache *m, const unsigned char *hash)
{
    uint32_t n;
    memcpy(&n, hash + 4, sizeof n);
    return m->sets[n & (SETS - 1)];
}

/* nginx would answer nothing at all where it cannot write. */
static bool has_room(struct microcache *m, int64_t now_ms)
{
    if (now_ms < m->look_for_room_ms)
        return m->has_room;
    bool before = m->has_room;
    m->has_room = kept_directory_has_room(m->directory, ROOM_FILES, ROOM_BYTES);
    m->look_for_room_ms = now_ms + LOOK_FOR_ROOM_MS;
    if (before && !m->has_room)
        log_event(SEVERITY_WARN, "microcache_full",
                  LOG_TEXT("effect", STR("nginx keeps nothing until its directory has room")));
    return m->has_room;
}

bool microcache_hand_out(struct microcache *m, const struct session_name *name, int64_t until_ms,
                         int64_t now_ms)
{
    struct handed_out *place = NULL;
    pthread_mutex_lock(&m->mutex);
    struct handed_out *set = set_of(m, name->hash);
    for (size_t i = 0; i < WAYS && has_room(m, now_ms); i++) {
        bool is_its = memcmp(set[i].hash, name->hash, SESSION_HASH_BYTES) == 0;
        if (is_its || (!place && set[i].until_ms <= now_ms))
            place = &set[i];
        if (is_its)
            break;
    }
    if (place) {
        memcpy(place->hash, name->hash, SESSION_HASH_BYTES);
        kept_file_name(name->cookie, place->file);
        place->until_ms = until_ms;
    }
    pthread_mutex_unlock(&m->mutex);
    return place != NULL;
}

static void take_away(struct microcache *m, struct repeat *again, int64_t now_ms)
{
    int64_t age_ms = now_ms - again->since_ms;
    kept_file_empty(m->directory, again->file);
    if (age_ms >= m->longest_ms || m->n_repeats == REPEATS_MAX)
        return;
    again->due_ms = now_ms + MICROCACHE_SETTLE_MS + 2 * age_ms;
    m->repeats[m->n_repeats++] = *again;
}

void microcache_forget(struct microcache *m, const struct session_name *name, int64_t now_ms)
{
    struct repeat first = {.since_ms = now_ms};
    if (!m)
        return;
    kept_file_name(name->cookie, first.file);
    pthread_mutex_lock(&m->mutex);
    take_away(m, &first, now_ms);
    pthread_mutex_unlock(&m->mutex);
}

void microcache_forget_hash(struct microcache *m, const unsigned char hash[SESSION_HASH_BYTES],
                            int64_t now_ms)
{
    if (!m)
        return;
    pthread_mutex_lock(&m->mutex);
    const struct handed_out *set = set_of(m, hash);
    for (size_t i = 0; i < WAYS; i++) {
        struct repeat first = {.since_ms = now_ms};
        if (set[i].until_ms <= now_ms || memcmp(set[i].hash, hash, SESSION_HASH_BYTES) != 0)
            continue;
        memcpy(first.file, set[i].file, sizeof first.file);
        take_away(m, &first, now_ms);
    }
    pthread_mutex_unlock(&m->mutex);
}

void microcache_forget_all(struct microcache *m)
{
    if (m)
        kept_files_empty_all(m->directory);
}

int64_t microcache_tend(struct microcache *m, int64_t now_ms)
{
    int64_t next_ms = INT64_MAX;
    if (!m)
        return next_ms;
    pthread_mutex_lock(&m->mutex);
    for (size_t i = m->n_repeats; i-- > 0;) {
        struct repeat again = m->repeats[i];
        if (again.due_ms > now_ms)
            continue;
        m->repeats[i] = m->repeats[--m->n_repeats];
        take_away(m, &again, now_ms);
    }
    for (size_t i = 0; i < m->n_repeats; i++)
        if (m->repeats[i].due_ms < next_ms)
            next_ms = m->repeats[i].due_ms;
    pthread_mutex_unlock(&m->mutex);
    return next_ms;
}

void microcache_close(struct microcache *m)
{
    if (!m)
        return;
    microcache_forget_all(m);
    pthread_mutex_destroy(&m->mutex);
    close(m->directory);
    free(m->sets);
    free(m);
}
