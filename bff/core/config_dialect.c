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

/* A path with or without a query (RFC 3986, 3.3 and 3.4): what would be sent as it stands. */
static bool is_request_target(struct str s)
{
    if (!config_is_visible(s) || s.p[0] != '/')
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (strchr("\"#<>\\^`{|}", s.p[i]))
            return false;
    return !str_contains(s, STR("/../")) && !str_contains(s, STR("/./"));
}

bool config_read_call(const struct config_option *option, struct str text, void *field,
                      struct config_refusal *refusal)
{
    (void)option, (void)refusal;
    struct config_call *call = field;
    call->path = text;
    call->method = config_next_word(&call->path);
    return is_method(call->method) && is_request_target(call->path);
}

bool config_read_token(const struct config_option *option, struct str text, void *field,
                       struct config_refusal *refusal)
{
    (void)option, (void)refusal;
    struct config_token *token = field;
    if (str_starts(text, STR("json:"))) {
        *token = (struct config_token){TOKEN_IN_JSON, from(text, 5)};
        return config_is_pointer(token->name);
    }
    if (str_starts(text, STR("cookie:"))) {
        *token = (struct config_token){TOKEN_IN_COOKIE, from(text, 7)};
        return config_is_token(token->name);
    }
    return false;
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

static bool check_template(struct str text, bool is_well_formed, const char *why,
                           struct config_refusal *refusal)
{
    if (!is_well_formed)
        refusal->why = str_from(why);
    else if (!config_find_variables(text).known)
        refusal->why = STR("a template knows $refresh and $access and no other name behind a $");
    return refusal->why.n == 0;
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
    if (str_eq(kind, STR("json"))) {
        send->kind = SEND_JSON;
        return check_template(send->text, config_is_json_object(send->text),
                              "what follows json must be one JSON object of plain members, with "
                              "$refresh and $access inside strings",
                              refusal);
    }
    if (str_eq(kind, STR("form"))) {
        send->kind = SEND_FORM;
        return check_template(send->text, is_form(send->text),
                              "what follows form must be NAME=VALUE pairs with & between them, "
                              "percent-encoded",
                              refusal);
    }
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
    return variables.known && variables.n_access == 1 && variables.n_refresh == 0;
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
