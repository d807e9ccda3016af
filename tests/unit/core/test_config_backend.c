/* What a description of a backend means: presets, captures, and the rows that only they have. */
#include "config_fixture.h"

#include <stdio.h>
#include <string.h>

#define NONE MINIMAL "preset = none\n"
#define REFRESH                                                                                    \
    "[refresh]\nrequest = POST /r/\nsend = json {\"refresh\": \"$refresh\"}\naccess = json:/a\n"

static struct config parse_preset(struct arena *arena, const char *preset)
{
    char text[512];
    snprintf(text, sizeof text, MINIMAL "preset = %s\n", preset);
    return parse(arena, text);
}

/* "json:/a cookie:b" again. */
static const char *places(const struct config_token *token)
{
    static char text[256];
    size_t n = 0;
    text[0] = 0;
    for (size_t i = 0; i < token->n; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%s:%.*s", i > 0 ? " " : "",
                              token->places[i].place == TOKEN_IN_JSON ? "json" : "cookie",
                              STR_ARG(token->places[i].name));
    return text;
}

static const char *call(const struct config_call *request)
{
    static char text[256];
    snprintf(text, sizeof text, "%.*s%s%.*s", STR_ARG(request->method),
             request->method.n > 0 ? " " : "", STR_ARG(request->path));
    return text;
}

static const char *attach(const struct config_attach *a)
{
    static char text[256];
    snprintf(text, sizeof text, "%s %.*s: %.*s", a->kind == ATTACH_HEADER ? "header" : "cookie",
             STR_ARG(a->name), STR_ARG(a->value));
    return text;
}

static const char *send_of(const struct config_send *send)
{
    static const char *const kinds[] = {"none", "json", "form", "cookie", "body"};
    static char text[256];
    snprintf(text, sizeof text, "%s%s%.*s", kinds[send->kind], send->text.n > 0 ? " " : "",
             STR_ARG(send->text));
    return text;
}

struct preset_row {
    const char *name, *attach;
    const char *login, *login_send, *access, *refresh, *user;
    const char *renew, *renew_send, *renew_access, *renew_refresh;
    const char *revoke, *revoke_send;
    size_t n_captures;
    const char *first_capture;
};

#define BEARER "header Authorization: Bearer $access"
#define JSON_REFRESH "json {\"refresh\": \"$refresh\"}"
#define ALLAUTH "/_allauth/app/v1/"

static const struct preset_row presets[] = {
    {"simplejwt", BEARER, "POST /api/token/", "body", "json:/access", "json:/refresh", "",
     "POST /api/token/refresh/", JSON_REFRESH, "json:/access", "json:/refresh",
     "POST /api/token/blacklist/", JSON_REFRESH, 0, ""},
    {"simplejwt-cookie", "cookie access_token: $access", "POST /api/v1/users/login/", "body",
     "cookie:access_token", "cookie:refresh_token", "", "POST /api/v1/users/refresh/",
     "cookie refresh_token", "cookie:access_token", "cookie:refresh_token",
     "POST /api/v1/users/logout/", "cookie refresh_token", 1, "POST /api/v1/users/create/"},
    {"dj-rest-auth", BEARER, "POST /dj-rest-auth/login/", "body", "json:/access", "json:/refresh",
     "/user", "POST /dj-rest-auth/token/refresh/", JSON_REFRESH, "json:/access", "json:/refresh",
     "POST /dj-rest-auth/logout/", JSON_REFRESH, 1, "POST /dj-rest-auth/registration/"},
    {"dj-rest-auth-httponly", BEARER, "POST /dj-rest-auth/login/", "body",
     "json:/access cookie:jwt-auth", "cookie:jwt-refresh", "/user",
     "POST /dj-rest-auth/token/refresh/", JSON_REFRESH, "json:/access cookie:jwt-auth",
     "cookie:jwt-refresh", "POST /dj-rest-auth/logout/", "cookie jwt-refresh", 1,
     "POST /dj-rest-auth/registration/"},
    {"djoser", "header Authorization: JWT $access", "POST /auth/jwt/create/", "body",
     "json:/access", "json:/refresh", "", "POST /auth/jwt/refresh/", JSON_REFRESH, "json:/access",
     "json:/refresh", "", "none", 1, "POST /auth/users/"},
    {"allauth-headless", BEARER, "POST " ALLAUTH "auth/login", "body", "json:/meta/access_token",
     "json:/meta/refresh_token", "/data/user", "POST " ALLAUTH "tokens/refresh",
     "json {\"refresh_token\": \"$refresh\"}", "json:/data/access_token",
     "json:/data/refresh_token", "DELETE " ALLAUTH "auth/session", "none", 5,
     "POST " ALLAUTH "auth/signup"},
    {"oauth-toolkit", BEARER, "POST /o/token/",
     "form grant_type=password&username=$username&password=$password", "json:/access_token",
     "json:/refresh_token", "", "POST /o/token/",
     "form grant_type=refresh_token&refresh_token=$refresh", "json:/access_token",
     "json:/refresh_token", "POST /o/revoke_token/", "form token=$refresh", 0, ""},
};

