#include "../../assert_str.h"
#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char written[256 * 1024];

/* What `act` writes to standard error. */
static struct str logged(void (*act)(void))
{
    char path[] = "/tmp/bff-test-XXXXXX";
    int file = mkstemp(path), before = dup(STDERR_FILENO);
    assert_true(file >= 0 && before >= 0);
    unlink(path);
    dup2(file, STDERR_FILENO);
    act();
    dup2(before, STDERR_FILENO);
    close(before);
    ssize_t n = pread(file, written, sizeof written, 0);
    close(file);
    assert_true(n >= 0);
    return (struct str){written, (size_t)n};
}

/* The line without its time. */
static struct str untimed(struct str line)
{
    const char *at = memmem(line.p, line.n, "Z", 1);
    assert_non_null(at);
    return (struct str){at + 1, line.n - (size_t)(at + 1 - line.p)};
}

static void one_event(void)
{
    log_event(SEVERITY_INFO, "request", LOG_TEXT("leg", STR("login")), LOG_NUMBER("status", 204),
              LOG_TEXT("reason", STR("a \"word\"\n=")), LOG_TEXT("empty", STR("")),
              LOG_OPTIONAL("absent", STR("")), LOG_OPTIONAL("there", STR("x")));
}

static void logfmt_quotes_what_needs_it(void **state)
{
    (void)state;
    log_setup(SEVERITY_INFO, false);
    assert_str(untimed(logged(one_event)),
               STR(" level=info event=request leg=login status=204 "
                   "reason=\"a \\\"word\\\"\\u000a=\" empty=\"\" there=x\n"));
}

static void json_is_one_object_a_line(void **state)
{
    (void)state;
    log_setup(SEVERITY_INFO, true);
    assert_str(untimed(logged(one_event)),
               STR("\",\"level\":\"info\",\"event\":\"request\",\"leg\":\"login\",\"status\":204,"
                   "\"reason\":\"a \\\"word\\\"\\u000a=\",\"empty\":\"\",\"there\":\"x\"}\n"));
}

static void below_the_level_nothing_is_written(void **state)
{
    (void)state;
    log_setup(SEVERITY_WARN, false);
    assert_int_equal(logged(one_event).n, 0);
    assert_false(log_wants(SEVERITY_INFO));
    assert_true(log_wants(SEVERITY_ERROR));
}

static void long_event(void)
{
    static char text[LOG_LINE_MAX];
    memset(text, 'a', sizeof text);
    log_event(SEVERITY_INFO, "request", LOG_TEXT("first", STR("kept")),
              LOG_TEXT("long", ((struct str){text, sizeof text})), LOG_NUMBER("last", 7));
}

static void a_field_that_does_not_fit_is_left_out_whole(void **state)
{
    (void)state;
    log_setup(SEVERITY_INFO, true);
    assert_str(untimed(logged(long_event)), STR("\",\"level\":\"info\",\"event\":\"request\","
                                                "\"first\":\"kept\",\"last\":7}\n"));
}

static void many_events_in_a_buffer(void)
{
    log_buffer_this_thread();
    for (int i = 0; i < 1000; i++)
        one_event();
    log_flush();
}

static void a_buffered_thread_loses_no_line(void **state)
{
    (void)state;
    log_setup(SEVERITY_INFO, false);
    struct str all = logged(many_events_in_a_buffer);
    size_t lines = 0;
    for (size_t i = 0; i < all.n; i++)
        lines += all.p[i] == '\n';
    assert_int_equal(lines, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logfmt_quotes_what_needs_it),
        cmocka_unit_test(json_is_one_object_a_line),
        cmocka_unit_test(below_the_level_nothing_is_written),
        cmocka_unit_test(a_field_that_does_not_fit_is_left_out_whole),
        cmocka_unit_test(a_buffered_thread_loses_no_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
