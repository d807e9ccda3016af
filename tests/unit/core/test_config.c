/* What a file means when it is accepted, and that printing it changes nothing. */
#include "config_fixture.h"

#include <stdio.h>
#include <string.h>

static void the_minimal_file_gets_every_default(void **state)
{
    struct config c = parse(*state, MINIMAL);
    assert_str(c.server.listen, STR("unix:/run/bff/bff.sock"));
    assert_int_equal(c.server.socket_mode, 0660);
    assert_int_equal(c.server.workers, 0);
    assert_str(c.server.key_file, STR("/etc/bff/key"));
    assert_int_equal(c.server.io_threads, 8);
    assert_int_equal(c.server.io_queue, 256);
    assert_int_equal(c.server.connections, 4096);
    assert_int_equal(c.server.parked, 4096);
    assert_int_equal(c.server.park_ms, 10000);
    assert_int_equal(c.server.read_ms, 1000);
    assert_int_equal(c.server.idle_ms, 75000);
    assert_int_equal(c.server.drain_ms, 30000);
    assert_int_equal(c.server.body_bytes, 65536);
    assert_int_equal(c.log.level, LOG_INFO);
    assert_int_equal(c.log.format, LOG_FORMAT_LOGFMT);
    assert_int_equal(c.redis.user.n, 0);
    assert_int_equal(c.redis.password_file.n, 0);
    assert_str(c.redis.prefix, STR("bff:"));
    assert_int_equal(c.redis.connect_ms, 1000);
    assert_int_equal(c.redis.command_ms, 2000);
    assert_int_equal(c.session.idle_s, 12 * 3600);
    assert_int_equal(c.session.absolute_s, 14 * 86400);
    assert_int_equal(c.session.refresh_ahead_s, 30);
    assert_int_equal(c.session.touch_s, 60);
    assert_int_equal(c.session.cache_ms, 60000);
    assert_int_equal(c.session.cache_bytes, 16 * 1024 * 1024);
    assert_int_equal(c.session.claims.n, 4);
    assert_str(c.session.claims.words[3], STR("name"));
    assert_int_equal(c.csrf.origins.n, 0);
    assert_false(c.csrf.require_header);
    assert_int_equal(c.backend.connect_ms, 3000);
    assert_int_equal(c.backend.answer_ms, 10000);
    assert_int_equal(c.backend.answer_bytes, 1024 * 1024);
    assert_int_equal(c.refresh.lease_ms, 20000);
    assert_int_equal(c.refresh.grace_ms, 5000);
    assert_int_equal(c.refresh.backoff_min_ms, 1000);
    assert_int_equal(c.refresh.backoff_max_ms, 30000);
}

static void the_simplejwt_preset_describes_simplejwt(void **state)
{
    struct config c = parse(*state, MINIMAL "preset = simplejwt\n");
    assert_int_equal(c.backend.attach.kind, ATTACH_HEADER);
    assert_str(c.backend.attach.name, STR("Authorization"));
    assert_str(c.backend.attach.value, STR("Bearer $access"));
    assert_str(c.login.request.method, STR("POST"));
    assert_str(c.login.request.path, STR("/api/token/"));
    assert_int_equal(c.login.access.n, 1);
    assert_int_equal(c.login.access.places[0].place, TOKEN_IN_JSON);
    assert_str(c.login.access.places[0].name, STR("/access"));
    assert_str(c.login.refresh.places[0].name, STR("/refresh"));
    assert_int_equal(c.login.success.n_statuses, 2);
    assert_int_equal(c.login.success.statuses[1], 201);
    assert_str(c.refresh.request.path, STR("/api/token/refresh/"));
    assert_int_equal(c.refresh.send.kind, SEND_JSON);
    assert_str(c.refresh.send.text, STR("{\"refresh\": \"$refresh\"}"));
    assert_int_equal(c.refresh.dead.n_statuses, 3);
    assert_str(c.revoke.request.path, STR("/api/token/blacklist/"));
    assert_false(c.revoke.auth_access);
}

static void a_line_of_the_file_overrides_the_preset_wherever_it_stands(void **state)
{
    struct config c = parse(*state, "[refresh]\ndead = json:/refreshed=false\n"
                                    "[revoke]\nrequest =\n" MINIMAL "preset = simplejwt\n");
    assert_int_equal(c.refresh.dead.n_statuses, 0);
    assert_str(c.refresh.dead.pointer, STR("/refreshed"));
    assert_str(c.refresh.dead.value, STR("false"));
    assert_int_equal(c.revoke.request.method.n, 0);
    assert_str(c.refresh.request.path, STR("/api/token/refresh/"));
}

