/* Reading without waiting: what comes back, in which order, and what when nothing does. */
#include <poll.h>

#include "base/clock.h"
#include "store/reader.h"
#include "store_fixture.h"

#define MANY 200 /* more than go out in one write */

static struct reader *reader;

static int open_reader(void **state)
{
    bool possible;
    if (set_up(state) != 0)
        return -1;
    struct store_options options = options_now();
    reader = reader_open(&options, &possible);
    return reader && possible && reader_connect(reader, 0) == BFF_OK ? 0 : -1;
}

static int close_reader(void **state)
{
    reader_drop(reader);
    reader_close(reader);
    return tear_down(state);
}

static void ask_for(struct reader_load *load, const struct session_name *which)
{
    *load = (struct reader_load){.load = {.name = which, .arena = &arena, .touch = true}};
    reader_ask(reader, load);
}

/* Until `n` have been answered: those that had been asked first, in their order. */
static void receive(struct reader_load *loads, size_t n)
{
    for (size_t got = 0; got < n;) {
        bool ok;
        struct pollfd fd = {.fd = reader_fd(reader), .events = POLLIN};
        assert_int_equal(poll(&fd, 1, 5000), 1);
        struct reader_load *load = reader_receive(reader, &ok);
        assert_true(ok);
        for (; load; load = load->next)
            assert_ptr_equal(load, &loads[got++]);
    }
}

