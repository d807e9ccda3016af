#include "doctor/lines.h"

#include "base/buf.h"

bool lines_write_place(const struct config_place *place, struct arena *arena, struct str *out)
{
    return arena_printf(arena, out, "%s%.*s",
                        place->place == TOKEN_IN_JSON ? "json:" : "cookie:", STR_ARG(place->name));
}

bool lines_write_token(const struct config_token *token, struct arena *arena, struct str *out)
{
    *out = (struct str){NULL, 0};
    for (size_t i = 0; i < token->n; i++) {
        struct str before = *out, place;
        if (!lines_write_place(&token->places[i], arena, &place) ||
            !arena_printf(arena, out, "%.*s%s%.*s", STR_ARG(before), before.n > 0 ? " " : "",
                          STR_ARG(place)))
            return false;
    }
    return true;
}

bool lines_write_expiry(const struct config_expiry *expiry, struct arena *arena, struct str *out)
{
    switch (expiry->kind) {
    case EXPIRY_EXP:
        *out = STR("exp");
        return true;
    case EXPIRY_SECONDS:
        return arena_printf(arena, out, "seconds json:%.*s", STR_ARG(expiry->pointer));
    case EXPIRY_TIME:
        return arena_printf(arena, out, "time json:%.*s", STR_ARG(expiry->pointer));
    case EXPIRY_MAX_AGE:
        *out = STR("max-age");
        return true;
    case EXPIRY_AFTER:
        if (expiry->after_ms % 1000 == 0)
            return arena_printf(arena, out, "after %us", expiry->after_ms / 1000);
        return arena_printf(arena, out, "after %ums", expiry->after_ms);
    }
    return false;
}

bool lines_write_match(const struct config_match *match, struct arena *arena, struct str *out)
{
    char memory[CONFIG_MAX_STATUSES * 4];
    struct buf b = buf_make(memory, sizeof memory);
    if (match->n_statuses == 0 && match->pointer.n > 0)
        return arena_printf(arena, out, "json:%.*s=%.*s", STR_ARG(match->pointer),
                            STR_ARG(match->value));
    for (size_t i = 0; i < match->n_statuses; i++) {
        if (i > 0)
            buf_add_char(&b, ' ');
        buf_add_i64(&b, match->statuses[i]);
    }
    return arena_copy(arena, buf_str(&b), out);
}

bool lines_write_send(const struct config_send *send, struct arena *arena, struct str *out)
{
    static const char *const kinds[] = {
        [SEND_NONE] = "none",     [SEND_JSON] = "json", [SEND_FORM] = "form",
        [SEND_COOKIE] = "cookie", [SEND_BODY] = "body",
    };
    bool is_alone = send->kind == SEND_NONE || send->kind == SEND_BODY;
    return arena_printf(arena, out, "%s%s%.*s", kinds[send->kind], is_alone ? "" : " ",
                        is_alone ? 0 : (int)send->text.n, is_alone ? "" : send->text.p);
}

bool lines_write_attach(const struct config_attach *attach, struct arena *arena, struct str *out)
{
    if (attach->kind == ATTACH_COOKIE)
        return arena_printf(arena, out, "cookie %.*s", STR_ARG(attach->name));
    return arena_printf(arena, out, "header %.*s \"%.*s\"", STR_ARG(attach->name),
                        STR_ARG(attach->value));
}

static bool write_call(const struct config_call *call, struct arena *arena, struct str *out)
{
    *out = (struct str){NULL, 0};
    return call->method.n == 0 ||
           arena_printf(arena, out, "%.*s %.*s", STR_ARG(call->method), STR_ARG(call->path));
}

static bool write_pointer(const struct str *pointer, struct arena *arena, struct str *out)
{
    *out = (struct str){NULL, 0};
    return pointer->n == 0 || arena_printf(arena, out, "json:%.*s", STR_ARG(*pointer));
}

static bool write_access(const bool *is_access, struct arena *arena, struct str *out)
{
    (void)arena;
    *out = *is_access ? STR("access") : STR("none");
    return true;
}

static bool write_word(const struct str *word, struct arena *arena, struct str *out)
{
    return arena_copy(arena, *word, out);
}

