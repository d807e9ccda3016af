#include "fixtures.h"
#include "store/url.h"

#define TEN "0123456789"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

static void the_documented_forms_are_understood(void **state)
{
    (void)state;
    static const struct {
        const char *url, *host, *path;
        uint16_t port, db;
    } rows[] = {
        {"redis://localhost", "localhost", "", 6379, 0},
        {"redis://localhost/", "localhost", "", 6379, 0},
        {"redis://10.0.0.1:7000", "10.0.0.1", "", 7000, 0},
        {"redis://cache.example:6380/5", "cache.example", "", 6380, 5},
        {"redis://[::1]", "::1", "", 6379, 0},
        {"redis://[fe80::1]:7000/1", "fe80::1", "", 7000, 1},
        {"unix:///run/redis/redis-server.sock", "", "/run/redis/redis-server.sock", 0, 0},
        {"unix:///run/redis.sock?db=12", "", "/run/redis.sock", 0, 12},
        {"unix:///123456" HUNDRED, "", "/123456" HUNDRED, 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct redis_place a;
        assert_true(redis_url_parse(str_from(rows[i].url), &a));
        assert_int_equal(a.kind, REDIS_SINGLE);
        assert_int_equal(a.n_seeds, 1);
        assert_string_equal(a.seeds[0].host, rows[i].host);
        assert_string_equal(a.seeds[0].path, rows[i].path);
        assert_int_equal(a.seeds[0].port, rows[i].port);
        assert_int_equal(a.db, rows[i].db);
    }
}

static void sentinels_are_a_list_with_the_name_of_a_primary(void **state)
{
    (void)state;
    struct redis_place p;
    assert_true(redis_url_parse(STR("redis+sentinel://a,[::1]:7000,c:7001/main"), &p));
    assert_int_equal(p.kind, REDIS_SENTINEL);
    assert_int_equal(p.n_seeds, 3);
    assert_string_equal(p.seeds[0].host, "a");
    assert_int_equal(p.seeds[0].port, 26379);
    assert_string_equal(p.seeds[1].host, "::1");
    assert_int_equal(p.seeds[1].port, 7000);
    assert_string_equal(p.seeds[2].host, "c");
    assert_int_equal(p.seeds[2].port, 7001);
    assert_string_equal(p.name, "main");
    assert_int_equal(p.db, 0);
    assert_true(redis_url_parse(STR("redis+sentinel://a/main.1_x-y/15"), &p));
    assert_int_equal(p.n_seeds, 1);
    assert_string_equal(p.name, "main.1_x-y");
    assert_int_equal(p.db, 15);
}

static void a_cluster_is_a_list(void **state)
{
    (void)state;
    struct redis_place p;
    assert_true(redis_url_parse(STR("redis+cluster://a,[::1]:7000"), &p));
    assert_int_equal(p.kind, REDIS_CLUSTER);
    assert_int_equal(p.n_seeds, 2);
    assert_string_equal(p.seeds[0].host, "a");
    assert_int_equal(p.seeds[0].port, 6379);
    assert_string_equal(p.seeds[1].host, "::1");
    assert_int_equal(p.seeds[1].port, 7000);
}

static void an_address_of_another_servers_is_read(void **state)
{
    (void)state;
    struct redis_address a = {.port = 42};
    assert_false(redis_address_read(STR("h"), STR("0"), &a));
    assert_false(redis_address_read(STR("h"), STR("65536"), &a));
    assert_false(redis_address_read(STR(""), STR("1"), &a));
    assert_int_equal(a.port, 42);
    assert_true(redis_address_read(STR("::1"), STR("6379"), &a));
    assert_string_equal(a.host, "::1");
    assert_int_equal(a.port, 6379);
}

static void anything_else_is_refused(void **state)
{
    (void)state;
    static const char *const urls[] = {
        "",
        "localhost",
        "http://localhost",
        "rediss://localhost",
        "redis://",
        "redis://:6379",
        "redis://user:word@localhost",
        "redis://localhost:",
        "redis://localhost:0",
        "redis://localhost:65536",
        "redis://localhost:6379x",
        "redis://localhost:1:2",
        "redis://localhost/x",
        "redis://localhost/-1",
        "redis://localhost/1/2",
        "redis://localhost?db=1",
        "redis://[::1",
        "redis://[::1]7000",
        "redis://[]",
        "redis+cluster://",
        "redis+cluster://a,",
        "redis+cluster://a/0",
        "redis+cluster://user:word@a",
        "redis+sentinel://a",
        "redis+sentinel://a/",
        "redis+sentinel:///main",
        "redis+sentinel://a,/main",
        "redis+sentinel://,a/main",
        "redis+sentinel://a,b:0/main",
        "redis+sentinel://a/main/x",
        "redis+sentinel://a/main/1/2",
        "redis+sentinel://a/main?db=1",
        "redis+sentinel://user:word@a/main",
        "redis+sentinel://a/" HUNDRED,
        "redis+sentinel://1,2,3,4,5,6,7,8,9/main",
        "unix://",
        "unix://relative/path",
        "unix:///path?",
        "unix:///path?db=",
        "unix:///path?name=1",
        "unix:///path?db=1x",
        "unix:///1234567" HUNDRED,
        "redis://" HUNDRED HUNDRED HUNDRED,
    };
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        struct redis_place a = {.db = 42};
        if (redis_url_parse(str_from(urls[i]), &a))
            fail_msg("\"%s\" is taken", urls[i]);
        assert_int_equal(a.db, 42);
    }
}

static void a_nul_cannot_cut_a_name_short(void **state)
{
    (void)state;
    struct redis_place a;
    assert_false(redis_url_parse(STR("unix:///run/a\0b"), &a));
    assert_false(redis_url_parse(STR("redis://a\0b"), &a));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_documented_forms_are_understood),
        cmocka_unit_test(sentinels_are_a_list_with_the_name_of_a_primary),
        cmocka_unit_test(a_cluster_is_a_list),
        cmocka_unit_test(an_address_of_another_servers_is_read),
        cmocka_unit_test(anything_else_is_refused),
        cmocka_unit_test(a_nul_cannot_cut_a_name_short),
    };
    return cmocka_run_group_tests_name("store/url", tests, NULL, NULL);
}
