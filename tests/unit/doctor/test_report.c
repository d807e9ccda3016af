#include "doctor/report.h"

#include <stdlib.h>
#include <string.h>

#include "../arena_fixture.h"
#include "doctor/lines.h"
#include "fixtures.h"

static struct str printed(const struct report *r)
{
    char *text = NULL;
    size_t n = 0;
    struct str copy;
    FILE *out = open_memstream(&text, &n);
    assert_non_null(out);
    report_print(r, out);
    fclose(out);
    assert_true(arena_copy(&arena, (struct str){text, n}, &copy));
    free(text);
    return copy;
}

static void findings_are_grouped_and_marked(void **state)
{
    (void)state;
    struct report r = report_make(&arena);
    report_change(&r, CHAPTER_REFRESH, "Second %d.", 2);
    report_remedy(&r, "[refresh] dead = %d", 401);
    report_ok(&r, CHAPTER_LOGIN, "First.");
    report_note(&r, CHAPTER_REFRESH, "Third.");
    assert_str(printed(&r), STR("\nLogin\n"
                                "  ok      First.\n"
                                "\nRefresh\n"
                                "  change  Second 2.\n"
                                "    ->    [refresh] dead = 401\n"
                                "  note    Third.\n"));
    assert_int_equal(report_count(&r, FINDING_CHANGE), 1);
}

static void long_sentences_wrap_below_100_columns(void **state)
{
    (void)state;
    struct report r = report_make(&arena);
    report_note(&r, CHAPTER_LOGIN, "%s %s %s %s %s",
                "a sentence that is much longer than the width of any terminal that people use,",
                "which goes on and on, with words and words, until it fills more than two lines,",
                "for it has to be seen that the second line breaks as well, at a blank,",
                "and that every line after the first one begins below the text of the first,",
                "not below its mark.");
    struct str_cut line = {.tail = printed(&r), .found = true};
    size_t lines = 0;
    while (line.found) {
        line = str_cut(line.tail, '\n');
        assert_true(line.head.n < 100);
        lines += str_starts(line.head, STR("          "));
    }
    assert_int_equal(lines, 3);
}

static void a_sentence_with_a_token_is_not_said(void **state)
{
    (void)state;
    struct report r = report_make(&arena);
    report_note(&r, CHAPTER_LOGIN, "The member %s is there.", ACCESS_JWT);
    report_remedy(&r, "Use %s", REFRESH_JWT);
    assert_false(str_contains(printed(&r), STR("eyJ")));
}

static void what_a_terminal_would_obey_is_not_printed(void **state)
{
    (void)state;
    struct report r = report_make(&arena);
    report_note(&r, CHAPTER_LOGIN, "The path /a\x1B[2J\n\xC3\xA9.");
    assert_str(printed(&r), STR("\nLogin\n  note    The path /a?[2J???.\n"));
}

static void more_findings_than_there_is_room_for_are_counted(void **state)
{
    (void)state;
    struct report r = report_make(&arena);
    for (int i = 0; i < REPORT_MAX + 3; i++)
        report_ok(&r, CHAPTER_LOGIN, "One.");
    assert_int_equal(r.n, REPORT_MAX);
    assert_true(str_contains(printed(&r), STR("(3 more findings had no room here.)")));
}

/* What a configuration file needs besides. */
#define REST                                                                                       \
    "[server]\nkey_file = /k\n[redis]\nurl = redis://127.0.0.1\n[backend]\nurl = http://b:1\n"

static struct config parsed(const char *lines)
{
    struct config config;
    struct str text, message = STR("");
    assert_true(arena_printf(&arena, &text, "%s", lines));
    if (!config_parse(&arena, "bff.conf", text, &config, &message))
        fail_msg("%.*s\n%s", STR_ARG(message), lines);
    return config;
}

static char *lines_text(const struct config *wanted, const struct config *have, const char *before)
{
    struct lines to, from;
    char *text = NULL;
    size_t n = 0;
    assert_true(lines_of(wanted, &arena, &to) && lines_of(have, &arena, &from));
    FILE *out = open_memstream(&text, &n);
    assert_non_null(out);
    fputs(before, out);
    lines_print(&to, &from, out);
    fclose(out);
    return text;
}

static void what_is_written_is_read_as_what_it_was_written_from(void **state)
{
    (void)state;
    const char *files[] = {
        REST "preset = simplejwt\n",
        REST "preset = simplejwt-cookie\ncsrf_cookie = csrftoken\n",
        REST "preset = dj-rest-auth\n",
        REST "preset = dj-rest-auth-httponly\n",
        REST "preset = djoser\n",
        REST "preset = allauth-headless\n",
        REST "preset = oauth-toolkit\n[client]\nid = app\nsecret_file = /s\nauth = form\n",
        REST "attach = header X-Token \"$access\"\n[login]\nsend = json {\"u\": \"$user\"}\n"
             "access_expiry = seconds json:/expires_in\nrefresh_expiry = after 90s\n"
             "success = json:/ok=true\nuser = json:/user\naccess = json:/a~1b cookie:c\n"
             "[refresh]\nauth = access\naccess_expiry = time json:/at\n",
    };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct config original = parsed(files[i]);
        char *text = lines_text(&original, &original, REST "preset = simplejwt\n");
        struct config again = parsed(text);
        struct lines a, b;
        assert_true(lines_of(&original, &arena, &a) && lines_of(&again, &arena, &b));
        assert_int_equal(a.n, b.n);
        for (size_t l = 0; l < a.n; l++)
            assert_str(b.lines[l].value, a.lines[l].value);
        free(text);
    }
}

static void a_line_that_differs_says_what_it_was(void **state)
{
    (void)state;
    struct config have = parsed(REST), wanted = have;
    wanted.login.access = in_json("/token");
    wanted.login.user = STR("/user");
    char *text = lines_text(&wanted, &have, "");
    assert_non_null(strstr(text, "access = json:/token    ; <- was: json:/access\n"));
    assert_non_null(strstr(text, "user = json:/user    ; <- new\n"));
    assert_non_null(strstr(text, "\nrefresh = json:/refresh\n"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(findings_are_grouped_and_marked),
        cmocka_unit_test(long_sentences_wrap_below_100_columns),
        cmocka_unit_test(a_sentence_with_a_token_is_not_said),
        cmocka_unit_test(what_a_terminal_would_obey_is_not_printed),
        cmocka_unit_test(more_findings_than_there_is_room_for_are_counted),
        cmocka_unit_test(what_is_written_is_read_as_what_it_was_written_from),
        cmocka_unit_test(a_line_that_differs_says_what_it_was),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
