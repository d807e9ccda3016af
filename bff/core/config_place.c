/* Values that name a place or a thing: addresses, paths, words, choices. */
#include <string.h>

#include "core/config_internal.h"

#define UNIX_PATH_MAX_BYTES 107 /* sun_path, without its NUL */
#define PREFIX_MAX 32
#define REDIS_DB_MAX 65535
#define REDIS_SEEDS_MAX 8
#define REDIS_NAME_MAX 64

static struct str from(struct str s, size_t start)
{
    return (struct str){s.p + start, s.n - start};
}

static bool is_port(struct str s)
{
    uint64_t port;
    return str_to_u64(s, 65535, &port) && port > 0;
}

static bool is_made_of(struct str s, const char *others)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool is_alphanumeric =
            (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!is_alphanumeric && (c == 0 || !strchr(others, c)))
            return false;
    }
    return s.n > 0;
}

/* HOST, HOST:PORT, or with an IPv6 address in brackets. *port is empty if there is none. */
static bool cut_authority(struct str s, struct str *host, struct str *port)
{
    struct str_cut cut;
    *port = (struct str){NULL, 0};
    if (s.n > 0 && s.p[0] == '[') {
        cut = str_cut(s, ']');
        *host = from(cut.head, 1);
        if (!cut.found || !is_made_of(*host, ":.") || !str_contains(*host, STR(":")))
            return false;
        if (cut.tail.n == 0)
            return true;
        *port = from(cut.tail, 1);
        return cut.tail.p[0] == ':' && is_port(*port);
    }
    cut = str_cut(s, ':');
    *host = cut.head;
    *port = cut.tail;
    return is_made_of(*host, ".-_") && (!cut.found || is_port(cut.tail));
}

static bool is_path(struct str s)
{
    return s.n > 1 && s.p[0] == '/';
}

bool config_read_path(const struct config_option *option, struct str text, void *field,
                      struct config_refusal *refusal)
{
    (void)option, (void)refusal;
    *(struct str *)field = text;
    return is_path(text);
}

bool config_read_listen(const struct config_option *option, struct str text, void *field,
                        struct config_refusal *refusal)
{
    (void)option, (void)refusal;
    *(struct str *)field = text;
    if (str_starts(text, STR("unix:"))) {
        struct str path = from(text, 5);
        return is_path(path) && path.n <= UNIX_PATH_MAX_BYTES && config_is_visible(path);
    }
    struct str host, port;
    return cut_authority(text, &host, &port) && port.n > 0;
}

bool config_read_word(const struct config_option *option, struct str text, void *field,
                      struct config_refusal *refusal)
{
    (void)option, (void)refusal;
    *(struct str *)field = text;
    return config_is_visible(text);
}

/* Neither glob characters (SCAN) nor braces (the hash tag of a cluster). */
bool config_read_prefix(const struct config_option *option, struct str text, void *field,
                        struct config_refusal *refusal)
{
    (void)option, (void)refusal;
    *(struct str *)field = text;
    return text.n <= PREFIX_MAX && is_made_of(text, ":._-");
}

static bool is_database(struct str s)
{
    uint64_t db;
    return str_to_u64(s, REDIS_DB_MAX, &db);
}

static bool is_redis_socket(struct str path_and_query)
{
    struct str_cut cut = str_cut(path_and_query, '?');
    if (!is_path(cut.head) || cut.head.n > UNIX_PATH_MAX_BYTES || !config_is_visible(cut.head))
        return false;
    return !cut.found || (str_starts(cut.tail, STR("db=")) && is_database(from(cut.tail, 3)));
}

static bool is_redis_host(struct str rest)
{
    struct str_cut cut = str_cut(rest, '/');
    struct str host, port;
    return cut_authority(cut.head, &host, &port) && (!cut.found || is_database(cut.tail));
}

static bool is_seed_list(struct str list)
{
    struct str host, port;
    struct str_cut cut = str_cut(list, ',');
    for (size_t n = 1; n <= REDIS_SEEDS_MAX && cut_authority(cut.head, &host, &port); n++) {
        if (!cut.found)
            return true;
        cut = str_cut(cut.tail, ',');
    }
    return false;
}

/* Sentinel takes letters, digits and ".-_" for the name of a primary. */
static bool is_sentinels(struct str rest)
{
    struct str_cut list = str_cut(rest, '/');
    struct str_cut name = str_cut(list.tail, '/');
    return is_seed_list(list.head) && name.head.n <= REDIS_NAME_MAX &&
           is_made_of(name.head, ".-_") && (!name.found || is_database(name.tail));
}

bool config_read_redis_url(const struct config_option *option, struct str text, void *field,
                           struct config_refusal *refusal)
{
    (void)option;
    *(struct str *)field = text;
    if (str_contains(text, STR("@"))) {
        *refusal = (struct config_refusal){
            STR("a user or password has no place in an address: use user and password_file"), true};
        return false;
    }
    if (str_starts(text, STR("rediss://")))
        refusal->why = STR("this version does not support TLS to Redis (rediss://) yet");
    if (str_starts(text, STR("unix://")))
        return is_redis_socket(from(text, 7));
    if (str_starts(text, STR("redis+sentinel://")))
        return is_sentinels(from(text, 17));
    if (str_starts(text, STR("redis+cluster://")))
        return is_seed_list(from(text, 16));
    return str_starts(text, STR("redis://")) && is_redis_host(from(text, 8));
}

