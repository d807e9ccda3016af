/*
 * The rules against cross-site requests. Input: a byte that chooses method and Sec-Fetch-Site, a
 * byte of flags, then lines: Origin, scheme, host, port, X-CSRF, and a User-Agent.
 */
#include "base/buf.h"
#include "core/csrf.h"
#include "core/device.h"
#include "fuzz.h"

#define UPGRADES 1
#define TWICE 2
#define WANTS_HEADER 4
#define OWN_LIST 8    /* the origins are configured */
#define OWN_ORIGIN 16 /* the Origin is made of scheme, host and port */

static const struct str methods[] = {
    {"GET", 3}, {"HEAD", 4},   {"OPTIONS", 7}, {"POST", 4},
    {"PUT", 3}, {"DELETE", 6}, {"get", 3},     {"", 0},
};
static const struct str sites[] = {
    {NULL, 0},          {"same-origin", 11},  {"none", 4},         {"same-site", 9},
    {"cross-site", 10}, {"same-origin ", 12}, {"Same-Origin", 11}, {"", 0},
};

static bool is_safe(const struct csrf_request *r)
{
    return (str_eq(r->method, STR("GET")) || str_eq(r->method, STR("HEAD")) ||
            str_eq(r->method, STR("OPTIONS"))) &&
           r->upgrade.n == 0;
}

/* What was let through had a reason that no foreign page can bring about. */
static void check_allowed(const struct csrf_rules *rules, const struct csrf_request *r)
{
    demand(!r->duplicated);
    if (r->sec_fetch_site.n > 0) {
        bool is_typed = str_eq(r->sec_fetch_site, STR("none"));
        demand(str_eq(r->sec_fetch_site, STR("same-origin")) || (is_typed && is_safe(r)));
    } else if (r->origin.n > 0) {
        bool is_configured = false;
        for (size_t i = 0; i < rules->origins->n; i++)
            is_configured |= str_eq(rules->origins->words[i], r->origin);
        bool is_here = rules->origins->n == 0 && r->scheme.n > 0 && r->host.n > 0 &&
                       str_starts(r->origin, r->scheme) && str_contains(r->origin, r->host);
        demand(is_configured || is_here);
    } else {
        demand(is_safe(r) || str_eq(r->x_csrf, STR("1")));
    }
}

/* "Then so are all of that kind, by any rules and at any host." */
static void check_own_read(const struct csrf_request *r)
{
    static const struct config_words none = {.n = 0}, other = {.words = {{"https://x", 9}}, .n = 1};
    const struct csrf_rules all[] = {
        {&none, false}, {&none, true}, {&other, false}, {&other, true}};
    struct csrf_request elsewhere = *r;
    elsewhere.host = STR("elsewhere.example");
    elsewhere.x_csrf = (struct str){NULL, 0};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        demand(csrf_allows(&all[i], r) && csrf_allows(&all[i], &elsewhere));
}

static void check_device(struct str user_agent)
{
    struct device device = device_of(user_agent);
    struct str browser = device_browser(device), system = device_system(device);
    demand(browser.n > 0 && browser.n < 32 && system.n < 32);
    demand(device.browser == 0 || user_agent.n >= 4);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char origin[128];
    struct str rest = {(const char *)data, size};
    uint8_t kind = take_byte(&rest), flags = take_byte(&rest);
    struct csrf_request r = {
        .method = methods[kind & 7],
        .sec_fetch_site = sites[kind >> 3 & 7],
        .upgrade = flags & UPGRADES ? STR("websocket") : (struct str){NULL, 0},
        .duplicated = flags & TWICE,
    };
    r.origin = take_line(&rest);
    r.scheme = take_line(&rest);
    r.host = take_line(&rest);
    r.port = take_line(&rest);
    r.x_csrf = take_line(&rest);
    if (flags & OWN_ORIGIN) {
        struct buf b = buf_make(origin, sizeof origin);
        buf_add(&b, r.scheme);
        buf_add(&b, STR("://"));
        buf_add(&b, r.host);
        if (r.port.n > 0)
            buf_add_char(&b, ':');
        buf_add(&b, r.port);
        r.origin = buf_str(&b);
    }
    struct config_words own = {.n = 0};
    if (flags & OWN_LIST)
        own = (struct config_words){.words = {{"https://app.example", 19}, {"null", 4}}, .n = 2};
    struct csrf_rules rules = {&own, flags & WANTS_HEADER};
    if (csrf_allows(&rules, &r))
        check_allowed(&rules, &r);
    if (csrf_is_own_read(&r))
        check_own_read(&r);
    check_device(rest);
    return 0;
}