static void a_backend_of_cookies_can_be_described_without_a_preset(void **state)
{
    struct config c = parse(*state, MINIMAL "preset = none\n"
                                            "attach = cookie access\n"
                                            "[login]\nrequest = POST /users/login/\n"
                                            "access = cookie:access\nrefresh = cookie:refresh\n"
                                            "[refresh]\nrequest = POST /users/refresh/\n"
                                            "send = cookie refresh\naccess = cookie:access\n"
                                            "[revoke]\nrequest = DELETE /users/session/?all=1\n"
                                            "auth = access\n");
    assert_int_equal(c.backend.attach.kind, ATTACH_COOKIE);
    assert_str(c.backend.attach.name, STR("access"));
    assert_str(c.backend.attach.value, STR("$access"));
    assert_int_equal(c.login.refresh.places[0].place, TOKEN_IN_COOKIE);
    assert_str(c.login.refresh.places[0].name, STR("refresh"));
    assert_int_equal(c.refresh.send.kind, SEND_COOKIE);
    assert_str(c.refresh.send.text, STR("refresh"));
    assert_int_equal(c.refresh.refresh.n, 0);
    assert_int_equal(c.revoke.send.kind, SEND_NONE);
    assert_str(c.revoke.request.method, STR("DELETE"));
    assert_str(c.revoke.request.path, STR("/users/session/?all=1"));
    assert_true(c.revoke.auth_access);
}

static void every_unit_is_understood(void **state)
{
    struct config c = parse(*state, "[session]\nidle_timeout=90m\nabsolute_timeout = 2d\n"
                                    "touch_interval = 5000ms\ncache_ttl = 250ms\n"
                                    "cache_size = 65536\nclaims =\n" MINIMAL "timeout = 5s\n"
                                    "answer_max = 2m\n");
    assert_int_equal(c.session.idle_s, 5400);
    assert_int_equal(c.session.absolute_s, 172800);
    assert_int_equal(c.session.touch_s, 5);
    assert_int_equal(c.session.cache_ms, 250);
    assert_int_equal(c.session.cache_bytes, 65536);
    assert_int_equal(c.session.claims.n, 0);
    assert_int_equal(c.backend.answer_ms, 5000);
    assert_int_equal(c.backend.answer_bytes, 2 * 1024 * 1024);
}

static void comments_blanks_crlf_and_a_byte_order_mark_do_not_matter(void **state)
{
    struct config c = parse(*state, "\xEF\xBB\xBF; gr\xC3\xBC\xC3\x9F\x65\r\n"
                                    "   # an indented comment\r\n\r\n"
                                    "[server]   ; where\r\n"
                                    "key_file=/a;b\t; a ';' without a blank before it is a value's"
                                    "\r\n  \t\r\n"
                                    "[redis]\nurl = redis://[::1]:6380/3 ; \"quoted # here\"\n"
                                    "[backend]\nurl = https://api.example.com");
    assert_str(c.server.key_file, STR("/a;b"));
    assert_str(c.redis.url, STR("redis://[::1]:6380/3"));
    assert_str(c.backend.url, STR("https://api.example.com"));
}

static void a_comment_may_be_longer_than_libinih_reads(void **state)
{
    char text[2000];
    snprintf(text, sizeof text, "; %0600d\n%s; %0600d\nca_file = /x    ; %0300d\n", 0, MINIMAL, 0,
             0);
    struct config c = parse(*state, text);
    assert_str(c.backend.ca_file, STR("/x"));
}

static void the_longest_line_is_read_whole(void **state)
{
    char text[1000];
    int width = CONFIG_MAX_LINE - (int)strlen("ca_file = /");
    snprintf(text, sizeof text, "%sca_file = /%0*d\n", MINIMAL, width, 7);
    struct config c = parse(*state, text);
    assert_int_equal(c.backend.ca_file.n, width + 1);
    assert_int_equal(c.backend.ca_file.p[width], '7');
}

static void lists_are_split_at_blanks(void **state)
{
    struct config c = parse(*state, "[csrf]\norigins = https://app.example.com \t"
                                    "http://localhost:8080\nrequire_header = yes\n" MINIMAL);
    assert_int_equal(c.csrf.origins.n, 2);
    assert_str(c.csrf.origins.words[0], STR("https://app.example.com"));
    assert_str(c.csrf.origins.words[1], STR("http://localhost:8080"));
    assert_true(c.csrf.require_header);
}