static bool write_client_auth(const enum client_auth *auth, struct arena *arena, struct str *out)
{
    (void)arena;
    *out = *auth == CLIENT_FORM ? STR("form") : STR("basic");
    return true;
}

/* section, key, field, writer; sections stand together */
#define DIALECT(X)                                                                                 \
    X("backend", "attach", backend.attach, lines_write_attach)                                     \
    X("backend", "csrf_cookie", backend.csrf_cookie, write_word)                                   \
    X("client", "id", client.id, write_word)                                                       \
    X("client", "secret_file", client.secret_file, write_word)                                     \
    X("client", "auth", client.auth, write_client_auth)                                            \
    X("login", "request", login.request, write_call)                                               \
    X("login", "send", login.send, lines_write_send)                                               \
    X("login", "access", login.access, lines_write_token)                                          \
    X("login", "access_expiry", login.access_expiry, lines_write_expiry)                           \
    X("login", "refresh", login.refresh, lines_write_token)                                        \
    X("login", "refresh_expiry", login.refresh_expiry, lines_write_expiry)                         \
    X("login", "user", login.user, write_pointer)                                                  \
    X("login", "success", login.success, lines_write_match)                                        \
    X("refresh", "request", refresh.request, write_call)                                           \
    X("refresh", "send", refresh.send, lines_write_send)                                           \
    X("refresh", "auth", refresh.auth_access, write_access)                                        \
    X("refresh", "access", refresh.access, lines_write_token)                                      \
    X("refresh", "access_expiry", refresh.access_expiry, lines_write_expiry)                       \
    X("refresh", "refresh", refresh.refresh, lines_write_token)                                    \
    X("refresh", "refresh_expiry", refresh.refresh_expiry, lines_write_expiry)                     \
    X("refresh", "dead", refresh.dead, lines_write_match)                                          \
    X("revoke", "request", revoke.request, write_call)                                             \
    X("revoke", "send", revoke.send, lines_write_send)                                             \
    X("revoke", "auth", revoke.auth_access, write_access)                                          \
    X("revoke", "success", revoke.success, lines_write_match)

bool lines_of(const struct config *config, struct arena *arena, struct lines *out)
{
    *out = (struct lines){.n = 0};
#define X(section_, key_, field, writer)                                                           \
    {                                                                                              \
        struct line *line = &out->lines[out->n++];                                                 \
        *line = (struct line){.section = STR(section_), .key = STR(key_)};                         \
        if (!writer(&config->field, arena, &line->value))                                          \
            return false;                                                                          \
    }
    DIALECT(X)
#undef X
    return true;
}

/* What says nothing about the dialect stands there only when it has to change. */
static bool is_shown(const struct line *line, const struct lines *wanted, bool differs)
{
    if (str_eq(line->key, STR("csrf_cookie")))
        return differs || line->value.n > 0;
    if (!str_eq(line->section, STR("client")))
        return true;
    for (size_t i = 0; i < wanted->n; i++)
        if (str_eq(wanted->lines[i].section, STR("client")) &&
            str_eq(wanted->lines[i].key, STR("id")))
            return wanted->lines[i].value.n > 0;
    return false;
}

void lines_print(const struct lines *wanted, const struct lines *have, FILE *out)
{
    struct str section = {NULL, 0};
    for (size_t i = 0; i < wanted->n; i++) {
        const struct line *line = &wanted->lines[i];
        struct str was = have->lines[i].value;
        bool differs = !str_eq(line->value, was);
        if (!is_shown(line, wanted, differs))
            continue;
        if (!str_eq(section, line->section))
            fprintf(out, "%s[%.*s]\n", section.n > 0 ? "\n" : "", STR_ARG(line->section));
        section = line->section;
        fprintf(out, "%.*s =%s%.*s", STR_ARG(line->key), line->value.n > 0 ? " " : "",
                STR_ARG(line->value));
        if (differs && was.n > 0)
            fprintf(out, "    ; <- was: %.*s", STR_ARG(was));
        else if (differs)
            fputs("    ; <- new", out);
        fputc('\n', out);
    }
}
