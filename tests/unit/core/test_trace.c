#include "../../assert_str.h"

#include "core/trace.h"

#define ID "0af7651916cd43dd8448eb211c80319c"
#define SPAN "b7ad6b7169203331"

static void the_trace_id_of_a_well_formed_header_is_read(void **state)
{
    (void)state;
    static const char *const good[] = {
        "00-" ID "-" SPAN "-01",        "00-" ID "-" SPAN "-00",  "00-" ID "-" SPAN "-ff",
        "cc-" ID "-" SPAN "-01",        "cc-" ID "-" SPAN "-01-", "fe-" ID "-" SPAN "-01-whatever",
        "01-" ID "-" SPAN "-00-\x7f\t",
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct str header = str_from(good[i]), id = trace_id(header);
        assert_str(id, STR(ID));
        assert_ptr_equal(id.p, header.p + 3);
    }
}

static void what_is_malformed_is_no_trace(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "00",
        "00-" ID "-" SPAN "-0",
        "00-" ID "-" SPAN "-01-",
        "00-" ID "-" SPAN "-01 ",
        "00-" ID "-" SPAN "-010",
        "cc-" ID "-" SPAN "-01.x",
        "ff-" ID "-" SPAN "-01",
        "0G-" ID "-" SPAN "-01",
        "FE-" ID "-" SPAN "-01",
        " 00-" ID "-" SPAN "-01",
        "00-0AF7651916CD43DD8448EB211C80319C-" SPAN "-01",
        "00-" ID "-B7AD6B7169203331-01",
        "00-00000000000000000000000000000000-" SPAN "-01",
        "00-" ID "-0000000000000000-01",
        "00-" ID "-" SPAN "-0x",
        "00-" ID "_" SPAN "-01",
        "00_" ID "-" SPAN "-01",
        "00-" ID "-" SPAN "_01",
        "00-" ID "-" SPAN "-01, 00-" ID "-" SPAN "-01",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(trace_id(str_from(bad[i])).n, 0);
    assert_int_equal(trace_id((struct str){NULL, 0}).n, 0);
}

static void a_child_has_the_trace_and_a_span_of_its_own(void **state)
{
    (void)state;
    static const unsigned char span[SPAN_BYTES] = {0, 1, 2, 3, 0xfc, 0xfd, 0xfe, 0xff};
    static const struct {
        const char *parent, *child;
    } rows[] = {
        {"00-" ID "-" SPAN "-01", "00-" ID "-00010203fcfdfeff-01"},
        {"00-" ID "-" SPAN "-00", "00-" ID "-00010203fcfdfeff-00"},
        {"00-" ID "-" SPAN "-fe", "00-" ID "-00010203fcfdfeff-00"},
        {"cc-" ID "-" SPAN "-0b-more", "00-" ID "-00010203fcfdfeff-01"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char out[TRACEPARENT_LENGTH];
        trace_child(str_from(rows[i].parent), span, out);
        assert_str(((struct str){out, sizeof out}), str_from(rows[i].child));
        assert_str(trace_id((struct str){out, sizeof out}), STR(ID));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_trace_id_of_a_well_formed_header_is_read),
        cmocka_unit_test(what_is_malformed_is_no_trace),
        cmocka_unit_test(a_child_has_the_trace_and_a_span_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