static void each_preset_describes_its_library(void **state)
{
    for (size_t i = 0; i < sizeof presets / sizeof presets[0]; i++) {
        const struct preset_row *row = &presets[i];
        struct config c = parse_preset(*state, row->name);
        assert_string_equal(attach(&c.backend.attach), row->attach);
        assert_string_equal(call(&c.login.request), row->login);
        assert_string_equal(send_of(&c.login.send), row->login_send);
        assert_string_equal(places(&c.login.access), row->access);
        assert_string_equal(places(&c.login.refresh), row->refresh);
        assert_str(c.login.user, str_from(row->user));
        assert_string_equal(call(&c.refresh.request), row->renew);
        assert_string_equal(send_of(&c.refresh.send), row->renew_send);
        assert_string_equal(places(&c.refresh.access), row->renew_access);
        assert_string_equal(places(&c.refresh.refresh), row->renew_refresh);
        assert_string_equal(call(&c.revoke.request), row->revoke);
        assert_string_equal(send_of(&c.revoke.send), row->revoke_send);
        assert_int_equal(c.n_captures, row->n_captures);
        if (row->n_captures > 0)
            assert_string_equal(call(&c.captures[0].request), row->first_capture);
    }
}

static void a_preset_says_what_ends_a_session_and_what_a_revocation(void **state)
{
    struct config allauth = parse_preset(*state, "allauth-headless");
    assert_int_equal(allauth.refresh.dead.n_statuses, 2);
    assert_int_equal(allauth.refresh.dead.statuses[0], 400);
    assert_true(allauth.revoke.auth_access);
    assert_int_equal(allauth.revoke.success.n_statuses, 3);
    assert_int_equal(allauth.revoke.success.statuses[1], 401);
    assert_int_equal(allauth.login.success.n_statuses, 1);
    assert_string_equal(places(&allauth.pending.token), "json:/meta/session_token");
    assert_str(allauth.pending.header, STR("X-Session-Token"));
    assert_int_equal(allauth.pending.lifetime_s, 900);

    struct config oauth = parse_preset(*state, "oauth-toolkit");
    assert_int_equal(oauth.refresh.dead.n_statuses, 0);
    assert_str(oauth.refresh.dead.pointer, STR("/error"));
    assert_str(oauth.refresh.dead.value, STR("\"invalid_grant\""));
    assert_int_equal(oauth.login.access_expiry.kind, EXPIRY_SECONDS);
    assert_str(oauth.login.access_expiry.pointer, STR("/expires_in"));
    assert_int_equal(oauth.refresh.access_expiry.kind, EXPIRY_SECONDS);

    assert_true(parse_preset(*state, "simplejwt-cookie").revoke.auth_access);
}

