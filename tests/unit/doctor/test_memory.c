/* Memory that runs out while the doctor looks at an answer: it says so, and makes nothing up. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fixtures.h"

#include "doctor/fields.h"
#include "doctor/judge.h"
#include "doctor/lines.h"
#include "doctor/shape.h"
#include "doctor/ways.h"

#define LIMIT 16384
#define STEP 8

#define BODY                                                                                       \
    "{\"access\":\"" ACCESS_JWT "\",\"refresh\":\"" REFRESH_JWT                                    \
    "\",\"expires_in\":300,\"user\":{\"id\":1}}"

static struct backend_answer answer(void)
{
    struct backend_answer a = answer_with(200, BODY);
    a.set_cookie[0] = STR("at=" ACCESS_JWT "; Path=/api/; Max-Age=300");
    a.n_set_cookie = 1;
    return a;
}

static void a_scan_is_whole_or_none(void **state)
{
    (void)state;
    static struct scan scan;
    const struct backend_answer a = answer();
    const struct config_token access = in_json("/access"), refresh = in_json("/refresh");
    bool was_whole = false;
    for (size_t limit = 0; limit < LIMIT; limit += STEP) {
        struct arena arena = arena_make(limit);
        enum bff_err err = scan_answer(&a, &access, &refresh, &arena, &scan);
        assert_true(err == BFF_OK || err == BFF_ERR_NO_MEMORY);
        assert_true(err == BFF_OK || !was_whole);
        if (err == BFF_OK) {
            assert_int_equal(scan.n, 3);
            assert_str(scan.user, STR("/user"));
            was_whole = true;
        }
        arena_free(&arena);
    }
    assert_true(was_whole);
}

static struct config any_config(struct arena *arena)
{
    struct config config;
    struct str message;
    if (!config_parse(arena, "bff.conf",
                      STR("[server]\nkey_file = /k\n[redis]\nurl = redis://h\n[backend]\n"
                          "url = http://h\npreset = oauth-toolkit\n[client]\nid = web\n"
                          "[login]\naccess_expiry = after 1500ms\n"
                          "[refresh]\naccess_expiry = after 90s\n"),
                      &config, &message))
        fail_msg("%.*s", STR_ARG(message));
    return config;
}

static void the_lines_of_a_configuration_are_all_or_none(void **state)
{
    (void)state;
    struct arena kept = arena_make(256 * 1024);
    const struct config config = any_config(&kept);
    struct lines all, some;
    bool was_whole = false;
    assert_true(lines_of(&config, &kept, &all));
    for (size_t limit = 0; limit < LIMIT; limit += STEP) {
        struct arena arena = arena_make(limit);
        bool is_whole = lines_of(&config, &arena, &some);
        assert_true(is_whole || !was_whole);
        was_whole |= is_whole;
        for (size_t i = 0; is_whole && i < all.n; i++)
            assert_str(some.lines[i].value, all.lines[i].value);
        arena_free(&arena);
    }
    assert_true(was_whole);
    arena_free(&kept);
}

static void what_is_printed_stands_below_its_section(void **state)
{
    (void)state;
    struct arena kept = arena_make(256 * 1024);
    const struct config config = any_config(&kept);
    struct lines lines;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_true(lines_of(&config, &kept, &lines));
    lines_print(&lines, &lines, out);
    fclose(out);
    assert_non_null(strstr(text, "[client]\nid = web\n"));
    assert_non_null(strstr(text, "\naccess_expiry = after 1500ms\n"));
    assert_non_null(strstr(text, "\naccess_expiry = after 90s\n"));
    assert_null(strstr(text, "<-"));
    free(text);
    arena_free(&kept);
}

static void ways_are_found_or_there_is_no_memory(void **state)
{
    (void)state;
    const struct config_send tried = {SEND_FORM, STR("token=$refresh")};
    struct backend_answer a = answer_with(400, "{\"refresh_token\":[\"required\"]}");
    const struct ways_question q = {&tried, &a, STR("rt"), false};
    struct ways ways;
    bool was_found = false;
    for (size_t limit = 0; limit < LIMIT; limit += STEP) {
        struct arena arena = arena_make(limit);
        enum bff_err err = ways_find(&q, &arena, &ways);
        assert_true(err == BFF_OK || err == BFF_ERR_NO_MEMORY);
        assert_true(err == BFF_OK || !was_found);
        was_found |= err == BFF_OK;
        for (size_t i = 0; err == BFF_OK && i < ways.n; i++)
            assert_true(ways.ways[i].text.n > 0);
        arena_free(&arena);
    }
    assert_true(was_found);
}

static void words_for_people_say_that_they_are_missing(void **state)
{
    (void)state;
    const struct backend_answer a = answer();
    const struct config_send template = {SEND_JSON, STR("{\"email\":\"$user\",\"pin\":\"$code\"}")};
    const struct login_fields fields = {STR("username"), STR("alice"), STR("wonderland"), false};
    for (size_t limit = 0; limit < 512; limit += STEP) {
        struct arena arena = arena_make(limit);
        struct str out, words = shape_words(&a, &arena);
        assert_true(str_eq(words, STR("200 with JSON")) || str_eq(words, STR("an answer")));
        words = fields_named(&template, STR("username"), &arena);
        assert_true(str_eq(words, STR("user and code")) || str_eq(words, STR("(no memory)")) ||
                    str_eq(words, STR("user")));
        if (fields_write(&template, &fields, &arena, &out))
            assert_true(out.n > 0);
        arena_free(&arena);
    }
}

static void a_sentence_for_which_there_is_no_memory_is_counted(void **state)
{
    (void)state;
    struct arena arena = arena_make(0);
    struct report report = report_make(&arena);
    report_remedy(&report, "%s", "There is no finding that this could be for.");
    report_note(&report, CHAPTER_LOGIN, "%s", "This is not kept.");
    assert_str(last_finding(&report)->says, STR("(no memory for this sentence)"));
    assert_int_equal(report.lost, 1);
    arena_free(&arena);
}

static void a_finding_without_room_takes_its_remedy_with_it(void **state)
{
    (void)state;
    struct arena arena = arena_make(64 * 1024);
    struct report report = report_make(&arena);
    for (int i = 0; i < REPORT_MAX + 2; i++) {
        report_change(&report, CHAPTER_LOGIN, "Finding %d.", i);
        report_remedy(&report, "Remedy %d.", i);
    }
    assert_int_equal(report.n, REPORT_MAX);
    assert_int_equal(report.lost, 2);
    assert_str(last_finding(&report)->says, STR("Finding 95."));
    assert_str(last_finding(&report)->remedy, STR("Remedy 95."));
    report_remedy(&report, "%s", "Of one that was lost.");
    assert_str(last_finding(&report)->remedy, STR("Remedy 95."));
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_scan_is_whole_or_none),
        cmocka_unit_test(the_lines_of_a_configuration_are_all_or_none),
        cmocka_unit_test(what_is_printed_stands_below_its_section),
        cmocka_unit_test(ways_are_found_or_there_is_no_memory),
        cmocka_unit_test(words_for_people_say_that_they_are_missing),
        cmocka_unit_test(a_sentence_for_which_there_is_no_memory_is_counted),
        cmocka_unit_test(a_finding_without_room_takes_its_remedy_with_it),
    };
    return cmocka_run_group_tests_name("doctor/memory", tests, NULL, NULL);
}