static char *print(struct arena *arena, const char *text)
{
    char *printed = NULL;
    size_t size = 0;
    struct str message;
    FILE *out = open_memstream(&printed, &size);
    assert_non_null(out);
    assert_true(config_print(arena, "bff.conf", str_from(text), out, &message));
    fclose(out);
    return printed;
}

static void printing_says_where_each_value_comes_from(void **state)
{
    char *printed = print(*state, MINIMAL "timeout = 8s ; slow\n");
    assert_non_null(strstr(printed, "[server]\nlisten = unix:/run/bff/bff.sock    ; default\n"));
    assert_non_null(strstr(printed, "\nkey_file = /etc/bff/key    ; bff.conf:2\n"));
    assert_non_null(strstr(printed, "\n\n[redis]\n"));
    assert_non_null(strstr(printed, "\nuser =    ; default\n"));
    assert_non_null(strstr(printed, "\ntimeout = 8s    ; bff.conf:7\n"));
    assert_non_null(strstr(printed, "\nrequest = POST /api/token/    ; preset simplejwt\n"));
    free(printed);
}

/* The same text but for the origins. */
static void drop_origins(char *text)
{
    char *to = text;
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        char *comment = strstr(line, "    ; ");
        size_t n = comment ? (size_t)(comment - line) : strlen(line);
        memmove(to, line, n);
        to[n] = '\n';
        to += n + 1;
    }
    *to = 0;
}

static void what_is_printed_means_the_same(void **state)
{
    static const char *const files[] = {
        MINIMAL,
        MINIMAL "[refresh]\nsend = json {\"note\": \"# \\\" ,\", \"refresh\": \"$refresh\"}\n",
        MINIMAL "attach = header X-Token \"JWT $access\"\n[csrf]\norigins = https://a.example\n"
                "[redis]\n[refresh]\nsend = form grant_type=refresh_token&refresh_token=$refresh\n"
                "dead = json:/error=\"invalid_grant\"\n",
        MINIMAL "preset = allauth-headless\n[capture mfa]\nsuccess = 202\n"
                "[capture own]\nrequest = PUT /own\naccess_expiry = after 5m\nrefresh =\n",
        MINIMAL "preset = oauth-toolkit\n[client]\nid = app\n[pending]\nlifetime = 90s\n",
        "[login]\nsuccess = json:/ok=true\n[log]\nlevel = debug\nformat = json\n" MINIMAL,
    };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char *once = print(*state, files[i]);
        char *twice = print(*state, once);
        drop_origins(once);
        drop_origins(twice);
        assert_string_equal(once, twice);
        free(once);
        free(twice);
    }
}

static void the_manual_names_every_key_with_its_default(void **state)
{
    (void)state;
    char *manual = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&manual, &size);
    config_print_manual(out);
    fclose(out);
    assert_non_null(strstr(manual, ".Ss [server]\n"));
    assert_non_null(strstr(manual, ".Ss [revoke]\n"));
    assert_non_null(strstr(manual, ".It Ic idle_timeout No = Ar duration\n"
                                   "Inactivity after which a session ends.\n"
                                   "Allowed:\na duration from 60s to 30d, such as 12h.\n"
                                   "Default:\n.Ql 12h .\n"));
    assert_non_null(strstr(manual, ".Ql header Authorization \\(dqBearer $access\\(dq .\n"));
    assert_non_null(strstr(manual, ".It simplejwt\n.Ql POST /api/token/refresh/\n"));
    free(manual);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(test) cmocka_unit_test_setup_teardown(test, arena_setup, arena_teardown)
        T(the_minimal_file_gets_every_default),
        T(the_simplejwt_preset_describes_simplejwt),
        T(a_line_of_the_file_overrides_the_preset_wherever_it_stands),
        T(a_backend_of_cookies_can_be_described_without_a_preset),
        T(every_unit_is_understood),
        T(comments_blanks_crlf_and_a_byte_order_mark_do_not_matter),
        T(a_comment_may_be_longer_than_libinih_reads),
        T(the_longest_line_is_read_whole),
        T(lists_are_split_at_blanks),
        T(printing_says_where_each_value_comes_from),
        T(what_is_printed_means_the_same),
        T(the_manual_names_every_key_with_its_default),
#undef T
    };
    return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
