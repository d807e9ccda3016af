/* What no single row can know: values that cannot work together. */
#include "core/config_internal.h"

static uint64_t in_ms(const struct config *config, enum config_id id)
{
    uint32_t value = *(const uint32_t *)((const char *)config + config_options[id].offset);
    return config_options[id].kind == KIND_DURATION_S ? (uint64_t)value * 1000 : value;
}

unsigned config_line_of(const struct config_reading *reading, enum config_id a, enum config_id b)
{
    if (reading->raw[a].origin == FROM_FILE)
        return reading->raw[a].line;
    return reading->raw[b].origin == FROM_FILE ? reading->raw[b].line : 0;
}

enum relation { AT_MOST, BELOW };

struct pair_rule {
    enum config_id a;
    enum relation relation;
    enum config_id b;
    const char *why;
};

static const struct pair_rule pair_rules[] = {
    {OPTION_session_idle_timeout, AT_MOST, OPTION_session_absolute_timeout,
     "a session cannot be idle for longer than it lasts"},
    {OPTION_session_touch_interval, BELOW, OPTION_session_idle_timeout,
     "a session in use would end before its activity is written down"},
    {OPTION_session_refresh_ahead, BELOW, OPTION_session_idle_timeout,
     "it belongs well below the life of an access token"},
    {OPTION_backend_connect_timeout, AT_MOST, OPTION_backend_timeout,
     "connecting is a part of the call"},
    {OPTION_attempts_pause, AT_MOST, OPTION_attempts_pause_max,
     "the first pause cannot be above the longest"},
    {OPTION_refresh_backoff_min, AT_MOST, OPTION_refresh_backoff_max,
     "the shortest pause cannot be above the longest"},
};

static bool check_pairs(struct config_reading *reading, const struct config *config)
{
    for (size_t i = 0; i < sizeof pair_rules / sizeof pair_rules[0]; i++) {
        const struct pair_rule *rule = &pair_rules[i];
        uint64_t a = in_ms(config, rule->a), b = in_ms(config, rule->b);
        if (rule->relation == AT_MOST ? a <= b : a < b)
            continue;
        return config_refuse(reading, config_line_of(reading, rule->a, rule->b),
                             SETTING_FORMAT " must be %s " SETTING_FORMAT ": %s",
                             SETTING_ARGS(rule->a), rule->relation == AT_MOST ? "at most" : "below",
                             SETTING_ARGS(rule->b), rule->why);
    }
    return true;
}

/* A refresh is BEGIN in Redis, the backend's call, COMMIT in Redis. Were the lease over before, a
 * second worker would spend the same refresh token, and one of the two successors is lost. */
static bool check_lease(struct config_reading *reading, const struct config *config)
{
    uint64_t slowest = (uint64_t)config->backend.answer_ms + 2 * (uint64_t)config->redis.command_ms;
    if (config->refresh.lease_ms >= slowest)
        return true;
    enum config_id longer = reading->raw[OPTION_backend_timeout].origin == FROM_FILE
                                ? OPTION_backend_timeout
                                : OPTION_redis_command_timeout;
    return config_refuse(reading, config_line_of(reading, OPTION_refresh_lease, longer),
                         SETTING_FORMAT " must be at least " SETTING_FORMAT
                                        " and twice " SETTING_FORMAT
                                        ": a lease shorter than a slow refresh loses sessions",
                         SETTING_ARGS(OPTION_refresh_lease), SETTING_ARGS(OPTION_backend_timeout),
                         SETTING_ARGS(OPTION_redis_command_timeout));
}

static bool check_credentials(struct config_reading *reading, struct str name, enum config_id user,
                              struct str file, enum config_id password_file)
{
    if (name.n == 0 || file.n > 0)
        return true;
    return config_refuse(reading, config_line_of(reading, user, user),
                         KEY_FORMAT " needs " KEY_FORMAT, KEY_ARGS(user), KEY_ARGS(password_file));
}

static bool check_redis(struct config_reading *reading, const struct config *config)
{
    bool has_sentinels = str_starts(config->redis.url, STR("redis+sentinel://"));
    if (!has_sentinels && config->redis.sentinel_password_file.n > 0)
        return config_refuse(reading,
                             config_line_of(reading, OPTION_redis_sentinel_password_file,
                                            OPTION_redis_sentinel_password_file),
                             KEY_FORMAT " is given, but " KEY_FORMAT " names no sentinels",
                             KEY_ARGS(OPTION_redis_sentinel_password_file),
                             KEY_ARGS(OPTION_redis_url));
    return check_credentials(reading, config->redis.user, OPTION_redis_user,
                             config->redis.password_file, OPTION_redis_password_file) &&
           check_credentials(reading, config->redis.sentinel_user, OPTION_redis_sentinel_user,
                             config->redis.sentinel_password_file,
                             OPTION_redis_sentinel_password_file);
}

/* Only what Redis would tell us of when it changes may be handed out to be kept. */
static bool check_microcache(struct config_reading *reading, const struct config *config)
{
    if (config->server.microcache.n == 0)
        return true;
    if (config->session.cache_ms == 0)
        return config_refuse(
            reading, config_line_of(reading, OPTION_server_microcache, OPTION_session_cache_ttl),
            KEY_FORMAT " needs " KEY_FORMAT " above 0s", KEY_ARGS(OPTION_server_microcache),
            KEY_ARGS(OPTION_session_cache_ttl));
    if (str_starts(config->redis.url, STR("redis+cluster://")))
        return config_refuse(
            reading, config_line_of(reading, OPTION_server_microcache, OPTION_redis_url),
            KEY_FORMAT " cannot be used with a cluster, in which sessions are not cached",
            KEY_ARGS(OPTION_server_microcache));
    return true;
}

bool config_check_all(struct config_reading *reading, const struct config *config)
{
    return check_pairs(reading, config) && check_lease(reading, config) &&
           config_check_backend(reading, config) && check_redis(reading, config) &&
           check_microcache(reading, config);
}
