/* Values that describe the backend's dialect: calls, tokens, templates, matches. */
#include <string.h>

#include "core/config_internal.h"

#define HTTP_STATUS_DIGITS 3

static struct str from(struct str s, size_t start)
{
    return (struct str){s.p + start, s.n - start};
}

static bool is_method(struct str s)
{
    return str_eq(s, STR("GET")) || str_eq(s, STR("POST")) || str_eq(s, STR("PUT")) ||
           str_eq(s, STR("PATCH")) || str_eq(s, STR("DELETE"));
}

static unsigned digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10 : 16;
}

/* Percent-encoding (RFC 3986, 2.1) that everyone decodes alike: of no control character, and of
 * nothing that would change which segments the path has. */
static bool is_plainly_encoded(struct str path)
{
    for (size_t i = 0; i < path.n; i++) {
        if (path.p[i] != '%')
            continue;
        if (path.n - i < 3)
            return false;
        unsigned high = digit_of(path.p[i + 1]), low = digit_of(path.p[i + 2]);
        unsigned byte = high * 16 + low;
        if (high > 15 || low > 15 || byte < 0x20 || byte == 0x7F || strchr("/.\\%;?", (int)byte))
            return false;
    }
    return true;
}

/* No segment that a server takes out: nginx, curl and Django see one path. */
static bool has_plain_segments(struct str path)
{
    struct str_cut cut = {.tail = from(path, 1), .found = true};
    while (cut.found) {
        cut = str_cut(cut.tail, '/');
        if (str_eq(cut.head, STR(".")) || str_eq(cut.head, STR("..")) ||
            (cut.head.n == 0 && cut.found))
            return false;
    }
    return true;
}

/* A path with or without a query (RFC 3986, 3.3 and 3.4): what would be sent as it stands. */
static bool is_request_target(struct str s)
{
    if (!config_is_visible(s) || s.p[0] != '/')
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (strchr("\"#<>\\^`{|}", s.p[i]))
            return false;
    return true;
}

bool config_read_call(const struct config_option *option, struct str text, void *field,
                      struct config_refusal *refusal)
{
    (void)option;
    struct config_call *call = field;
    call->path = text;
    call->method = config_next_word(&call->path);
    if (!is_method(call->method) || !is_request_target(call->path))
        return false;
    struct str path = str_cut(call->path, '?').head;
    if (!str_contains(path, STR(";")) && is_plainly_encoded(path) && has_plain_segments(path))
        return true;
    refusal->why = STR("a path has no ';', no segment that is empty, '.' or '..', and no control "
                       "character and none of / . \\ % ; ? percent-encoded");
    return false;
}

static bool read_place(struct str text, struct config_place *place)
{
    if (str_starts(text, STR("json:"))) {
        *place = (struct config_place){TOKEN_IN_JSON, from(text, 5)};
        return config_is_pointer(place->name);
    }
    if (str_starts(text, STR("cookie:"))) {
        *place = (struct config_place){TOKEN_IN_COOKIE, from(text, 7)};
        return config_is_token(place->name);
    }
    return false;
}

bool config_read_token(const struct config_option *option, struct str text, void *field,
                       struct config_refusal *refusal)
{
    (void)option, (void)refusal;
    struct config_token *token = field;
    while (text.n > 0) {
        struct config_place place;
        if (token->n == CONFIG_MAX_PLACES || !read_place(config_next_word(&text), &place))
            return false;
        for (size_t i = 0; i < token->n; i++)
            if (token->places[i].place == place.place && str_eq(token->places[i].name, place.name))
                return false;
        token->places[token->n++] = place;
    }
    return token->n > 0;
}

bool config_read_pointer(const struct config_option *option, struct str text, void *field,
                         struct config_refusal *refusal)
{
    (void)option, (void)refusal;
    if (!str_starts(text, STR("json:")))
        return false;
    *(struct str *)field = from(text, 5);
    return config_is_pointer(*(struct str *)field);
}

bool config_read_expiry(const struct config_option *option, struct str text, void *field,
                        struct config_refusal *refusal)
{
    struct config_expiry *expiry = field;
    struct str rest = text, word = config_next_word(&rest);
    if (str_eq(text, STR("exp")) || str_eq(text, STR("max-age"))) {
        expiry->kind = str_eq(text, STR("exp")) ? EXPIRY_EXP : EXPIRY_MAX_AGE;
        return true;
    }
    if (str_eq(word, STR("after"))) {
        expiry->kind = EXPIRY_AFTER;
        return config_read_duration_ms(option, rest, &expiry->after_ms);
    }
    expiry->kind = str_eq(word, STR("time")) ? EXPIRY_TIME : EXPIRY_SECONDS;
    return (str_eq(word, STR("time")) || str_eq(word, STR("seconds"))) &&
           config_read_pointer(option, rest, &expiry->pointer, refusal);
}

static bool is_form_text(struct str s, bool may_hold_variables)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool is_unreserved = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                             (c >= 'A' && c <= 'Z') || strchr("-._~*+%", c);
        if (c == 0 || (!is_unreserved && !(c == '$' && may_hold_variables)))
            return false;
    }
    return true;
}

static bool is_form(struct str s)
{
    struct str_cut pair;
    do {
        pair = str_cut(s, '&');
        struct str_cut member = str_cut(pair.head, '=');
        if (!member.found || member.head.n == 0 || !is_form_text(member.head, false) ||
            !is_form_text(member.tail, true))
            return false;
        s = pair.tail;
    } while (pair.found);
    return true;
}

