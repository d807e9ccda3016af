#include "../../assert_str.h"
#include "core/reason.h"

static void a_status_has_its_name(void **state)
{
    (void)state;
    assert_str(reason_phrase(200), STR("OK"));
    assert_str(reason_phrase(404), STR("Not Found"));
    assert_str(reason_phrase(504), STR("Gateway Timeout"));
}

static void an_unnamed_status_has_the_name_of_its_class(void **state)
{
    (void)state;
    assert_str(reason_phrase(299), STR("Successful"));
    assert_str(reason_phrase(418), STR("Client Error"));
    assert_str(reason_phrase(599), STR("Server Error"));
    assert_str(reason_phrase(0), STR("Unknown"));
    assert_str(reason_phrase(-1), STR("Unknown"));
    assert_str(reason_phrase(600), STR("Unknown"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_status_has_its_name),
        cmocka_unit_test(an_unnamed_status_has_the_name_of_its_class),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