static void what_no_preset_says_has_a_default(void **state)
{
    struct config c = parse(*state, MINIMAL);
    assert_str(c.login.name, STR("login"));
    assert_int_equal(c.login.send.kind, SEND_BODY);
    assert_int_equal(c.login.access_expiry.kind, EXPIRY_EXP);
    assert_int_equal(c.refresh.refresh_expiry.kind, EXPIRY_EXP);
    assert_int_equal(c.login.user.n, 0);
    assert_int_equal(c.n_captures, 0);
    assert_false(c.refresh.auth_access);
    assert_int_equal(c.revoke.success.n_statuses, 5);
    assert_int_equal(c.revoke.success.statuses[4], 205);
    assert_int_equal(c.backend.csrf_cookie.n, 0);
    assert_int_equal(c.client.id.n, 0);
    assert_int_equal(c.client.secret_file.n, 0);
    assert_int_equal(c.client.auth, CLIENT_BASIC);
    assert_int_equal(c.pending.token.n, 0);
    assert_str(c.pending.header, STR("X-Session-Token"));
    assert_int_equal(c.pending.lifetime_s, 900);
    assert_false(c.compat.enabled);
    assert_str(c.compat.refused, STR("{\"detail\": \"Token is invalid or expired\", "
                                     "\"code\": \"token_not_valid\"}"));
}

static void a_token_may_have_several_places(void **state)
{
    struct config c =
        parse(*state, MINIMAL "[login]\naccess = json:/a/b \tcookie:c  json:/d cookie:e\n");
    assert_string_equal(places(&c.login.access), "json:/a/b cookie:c json:/d cookie:e");
}

struct expiry_row {
    const char *text;
    enum expiry_kind kind;
    const char *pointer;
    uint32_t after_ms;
};

static void every_rule_of_expiry_is_understood(void **state)
{
    static const struct expiry_row rows[] = {
        {"exp", EXPIRY_EXP, "", 0},
        {"seconds json:/expires_in", EXPIRY_SECONDS, "/expires_in", 0},
        {"time json:/access_expiration", EXPIRY_TIME, "/access_expiration", 0},
        {"time   json:/a~1b", EXPIRY_TIME, "/a~1b", 0},
        {"max-age", EXPIRY_MAX_AGE, "", 0},
        {"after 5m", EXPIRY_AFTER, "", 300000},
        {"after 49d", EXPIRY_AFTER, "", 49u * 86400u * 1000u},
        {"after 1500ms", EXPIRY_AFTER, "", 1500},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[512];
        snprintf(text, sizeof text, MINIMAL "[login]\naccess = cookie:a\naccess_expiry = %s\n",
                 rows[i].text);
        struct config c = parse(*state, text);
        assert_int_equal(c.login.access_expiry.kind, rows[i].kind);
        assert_str(c.login.access_expiry.pointer, str_from(rows[i].pointer));
        assert_int_equal(c.login.access_expiry.after_ms, rows[i].after_ms);
    }
}

static void a_login_may_be_composed_of_fields(void **state)
{
    struct config c = parse(*state, MINIMAL
                            "[login]\nsend = json {\"email\": \"$username\", \"access\": "
                            "\"$access\", \"app\": 7}\n"
                            "[capture code]\nrequest = POST /code/\nsend = form code=$code&x=%20\n"
                            "[capture raw]\nrequest = POST /raw/\nsend = body\n");
    assert_string_equal(send_of(&c.login.send),
                        "json {\"email\": \"$username\", \"access\": \"$access\", \"app\": 7}");
    assert_string_equal(send_of(&c.captures[0].send), "form code=$code&x=%20");
    assert_string_equal(send_of(&c.captures[1].send), "body");
}

static void client_csrf_pending_and_compat_are_read(void **state)
{
    struct config c =
        parse(*state,
              MINIMAL "csrf_cookie = csrftoken\n"
                      "[client]\nid = web-app\nsecret_file = /etc/bff/client\nauth = basic\n"
                      "[pending]\ntoken = json:/meta/step cookie:step\nheader = X-Step\n"
                      "lifetime = 5m\n"
                      "[revoke]\nsuccess = json:/done=true\n"
                      "[compat]\nenabled = yes\nrefused = {\"statusCode\": 401, \"a\": \"$5\"}\n");
    assert_str(c.backend.csrf_cookie, STR("csrftoken"));
    assert_str(c.client.id, STR("web-app"));
    assert_str(c.client.secret_file, STR("/etc/bff/client"));
    assert_int_equal(c.client.auth, CLIENT_BASIC);
    assert_string_equal(places(&c.pending.token), "json:/meta/step cookie:step");
    assert_str(c.pending.header, STR("X-Step"));
    assert_int_equal(c.pending.lifetime_s, 300);
    assert_int_equal(c.revoke.success.n_statuses, 0);
    assert_str(c.revoke.success.pointer, STR("/done"));
    assert_true(c.compat.enabled);
    assert_str(c.compat.refused, STR("{\"statusCode\": 401, \"a\": \"$5\"}"));
}

