#include "../../assert_str.h"

#include <stdio.h>

#include "server/exposition.h"

#define SLOTS 2

static const char *const flows[] = {"unknown", "authorize", NULL};
static char memory[EXPOSITION_MAX];

static int make(void **state)
{
    struct metrics *m = metrics_create(SLOTS);
    *state = m;
    if (m) {
        m->started_s = 1700000000;
        metrics_worker_stands(m, 0, 100, WORKER_SERVING);
        metrics_worker_stands(m, 1, 101, WORKER_DRAINING);
        metrics_use(m, 0);
    }
    return m ? 0 : -1;
}

static int destroy(void **state)
{
    metrics_destroy(*state, SLOTS);
    return 0;
}

static struct str text_of(const struct metrics *m)
{
    struct buf b = buf_make(memory, sizeof memory);
    exposition_add(&b, m, flows, 3);
    assert_false(b.overflowed);
    return buf_str(&b);
}

static struct keyring *two_keys(void)
{
    struct arena arena = arena_make(4096);
    struct keyring *keys = NULL;
    struct str message;
    char lines[2 * (SEAL_KEY_LINE + 1)];
    keyring_generate(lines);
    lines[SEAL_KEY_LINE] = '\n';
    keyring_generate(lines + SEAL_KEY_LINE + 1);
    assert_true(keyring_parse(&arena, str_from(lines), &keys, &message));
    arena_free(&arena);
    return keys;
}

static void each_series_is_a_line_below_its_family(void **state)
{
    metrics_count(METRIC_REFRESH_REJECTED);
    metrics_request(1, BFF_OK);
    metrics_request(1, BFF_OK);
    struct str text = text_of(*state);
    assert_true(str_contains(text, STR("# TYPE bffd_refreshes_total counter\n"
                                       "bffd_refreshes_total{verdict=\"granted\"} 0\n"
                                       "bffd_refreshes_total{verdict=\"rejected\"} 1\n")));
    assert_true(
        str_contains(text, STR("\nbffd_requests_total{flow=\"authorize\",outcome=\"ok\"} 2\n")));
    assert_true(str_contains(text, STR("\nbffd_workers{state=\"serving\"} 1\n"
                                       "bffd_workers{state=\"draining\"} 1\n")));
    assert_true(str_contains(text, STR("\nbffd_start_time_seconds 1700000000\n")));
}

static void an_error_of_our_own_code_is_an_internal_one(void **state)
{
    metrics_request(0, BFF_ERR_NO_MEMORY);
    metrics_request(0, BFF_ERR_INTERNAL);
    struct str text = text_of(*state);
    assert_true(
        str_contains(text, STR("bffd_requests_total{flow=\"unknown\",outcome=\"internal\"} 2\n")));
    assert_false(str_contains(text, STR("no_memory")));
}

static void durations_are_in_seconds_and_cumulative(void **state)
{
    metrics_observe(HISTOGRAM_REFRESH, 200);
    metrics_observe(HISTOGRAM_REFRESH, 2400050);
    struct str text = text_of(*state);
    static const char *const lines[] = {
        "# TYPE bffd_backend_duration_seconds histogram\n",
        "bffd_backend_duration_seconds_bucket{call=\"refresh\",le=\"0.0001\"} 0\n",
        "bffd_backend_duration_seconds_bucket{call=\"refresh\",le=\"0.00025\"} 1\n",
        "bffd_backend_duration_seconds_bucket{call=\"refresh\",le=\"1\"} 1\n",
        "bffd_backend_duration_seconds_bucket{call=\"refresh\",le=\"2.5\"} 2\n",
        "bffd_backend_duration_seconds_bucket{call=\"refresh\",le=\"+Inf\"} 2\n",
        "bffd_backend_duration_seconds_sum{call=\"refresh\"} 2.40025\n",
        "bffd_backend_duration_seconds_count{call=\"refresh\"} 2\n",
        "bffd_redis_duration_seconds_bucket{le=\"0.0001\"} 0\n",
        "bffd_redis_duration_seconds_sum 0\n",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        assert_true(str_contains(text, str_from(lines[i])));
}

static void the_status_names_workers_that_are_there(void **state)
{
    struct metrics *m = *state;
    metrics_set(METRIC_WITHOUT_REDIS, 1);
    m->slots[0].started_s = 5;
    m->slots[0].oldest_revocation = 1000;
    m->slots[0].next_revocation = 9001;
    metrics_set(METRIC_REVOCATIONS_WAITING, 3);
    metrics_worker_ended(m, 1, false);
    struct buf b = buf_make(memory, STATUS_WORKER_MAX * 3);
    struct keyring *keys = two_keys();
    char ids[2][KEYRING_ID_MAX];
    keyring_id(keys, 0, ids[0]);
    keyring_id(keys, 1, ids[1]);
    status_add(&b, m, keys, 8000);
    keyring_free(keys);
    assert_false(b.overflowed);
    static const char expected[] =
        "{\"version\":\"" BFF_VERSION
        "\",\"started\":1700000000,\"crashes\":0,\"keys\":[\"%s\",\"%s\"],\"workers\":["
        "{\"pid\":100,\"state\":\"serving\",\"started\":5,\"answered\":0,\"connections\":0,"
        "\"parked\":0,\"store_queue\":0,\"backend_queue\":0,\"cache_entries\":0,\"cache_bytes\":0,"
        "\"hears_redis\":false,\"reaches_backend\":true,\"revocations_waiting\":3,"
        "\"oldest_revocation_s\":7,\"next_revocation_s\":2}]}\n";
    char text[1024];
    snprintf(text, sizeof text, expected, ids[0], ids[1]);
    assert_str(buf_str(&b), str_from(text));
}

static void the_room_that_is_promised_is_enough(void **state)
{
    struct metrics *m = *state;
    for (unsigned i = 0; i < METRIC_COUNT; i++)
        m->slots[0].values[i] = INT64_MAX / 2;
    for (unsigned i = 0; i < METRICS_FLOWS; i++)
        for (unsigned k = 0; k < OUTCOME_COUNT; k++)
            m->slots[0].requests[i][k] = UINT32_MAX;
    for (unsigned i = 0; i < HISTOGRAM_COUNT; i++)
        for (unsigned k = 0; k < HISTOGRAM_BUCKETS; k++)
            m->slots[0].histograms[i].buckets[k] = UINT32_MAX;
    const char *all[METRICS_FLOWS];
    for (unsigned i = 0; i < METRICS_FLOWS; i++)
        all[i] = "authorize";
    struct buf b = buf_make(memory, sizeof memory);
    exposition_add(&b, m, all, METRICS_FLOWS);
    assert_false(b.overflowed);
    m->slots[0].pid = INT32_MAX;
    m->slots[0].oldest_revocation = 1;
    b = buf_make(memory, STATUS_WORKER_MAX * 2);
    metrics_worker_ended(m, 1, false);
    struct keyring *keys = two_keys();
    status_add(&b, m, keys, INT64_MAX / 2);
    keyring_free(keys);
    assert_false(b.overflowed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_series_is_a_line_below_its_family, make, destroy),
        cmocka_unit_test_setup_teardown(an_error_of_our_own_code_is_an_internal_one, make, destroy),
        cmocka_unit_test_setup_teardown(durations_are_in_seconds_and_cumulative, make, destroy),
        cmocka_unit_test_setup_teardown(the_status_names_workers_that_are_there, make, destroy),
        cmocka_unit_test_setup_teardown(the_room_that_is_promised_is_enough, make, destroy),
    };
    if (!seal_init())
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
