#include "fixtures.h"
#include "store/slots.h"

static const struct redis_address asked = {.host = "10.0.0.9", .port = 7009};

static void slots_are_those_of_redis(void **state)
{
    (void)state;
    static const struct {
        const char *key;
        uint16_t slot;
    } rows[] = {
        /* Appendix A of the cluster specification: CRC16 of "123456789" is 0x31c3. */
        {"123456789", 0x31c3 % SLOTS},
        {"", 0},
        {"foo", 12182},
        {"bff:s:{foo}", 12182},
        {"{foo}.a", 12182},
        {"a{foo}{bar}", 12182},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(slot_of_key(str_from(rows[i].key)), rows[i].slot);
    assert_int_not_equal(slot_of_key(STR("a{}foo")), slot_of_key(STR("foo")));
    assert_int_not_equal(slot_of_key(STR("a{foo")), slot_of_key(STR("foo")));
}

static bool read_row(const char *text, struct slot_range *out)
{
    redisReader *reader = redisReaderCreate();
    void *reply = NULL;
    assert_int_equal(redisReaderFeed(reader, text, strlen(text)), REDIS_OK);
    assert_int_equal(redisReaderGetReply(reader, &reply), REDIS_OK);
    assert_non_null(reply);
    bool ok = slot_range_read(reply, &asked, out);
    freeReplyObject(reply);
    redisReaderFree(reader);
    return ok;
}

static void a_row_of_the_map_is_read(void **state)
{
    (void)state;
    struct slot_range range;
    assert_true(
        read_row("*3\r\n:0\r\n:5460\r\n*3\r\n$8\r\n10.0.0.1\r\n:7000\r\n$2\r\nid\r\n", &range));
    assert_int_equal(range.first, 0);
    assert_int_equal(range.last, 5460);
    assert_string_equal(range.primary.host, "10.0.0.1");
    assert_int_equal(range.primary.port, 7000);
    /* With a replica behind it, and without a host: the server that was asked. */
    assert_true(
        read_row("*4\r\n:7\r\n:7\r\n*2\r\n$-1\r\n:7001\r\n*2\r\n$1\r\na\r\n:1\r\n", &range));
    assert_int_equal(range.first, 7);
    assert_string_equal(range.primary.host, "10.0.0.9");
    assert_int_equal(range.primary.port, 7001);
    assert_true(read_row("*3\r\n:7\r\n:7\r\n*2\r\n$0\r\n\r\n:7001\r\n", &range));
    assert_string_equal(range.primary.host, "10.0.0.9");
}

static void any_other_row_is_refused(void **state)
{
    (void)state;
    static const char *const rows[] = {
        ":1\r\n",
        "*0\r\n",
        "*2\r\n:0\r\n:1\r\n",
        "*3\r\n:0\r\n:16384\r\n*2\r\n$1\r\na\r\n:1\r\n",
        "*3\r\n:-1\r\n:5\r\n*2\r\n$1\r\na\r\n:1\r\n",
        "*3\r\n:6\r\n:5\r\n*2\r\n$1\r\na\r\n:1\r\n",
        "*3\r\n$1\r\n0\r\n:5\r\n*2\r\n$1\r\na\r\n:1\r\n",
        "*3\r\n:0\r\n:5\r\n*1\r\n$1\r\na\r\n",
        "*3\r\n:0\r\n:5\r\n$1\r\na\r\n",
        "*3\r\n:0\r\n:5\r\n*2\r\n$1\r\n?\r\n:1\r\n",
        "*3\r\n:0\r\n:5\r\n*2\r\n$1\r\na\r\n:0\r\n",
        "*3\r\n:0\r\n:5\r\n*2\r\n$1\r\na\r\n:65536\r\n",
        "*3\r\n:0\r\n:5\r\n*2\r\n$1\r\na\r\n$1\r\n1\r\n",
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct slot_range range = {.first = 42};
        if (read_row(rows[i], &range))
            fail_msg("row %zu is taken", i);
        assert_int_equal(range.first, 42);
    }
}

static void redirections_are_read(void **state)
{
    (void)state;
    struct redirect r;
    assert_true(redirect_read(STR("MOVED 3999 127.0.0.1:6381"), &asked, &r));
    assert_false(r.is_ask);
    assert_int_equal(r.slot, 3999);
    assert_string_equal(r.to.host, "127.0.0.1");
    assert_int_equal(r.to.port, 6381);
    assert_true(redirect_read(STR("ASK 16383 ::1:6381"), &asked, &r));
    assert_true(r.is_ask);
    assert_int_equal(r.slot, 16383);
    assert_string_equal(r.to.host, "::1");
    assert_int_equal(r.to.port, 6381);
    assert_true(redirect_read(STR("MOVED 1 :6381"), &asked, &r));
    assert_string_equal(r.to.host, "10.0.0.9");
    assert_int_equal(r.to.port, 6381);
}

static void what_is_no_redirection_is_refused(void **state)
{
    (void)state;
    static const char *const errors[] = {
        "",
        "ERR MOVED 1 a:1",
        "MOVED",
        "MOVED 1",
        "MOVED 1 ",
        "MOVED 1 a",
        "MOVED 16384 a:1",
        "MOVED -1 a:1",
        "MOVED 1 a:0",
        "MOVED 1 a:65536",
        "MOVED 1 a:",
        "ASKING 1 a:1",
        "ASK x a:1",
        "TRYAGAIN Multiple keys request during rehashing of slot",
    };
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        struct redirect r = {.slot = 42};
        if (redirect_read(str_from(errors[i]), &asked, &r))
            fail_msg("\"%s\" is taken", errors[i]);
        assert_int_equal(r.slot, 42);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slots_are_those_of_redis),
        cmocka_unit_test(a_row_of_the_map_is_read),
        cmocka_unit_test(any_other_row_is_refused),
        cmocka_unit_test(redirections_are_read),
        cmocka_unit_test(what_is_no_redirection_is_refused),
    };
    return cmocka_run_group_tests_name("store/slots", tests, NULL, NULL);
}