/* What follows http:// or https://; false if it starts with neither. */
static bool cut_scheme(struct str url, bool *is_https, struct str *rest)
{
    *is_https = str_starts(url, STR("https://"));
    if (!*is_https && !str_starts(url, STR("http://")))
        return false;
    *rest = from(url, *is_https ? 8 : 7);
    return true;
}

bool config_read_backend_url(const struct config_option *option, struct str text, void *field,
                             struct config_refusal *refusal)
{
    (void)option;
    struct str rest, host, port;
    bool is_https;
    *(struct str *)field = text;
    if (str_contains(text, STR("@"))) {
        *refusal =
            (struct config_refusal){STR("a user or password has no place in an address"), true};
        return false;
    }
    return cut_scheme(text, &is_https, &rest) && cut_authority(rest, &host, &port);
}

/* Browsers send an origin in lower case and without its scheme's own port (RFC 6454, 6.2), and it
 * is compared byte by byte. */
static bool is_origin(struct str text, struct config_refusal *refusal)
{
    struct str rest, host, port;
    bool is_https;
    if (!cut_scheme(text, &is_https, &rest) || !cut_authority(rest, &host, &port))
        return false;
    for (size_t i = 0; i < host.n; i++)
        if (host.p[i] >= 'A' && host.p[i] <= 'Z') {
            refusal->why = STR("browsers write an origin in lower case");
            return false;
        }
    if (str_eq(port, is_https ? STR("443") : STR("80"))) {
        refusal->why = STR("browsers write an origin without the default port");
        return false;
    }
    return port.n == 0 || port.p[0] != '0';
}

static bool add_word(struct config_words *words, size_t max, struct str word)
{
    for (size_t i = 0; i < words->n; i++)
        if (str_eq(words->words[i], word))
            return false;
    if (words->n == max)
        return false;
    words->words[words->n++] = word;
    return true;
}

_Static_assert(CONFIG_MAX_ORIGINS <= CONFIG_MAX_CLAIMS, "origins are kept in config_words");

bool config_read_origins(const struct config_option *option, struct str text, void *field,
                         struct config_refusal *refusal)
{
    (void)option;
    struct config_words *origins = field;
    while (text.n > 0) {
        struct str origin = config_next_word(&text);
        if (!is_origin(origin, refusal) || !add_word(origins, CONFIG_MAX_ORIGINS, origin))
            return false;
    }
    return true;
}

bool config_read_claims(const struct config_option *option, struct str text, void *field,
                        struct config_refusal *refusal)
{
    (void)option, (void)refusal;
    struct config_words *claims = field;
    while (text.n > 0) {
        struct str claim = config_next_word(&text);
        if (!is_made_of(claim, "_-.:/#") || !add_word(claims, CONFIG_MAX_CLAIMS, claim))
            return false;
    }
    return true;
}

bool config_read_preset(const struct config_option *option, struct str text, void *field,
                        struct config_refusal *refusal)
{
    (void)option, (void)refusal;
    *(struct str *)field = text;
    return str_eq(text, STR("none")) || config_find_preset(text);
}

/* The place of `text` in `names`; n if it is not there. */
static size_t find_name(struct str text, const char *const *names, size_t n)
{
    size_t i = 0;
    while (i < n && !str_eq(text, str_from(names[i])))
        i++;
    return i;
}

bool config_read_yes_no(const struct config_option *option, struct str text, void *field,
                        struct config_refusal *refusal)
{
    (void)option, (void)refusal;
    *(bool *)field = str_eq(text, STR("yes"));
    return *(bool *)field || str_eq(text, STR("no"));
}

bool config_read_auth(const struct config_option *option, struct str text, void *field,
                      struct config_refusal *refusal)
{
    (void)option, (void)refusal;
    *(bool *)field = str_eq(text, STR("access"));
    return *(bool *)field || str_eq(text, STR("none"));
}

bool config_read_log_level(const struct config_option *option, struct str text, void *field,
                           struct config_refusal *refusal)
{
    (void)option, (void)refusal;
    static const char *const names[] = {"debug", "info", "warn", "error"};
    size_t i = find_name(text, names, 4);
    *(enum log_level *)field = (enum log_level)i;
    return i < 4;
}

bool config_read_log_format(const struct config_option *option, struct str text, void *field,
                            struct config_refusal *refusal)
{
    (void)option, (void)refusal;
    static const char *const names[] = {"logfmt", "json"};
    size_t i = find_name(text, names, 2);
    *(enum log_format *)field = (enum log_format)i;
    return i < 2;
}

bool config_read_client_auth(const struct config_option *option, struct str text, void *field,
                             struct config_refusal *refusal)
{
    (void)option, (void)refusal;
    *(enum client_auth *)field = str_eq(text, STR("form")) ? CLIENT_FORM : CLIENT_BASIC;
    return str_eq(text, STR("form")) || str_eq(text, STR("basic"));
}