/* A template's text, which `form` or `json` stands before. */
static bool read_template(struct str kind, struct config_send *send, const char *why_no_json,
                          struct config_refusal *refusal)
{
    bool is_form_data = str_eq(kind, STR("form"));
    if (!is_form_data && !str_eq(kind, STR("json")))
        return false;
    send->kind = is_form_data ? SEND_FORM : SEND_JSON;
    if (is_form_data ? is_form(send->text) : config_is_json_object(send->text))
        return true;
    refusal->why = is_form_data ? STR("what follows form must be NAME=VALUE pairs with & between "
                                      "them, percent-encoded")
                                : str_from(why_no_json);
    return false;
}

bool config_read_send(const struct config_option *option, struct str text, void *field,
                      struct config_refusal *refusal)
{
    (void)option;
    struct config_send *send = field;
    send->text = text;
    struct str kind = config_next_word(&send->text);
    if (str_eq(kind, STR("none"))) {
        send->kind = SEND_NONE;
        return send->text.n == 0;
    }
    if (str_eq(kind, STR("cookie"))) {
        send->kind = SEND_COOKIE;
        return config_is_token(send->text);
    }
    if (!read_template(kind, send,
                       "what follows json must be one JSON object of plain members, with $refresh "
                       "and $access inside strings",
                       refusal))
        return false;
    struct config_variables variables = config_find_variables(send->text);
    if (variables.n_others == 0 && !variables.has_bare)
        return true;
    refusal->why = STR("a template knows $refresh and $access and no other name behind a $");
    return false;
}

bool config_read_login_send(const struct config_option *option, struct str text, void *field,
                            struct config_refusal *refusal)
{
    (void)option;
    struct config_send *send = field;
    send->text = text;
    struct str kind = config_next_word(&send->text);
    if (str_eq(kind, STR("body"))) {
        send->kind = SEND_BODY;
        return send->text.n == 0;
    }
    if (!read_template(kind, send,
                       "what follows json must be one JSON object of plain members, with variables "
                       "such as $username inside strings",
                       refusal))
        return false;
    if (!config_find_variables(send->text).has_bare)
        return true;
    refusal->why = STR("in a template the name of a field stands behind each $");
    return false;
}

/* Fields that frame the request or belong to others. */
static bool may_carry_token(struct str header)
{
    static const char *const refused[] = {
        "Host",         "Cookie",  "Connection", "Content-Length", "Transfer-Encoding",
        "TE",           "Trailer", "Expect",     "Upgrade",        "Keep-Alive",
        "Content-Type", "Origin",  "Referer",    "Range",          "Forwarded",
    };
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        if (str_eq_nocase(header, str_from(refused[i])))
            return false;
    return true;
}

static bool read_quoted(struct str text, struct str *inside)
{
    if (text.n < 2 || text.p[0] != '"' || text.p[text.n - 1] != '"')
        return false;
    *inside = (struct str){text.p + 1, text.n - 2};
    return !str_contains(*inside, STR("\"")) && !str_contains(*inside, STR("\\")) &&
           !str_contains(*inside, STR("\t")) && str_trim(*inside).n == inside->n;
}

bool config_read_attach(const struct config_option *option, struct str text, void *field,
                        struct config_refusal *refusal)
{
    (void)option;
    struct config_attach *attach = field;
    struct str rest = text, kind = config_next_word(&rest);
    if (str_eq(kind, STR("cookie"))) {
        *attach = (struct config_attach){ATTACH_COOKIE, rest, STR("$access")};
        return config_is_token(rest);
    }
    if (!str_eq(kind, STR("header")))
        return false;
    *attach = (struct config_attach){.kind = ATTACH_HEADER, .name = config_next_word(&rest)};
    if (!config_is_token(attach->name) || !read_quoted(rest, &attach->value))
        return false;
    if (!may_carry_token(attach->name)) {
        refusal->why = STR("this header has another use and cannot carry a token");
        return false;
    }
    struct config_variables variables = config_find_variables(attach->value);
    return variables.n_access == 1 && variables.n_refresh == 0 && variables.n_others == 0 &&
           !variables.has_bare;
}

bool config_read_header_name(const struct config_option *option, struct str text, void *field,
                             struct config_refusal *refusal)
{
    (void)option, (void)refusal;
    *(struct str *)field = text;
    return config_is_token(text) && may_carry_token(text);
}

bool config_read_cookie_name(const struct config_option *option, struct str text, void *field,
                             struct config_refusal *refusal)
{
    (void)option, (void)refusal;
    *(struct str *)field = text;
    return config_is_token(text);
}

bool config_read_object(const struct config_option *option, struct str text, void *field,
                        struct config_refusal *refusal)
{
    (void)option, (void)refusal;
    *(struct str *)field = text;
    return config_is_json_object(text);
}

static bool read_statuses(const struct config_option *option, struct str text,
                          struct config_match *match)
{
    while (text.n > 0) {
        struct str word = config_next_word(&text);
        uint64_t status;
        if (word.n != HTTP_STATUS_DIGITS || !str_to_u64(word, option->max, &status) ||
            status < option->min || match->n_statuses == CONFIG_MAX_STATUSES)
            return false;
        match->statuses[match->n_statuses++] = (uint16_t)status;
    }
    return match->n_statuses > 0;
}

bool config_read_match(const struct config_option *option, struct str text, void *field,
                       struct config_refusal *refusal)
{
    struct config_match *match = field;
    if (!str_starts(text, STR("json:")))
        return read_statuses(option, text, match);
    struct str_cut cut = str_cut(from(text, 5), '=');
    match->pointer = cut.head;
    match->value = cut.tail;
    if (!cut.found || !config_is_pointer(match->pointer))
        return false;
    if (config_is_json_scalar(match->value))
        return true;
    refusal->why = STR("what follows = must be a JSON value: true, false, null, an integer or a "
                       "\"string\"");
    return false;
}