/* With the client's name in a form, everything that it calls is one; the same without a secret. */
static void a_client_in_forms_needs_forms_alone(void **state)
{
    struct config c = parse(*state, MINIMAL "preset = oauth-toolkit\n[client]\nid = app\n");
    assert_int_equal(c.client.secret_file.n, 0);
    c = parse(*state, MINIMAL "preset = oauth-toolkit\n[client]\nid = app\nsecret_file = /s\n"
                              "auth = form\n[revoke]\nrequest =\nsend = cookie r\n");
    assert_int_equal(c.client.auth, CLIENT_FORM);
}

static void a_refresh_may_be_known_by_its_access_token_alone(void **state)
{
    struct config c = parse(*state, NONE "[login]\nrequest = POST /l/\naccess = json:/token\n"
                                         "[refresh]\nrequest = POST /r/\nsend = none\n"
                                         "auth = access\naccess = json:/token\n");
    assert_true(c.refresh.auth_access);
    assert_int_equal(c.login.refresh.n, 0);
}

static void a_capture_is_as_the_login_but_for_what_it_says(void **state)
{
    struct config c = parse(
        *state,
        "[capture register]\nrequest = POST /users/\n"
        "[capture guest]\nrequest = POST /guest/\naccess = json:/jwt\nrefresh =\n"
        "success = 201\naccess_expiry = after 1h\nuser =\n" NONE
        "[login]\nrequest = POST /login/\nsend = form u=$user&p=$password\n"
        "access = cookie:a json:/a\nrefresh = json:/r\naccess_expiry = max-age\n"
        "refresh_expiry = time json:/until\nuser = json:/me\nsuccess = json:/ok=true\n" REFRESH);
    assert_int_equal(c.n_captures, 2);
    const struct config_capture *same = &c.captures[0], *other = &c.captures[1];
    assert_str(same->name, STR("register"));
    assert_string_equal(call(&same->request), "POST /users/");
    assert_string_equal(send_of(&same->send), "form u=$user&p=$password");
    assert_string_equal(places(&same->access), "cookie:a json:/a");
    assert_string_equal(places(&same->refresh), "json:/r");
    assert_int_equal(same->access_expiry.kind, EXPIRY_MAX_AGE);
    assert_str(same->refresh_expiry.pointer, STR("/until"));
    assert_str(same->user, STR("/me"));
    assert_str(same->success.pointer, STR("/ok"));

    assert_str(other->name, STR("guest"));
    assert_string_equal(places(&other->access), "json:/jwt");
    assert_int_equal(other->refresh.n, 0);
    assert_int_equal(other->success.n_statuses, 1);
    assert_int_equal(other->success.statuses[0], 201);
    assert_int_equal(other->access_expiry.kind, EXPIRY_AFTER);
    assert_int_equal(other->access_expiry.after_ms, 3600000);
    assert_int_equal(other->user.n, 0);
    assert_string_equal(send_of(&other->send), "form u=$user&p=$password");
}

static void a_capture_of_the_file_overrides_the_presets_key_by_key(void **state)
{
    struct config c = parse(*state, "[capture mine]\nrequest = PUT /mine/\n"
                                    "[capture mfa]\nsuccess = 202\n"
                                    "[capture mfa]\nuser =\n" MINIMAL "preset = allauth-headless\n"
                                    "[login]\nrefresh = json:/meta/r\n");
    assert_int_equal(c.n_captures, 6);
    assert_str(c.captures[0].name, STR("mine"));
    assert_str(c.captures[1].name, STR("mfa"));
    assert_str(c.captures[2].name, STR("signup"));
    assert_str(c.captures[5].name, STR("email"));
    assert_string_equal(call(&c.captures[1].request), "POST " ALLAUTH "auth/2fa/authenticate");
    assert_int_equal(c.captures[1].success.statuses[0], 202);
    assert_int_equal(c.captures[1].user.n, 0);
    assert_string_equal(places(&c.captures[1].refresh), "json:/meta/r");
    assert_str(c.captures[2].user, STR("/data/user"));
}