/* A session, one whose activity is due to be written down, one there is not, and no record. */
static void each_is_what_it_is(void **state)
{
    (void)state;
    enum { SESSION, DUE, MISSING, OTHER_TYPE, LAST, N };
    static const char *const cookies[N] = {
        [DUE] = "DUExxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        [MISSING] = "MISSINGxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        [OTHER_TYPE] = "OTHERxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    };
    struct session_name names[N];
    struct reader_load loads[N];
    struct session made;
    create_session();
    for (size_t i = 0; i < N; i++) {
        names[i] = name;
        if (cookies[i])
            session_name_make(&config, str_from(cookies[i]), &names[i]);
    }
    assert_ok(store_create(worker, &names[DUE], &second_tokens, &arena, &made));
    struct session_name usual = name;
    name = names[DUE];
    set_field("seen", redis_now_ms() - 10 * MINUTE_MS);
    name = usual;
    ask("RPUSH %s x", names[OTHER_TYPE].key);

    for (size_t i = 0; i < N; i++)
        ask_for(&loads[i], &names[i]);
    assert_true(reader_send(reader));
    receive(loads, N);
    assert_int_equal(reader_asked(reader), 0);
    assert_ok(loads[SESSION].load.err);
    assert_str(loads[SESSION].load.session.access, STR("access-token-1"));
    assert_in_range(clock_mono_ms() - loads[SESSION].load.session.asked_ms, 0, 5000);
    assert_true(loads[DUE].load.touch_due);
    assert_ok(store_touch(worker, &names[DUE], &arena, &made));
    assert_str(made.access, STR("access-token-2"));
    assert_int_equal(made.since_touch_ms, 0);
    assert_int_equal(loads[MISSING].load.err, BFF_ERR_MISSING);
    assert_int_equal(loads[OTHER_TYPE].load.err, BFF_ERR_SEAL_BROKEN);
    assert_ok(loads[LAST].load.err);
    assert_false(loads[LAST].load.touch_due);
    assert_str(loads[LAST].load.session.access, STR("access-token-1"));
}

static void answers_are_those_to_what_was_asked_while_more_is(void **state)
{
    (void)state;
    static struct reader_load loads[MANY];
    struct session_name nobody;
    session_name_make(&config, STR("NOBODYxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"), &nobody);
    create_session();
    for (size_t i = 0; i < MANY; i++) {
        ask_for(&loads[i], i % 3 == 0 ? &nobody : &name);
        if (i % 7 == 0)
            assert_true(reader_send(reader));
        if (i == MANY / 2)
            receive(loads, 1 + i / 7 * 7); /* what is sent; some are asked and are not */
    }
    assert_true(reader_send(reader));
    size_t before = 1 + MANY / 2 / 7 * 7;
    receive(loads + before, MANY - before);
    for (size_t i = 0; i < MANY; i++)
        assert_int_equal(loads[i].load.err, i % 3 == 0 ? BFF_ERR_MISSING : BFF_OK);
    assert_int_equal(reader_due_ms(reader), INT64_MAX);
}

static void assert_comes_back_as_it_went(struct reader_load *loads, size_t n)
{
    bool ok = true;
    while (ok) {
        struct pollfd fd = {.fd = reader_fd(reader), .events = POLLIN};
        assert_int_equal(poll(&fd, 1, 5000), 1);
        assert_null(reader_receive(reader, &ok));
    }
    struct reader_load *load = reader_drop(reader);
    for (size_t i = 0; i < n; i++, load = load->next)
        assert_ptr_equal(load, &loads[i]);
    assert_null(load);
    assert_int_equal(reader_fd(reader), -1);
    assert_int_equal(reader_asked(reader), 0);
}

static void what_a_closed_connection_leaves_can_be_asked_again(void **state)
{
    (void)state;
    struct reader_load loads[2];
    create_session();
    ask_for(&loads[0], &name);
    ask_for(&loads[1], &name);
    ask("CLIENT KILL TYPE normal SKIPME yes");
    assert_comes_back_as_it_went(loads, 2);
    assert_ok(reader_connect(reader, 0));
    ask_for(&loads[0], &name);
    assert_true(reader_send(reader));
    receive(loads, 1);
    assert_ok(loads[0].load.err);
}

static void a_refusal_is_left_to_who_can_say_it(void **state)
{
    (void)state;
    struct reader_load load;
    create_session();
    ask("ACL SETUSER default -get");
    ask_for(&load, &name);
    assert_true(reader_send(reader));
    assert_comes_back_as_it_went(&load, 1);
    ask("ACL SETUSER default +get");
}

static void silence_is_due_in_time_and_casts_doubt_on_all_connections(void **state)
{
    (void)state;
    struct reader_load load;
    struct session s;
    create_session();
    assert_false(reader_is_in_doubt(reader));
    assert_int_equal(reader_due_ms(reader), INT64_MAX);
    ask_for(&load, &name);
    assert_int_equal(reader_due_ms(reader), INT64_MAX); /* it has not been sent */
    assert_true(reader_send(reader));
    assert_in_range(reader_due_ms(reader) - clock_mono_ms(), 1, config.redis.command_ms);
    reader_is_silent(reader);
    assert_true(reader_is_in_doubt(reader));
    assert_ptr_equal(reader_drop(reader), &load);
    long long connected = ask("EVAL %s 0", "return tonumber(redis.call('INFO', 'stats')"
                                           ":match('total_connections_received:(%d+)'))");
    assert_ok(store_load(worker, &name, false, &arena, &s)); /* over a new one */
    assert_ok(store_load(worker, &name, false, &arena, &s));
    assert_int_equal(ask("EVAL %s 0", "return tonumber(redis.call('INFO', 'stats')"
                                      ":match('total_connections_received:(%d+)'))"),
                     connected + 1);
}

static void tracked_reads_that_are_lost_are_told(void **state)
{
    (void)state;
    int64_t subscriber = ask("CLIENT ID");
    assert_ok(reader_connect(reader, subscriber));
    assert_int_equal(reader_tracked_for(reader), subscriber);
    assert_false(reader_lost_reads(reader));
    reader_drop(reader);
    assert_true(reader_lost_reads(reader));
    assert_false(reader_lost_reads(reader));
    assert_int_equal(reader_tracked_for(reader), 0);
}

static void there_is_none_for_a_cluster(void **state)
{
    (void)state;
    bool possible = true;
    struct config cluster = config;
    cluster.redis.url = STR("redis+cluster://127.0.0.1:1");
    struct store_options options = {.config = &cluster, .keys = keys};
    assert_null(reader_open(&options, &possible));
    assert_false(possible);
}

#define T(test) cmocka_unit_test_setup_teardown(test, open_reader, close_reader)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(each_is_what_it_is),
        T(answers_are_those_to_what_was_asked_while_more_is),
        T(what_a_closed_connection_leaves_can_be_asked_again),
        T(a_refusal_is_left_to_who_can_say_it),
        T(silence_is_due_in_time_and_casts_doubt_on_all_connections),
        T(tracked_reads_that_are_lost_are_told),
        T(there_is_none_for_a_cluster),
    };
    return cmocka_run_group_tests_name("store: reader", tests, start_redis, remove_redis);
}
