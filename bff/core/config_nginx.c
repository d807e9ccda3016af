/* Which requests nginx hands to bffd, as the lines of a map. */
#include <ctype.h>

#include "core/config_internal.h"

#define MAX_CALLS (3 + CONFIG_MAX_CAPTURES)

/* The values in $bff_worker_path: nginx limits how often somebody may try to sign in. */
#define NGINX_SIGNS_IN 1
#define NGINX_SIGNS_NOBODY_IN 2

struct named_call {
    const struct config_call *call;
    const char *kind; /* "login", "refresh", "revoke"; "capture" with a name */
    struct str name;
    bool any_method;
    bool signs_in;
};

/*
 * The path as nginx has it in $uri, which is decoded, inside a regular expression inside double
 * quotes. What is neither letter, digit nor harmless in all three becomes \xHH, or \. for looks.
 */
static void print_path(FILE *out, struct str path)
{
    for (size_t i = 0; i < path.n; i++) {
        unsigned c = (unsigned char)path.p[i];
        if (c == '%') {
            c = (unsigned)(str_hex_digit(path.p[i + 1]) * 16 + str_hex_digit(path.p[i + 2]));
            i += 2;
        }
        bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                        (c >= '0' && c <= '9') || c == '/' || c == '-' || c == '_' || c == '~';
        if (is_plain)
            fputc((int)c, out);
        else if (c == '.')
            fputs("\\.", out);
        else
            fprintf(out, "\\x%02X", c);
    }
}

/* Does the line of `a` cover what `b` calls? */
static bool covers(const struct named_call *a, const struct named_call *b)
{
    return str_eq(config_bare_path(a->call), config_bare_path(b->call)) &&
           (a->any_method || (!b->any_method && str_eq(a->call->method, b->call->method)));
}

static void print_name(FILE *out, const struct named_call *call)
{
    fprintf(out, "%s%s%.*s", call->kind, call->name.n > 0 ? " " : "", STR_ARG(call->name));
}

static bool is_covered(const struct named_call *calls, size_t i)
{
    for (size_t j = 0; j < i; j++)
        if (covers(&calls[j], &calls[i]))
            return true;
    return false;
}

/*
 * What may follow a path and still lead Django to the same view. A format, with DRF's routers
 * (/users.json). What is below a token endpoint, where no API has anything that a page could want.
 * With djoser anything, for its patterns have no end: /jwt/createX is its login. Behind a capture's
 * path others begin, such as /users/me/ behind /users/.
 */
static const char *ending(const struct config *config, const struct named_call *call)
{
    if (config_bare_path(call->call).n == 0)
        return "/?(;|$)";
    if (!call->any_method)
        return "(\\.[A-Za-z0-9]+)?/?(;|$)";
    return str_eq(config->backend.preset, STR("djoser")) ? "" : "([/;.]|$)";
}

/* The first expression that matches counts, and /token matches what is for /token/refresh. */
static void sort_longest_first(struct named_call *calls, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        struct named_call moving = calls[i];
        size_t at = i;
        for (; at > 0 && config_bare_path(calls[at - 1].call).n < config_bare_path(moving.call).n;
             at--)
            calls[at] = calls[at - 1];
        calls[at] = moving;
    }
}

/* One line for all that it covers. */
static void print_line(FILE *out, const struct config *config, const struct named_call *calls,
                       size_t n, size_t i)
{
    bool signs_in = calls[i].signs_in;
    for (size_t j = i + 1; j < n; j++)
        signs_in |= calls[j].signs_in && covers(&calls[i], &calls[j]);
    fprintf(out, "\"~^%.*s ", STR_ARG(calls[i].any_method ? STR("[^ ]+") : calls[i].call->method));
    print_path(out, config_bare_path(calls[i].call));
    fprintf(out, "%s\" %d; # ", ending(config, &calls[i]),
            signs_in ? NGINX_SIGNS_IN : NGINX_SIGNS_NOBODY_IN);
    print_name(out, &calls[i]);
    for (size_t j = i + 1; j < n; j++)
        if (covers(&calls[i], &calls[j])) {
            fputs(", ", out);
            print_name(out, &calls[j]);
        }
    fputc('\n', out);
}

void config_print_nginx(const struct config *config, const char *name, FILE *out)
{
    struct named_call calls[MAX_CALLS] = {
        {&config->login.request, "login", {NULL, 0}, true, true},
        {&config->refresh.request, "refresh", {NULL, 0}, true, false},
    };
    size_t n = 2;
    if (config->revoke.request.method.n > 0)
        calls[n++] = (struct named_call){&config->revoke.request, "revoke", {NULL, 0}, true, false};
    for (size_t i = 0; i < config->n_captures; i++)
        calls[n++] = (struct named_call){&config->captures[i].request, "capture",
                                         config->captures[i].name, false, true};
    sort_longest_first(calls, n);
    fputs("# Made by: bffd -c ", out);
    for (const char *c = name; *c; c++)
        fputc(isprint((unsigned char)*c) ? *c : '?', out);
    fputs(" --print-nginx\n", out);
    for (size_t i = 0; i < n; i++)
        if (!is_covered(calls, i))
            print_line(out, config, calls, n, i);
}