/* One path under two methods is two requests. */
static void captures_may_share_a_path_under_different_methods(void **state)
{
    struct config c = parse(*state, MINIMAL "[capture a]\nrequest = POST /x/\n"
                                            "[capture b]\nrequest = PUT /x/\n"
                                            "[capture c]\nrequest = GET /api/token/\n");
    assert_int_equal(c.n_captures, 3);
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

static void a_captures_values_are_printed_with_their_origin(void **state)
{
    char *printed = print(*state, MINIMAL "preset = djoser\n[capture register]\nsuccess = 201\n"
                                          "[capture other]\nrequest = POST /o/\n");
    assert_non_null(strstr(printed, "\n[capture register]\n"
                                    "request = POST /auth/users/    ; preset djoser\n"
                                    "send = body    ; login\n"
                                    "access = json:/access    ; login\n"
                                    "refresh = json:/refresh    ; login\n"
                                    "access_expiry = exp    ; login\n"
                                    "refresh_expiry = exp    ; login\n"
                                    "user =    ; login\n"
                                    "success = 201    ; bff.conf:9\n"
                                    "\n[capture other]\n"
                                    "request = POST /o/    ; bff.conf:11\n"));
    assert_null(strstr(printed, "[capture]"));
    free(printed);
}

/* Printing puts blanks around '=', which must not make a line too long to be read again. */
static void a_line_of_full_length_is_printed_so_that_it_can_be_read(void **state)
{
    char text[1000];
    int width = CONFIG_MAX_LINE - (int)strlen("request=POST /");
    snprintf(text, sizeof text, MINIMAL "[capture long]\nrequest=POST /%0*d\n", width, 7);
    char *printed = print(*state, text);
    struct config c = parse(*state, printed);
    assert_int_equal(c.captures[0].request.path.n, width + 1);
    free(printed);
}

static char *print_nginx(struct arena *arena, const char *text)
{
    char *printed = NULL;
    size_t size = 0;
    struct config c = parse(arena, text);
    FILE *out = open_memstream(&printed, &size);
    assert_non_null(out);
    config_print_nginx(&c, "/etc/bff/bff.conf", out);
    fclose(out);
    return printed;
}

struct nginx_row {
    const char *text, *lines;
};

static void nginx_is_told_of_every_path_that_answers_with_tokens(void **state)
{
    static const struct nginx_row rows[] = {
        {MINIMAL, "\"~^[^ ]+ /api/token/blacklist([/;.]|$)\" 2; # revoke\n"
                  "\"~^[^ ]+ /api/token/refresh([/;.]|$)\" 2; # refresh\n"
                  "\"~^[^ ]+ /api/token([/;.]|$)\" 1; # login\n"},
        /* Its patterns have no end. */
        {MINIMAL "preset = djoser\n",
         "\"~^[^ ]+ /auth/jwt/refresh\" 2; # refresh\n"
         "\"~^[^ ]+ /auth/jwt/create\" 1; # login\n"
         "\"~^POST /auth/users(\\.[A-Za-z0-9]+)?/?(;|$)\" 1; # capture register\n"},
        {MINIMAL "preset = oauth-toolkit\n", "\"~^[^ ]+ /o/revoke_token([/;.]|$)\" 2; # revoke\n"
                                             "\"~^[^ ]+ /o/token([/;.]|$)\" 1; # login, refresh\n"},
        /* A capture under the login's path is in its line; its query is none of nginx's. */
        {MINIMAL "[login]\nrequest = POST /t\n[revoke]\nrequest =\n"
                 "[capture a]\nrequest = GET /t/?x=1\n[capture b]\nrequest = PUT /b\n"
                 "[capture c]\nrequest = POST /b/\n",
         "\"~^[^ ]+ /api/token/refresh([/;.]|$)\" 2; # refresh\n"
         "\"~^[^ ]+ /t([/;.]|$)\" 1; # login, capture a\n"
         "\"~^PUT /b(\\.[A-Za-z0-9]+)?/?(;|$)\" 1; # capture b\n"
         "\"~^POST /b(\\.[A-Za-z0-9]+)?/?(;|$)\" 1; # capture c\n"},
        /* Nothing ends the quotes, is a variable or an operator; and $uri is decoded. */
        {MINIMAL "[login]\nrequest = POST /a.b/$x(1)+[2]*'@:,=&!~-_\n[revoke]\nrequest =\n"
                 "[refresh]\nrequest = POST /%22%7B%20%c3%A9%7e/%24\n",
         "\"~^[^ ]+ "
         "/a\\.b/\\x24x\\x281\\x29\\x2B\\x5B2\\x5D\\x2A\\x27\\x40\\x3A\\x2C\\x3D\\x26\\x21"
         "~-_([/;.]|$)\" 1; # login\n"
         "\"~^[^ ]+ /\\x22\\x7B\\x20\\xC3\\xA9~/\\x24([/;.]|$)\" 2; # refresh\n"},
        {MINIMAL "[login]\nrequest = POST /\n[revoke]\nrequest =\n",
         "\"~^[^ ]+ /api/token/refresh([/;.]|$)\" 2; # refresh\n"
         "\"~^[^ ]+ /?(;|$)\" 1; # login\n"},
    };
    const char *head = "# Made by: bffd -c /etc/bff/bff.conf --print-nginx\n";
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *printed = print_nginx(*state, rows[i].text);
        assert_memory_equal(printed, head, strlen(head));
        assert_string_equal(printed + strlen(head), rows[i].lines);
        free(printed);
    }
}

static void a_files_name_cannot_leave_its_comment(void **state)
{
    struct config c = parse(*state, MINIMAL);
    char *printed = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&printed, &size);
    config_print_nginx(&c, "a\nb;\x01.conf", out);
    fclose(out);
    assert_non_null(strstr(printed, "# Made by: bffd -c a?b;?.conf --print-nginx\n"));
    free(printed);
}

static void the_manual_has_captures_once_and_each_presets_values(void **state)
{
    (void)state;
    char *manual = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&manual, &size);
    config_print_manual(out);
    fclose(out);
    char *captures = strstr(manual, ".Ss [capture NAME]\n");
    assert_non_null(captures);
    assert_null(strstr(captures + 1, ".Ss [capture"));
    assert_non_null(strstr(captures, ".It djoser\n.Ic [capture register] request\n"
                                     ".Ql POST /auth/users/\n"));
    assert_non_null(strstr(manual, ".It oauth\\-toolkit\n.Ql seconds json:/expires_in\n"));
    assert_non_null(strstr(manual, ".Ss [compat]\n"));
    free(manual);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(test) cmocka_unit_test_setup_teardown(test, arena_setup, arena_teardown)
        T(each_preset_describes_its_library),
        T(a_preset_says_what_ends_a_session_and_what_a_revocation),
        T(what_no_preset_says_has_a_default),
        T(a_token_may_have_several_places),
        T(every_rule_of_expiry_is_understood),
        T(a_login_may_be_composed_of_fields),
        T(client_csrf_pending_and_compat_are_read),
        T(a_client_in_forms_needs_forms_alone),
        T(a_refresh_may_be_known_by_its_access_token_alone),
        T(a_capture_is_as_the_login_but_for_what_it_says),
        T(a_capture_of_the_file_overrides_the_presets_key_by_key),
        T(captures_may_share_a_path_under_different_methods),
        T(a_captures_values_are_printed_with_their_origin),
        T(a_line_of_full_length_is_printed_so_that_it_can_be_read),
        T(nginx_is_told_of_every_path_that_answers_with_tokens),
        T(a_files_name_cannot_leave_its_comment),
        T(the_manual_has_captures_once_and_each_presets_values),
#undef T
    };
    return cmocka_run_group_tests_name("config_backend", tests, NULL, NULL);
}
