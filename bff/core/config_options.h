/*
 * The table: one row for each key of bff.conf. Defaults, parsing, ranges, --print-config and the
 * OPTIONS section of bff.conf(5) all come from it, so a key without help cannot exist.
 *
 * X(KIND, section, key, field of struct config's section, default, empty, min, max, help)
 *   KIND      how a value is read and what is allowed (CONFIG_KINDS in config_internal.h)
 *   default   as it would stand in a file; "" with MUST_BE_GIVEN makes the key required
 *   empty     MAY_BE_EMPTY: no value means "none", and the field stays zero
 *   min, max  in the field's unit; 0, 0 where the kind has no range
 */
#ifndef BFF_CORE_CONFIG_OPTIONS_H
#define BFF_CORE_CONFIG_OPTIONS_H

enum config_emptiness { MUST_BE_GIVEN, MAY_BE_EMPTY };

#define CONFIG_SECONDS(n) ((n)*1000)
#define CONFIG_MINUTES(n) ((n)*60 * 1000)
#define CONFIG_HOURS_IN_S(n) ((n)*60 * 60)
#define CONFIG_DAYS_IN_S(n) ((n)*24 * 60 * 60)
#define CONFIG_KIB(n) ((n)*1024)
#define CONFIG_MIB(n) ((n)*1024 * 1024)

/* clang-format off */

/* section, what it is about */
#define CONFIG_SECTIONS(X)                                                                        \
    X(server, "The processes and the socket that nginx connects to.")                             \
    X(log, "What is written to standard error.")                                                  \
    X(redis, "The store of the sessions.")                                                        \
    X(session, "How long sessions last and what the page may know of them.")                      \
    X(csrf, "Which requests count as the site's own.")                                            \
    X(backend, "The Django project and how API calls carry the access token to it.")              \
    X(login, "What POST /bff/login calls, and where the tokens stand in the answer.")             \
    X(refresh, "How an access token is renewed, and what tells that it cannot be.")               \
    X(revoke, "What POST /bff/logout calls.")

#define CONFIG_OPTIONS(X)                                                                         \
    X(LISTEN, server, listen, listen, "unix:/run/bff/bff.sock", MUST_BE_GIVEN, 0, 0,              \
      "Where nginx connects to. "                                                                 \
      "A socket that systemd hands over takes its place.")                                        \
    X(MODE, server, socket_mode, socket_mode, "0660", MUST_BE_GIVEN, 0600, 0777,                  \
      "Permissions of the unix socket. "                                                          \
      "nginx needs to write to it, nobody else should.")                                          \
    X(WORKERS, server, workers, workers, "auto", MUST_BE_GIVEN, 1, 256,                           \
      "Worker processes; auto is one for each processor.")                                        \
    X(PATH, server, key_file, key_file, "", MUST_BE_GIVEN, 0, 0,                                  \
      "The keys that seal what is stored, one on each line; the first seals, all of them open. "  \
      "'bffd keygen' prints one.")                                                                \
    X(COUNT, server, io_threads, io_threads, "8", MUST_BE_GIVEN, 1, 256,                          \
      "Threads in each worker that talk to Redis and Django.")                                    \
    X(COUNT, server, io_queue, io_queue, "256", MUST_BE_GIVEN, 1, 65536,                          \
      "Requests that may wait for such a thread, in each worker; one more is answered with 503.") \
    X(COUNT, server, connections, connections, "4096", MUST_BE_GIVEN, 1, 65536,                   \
      "FastCGI connections of each worker.")                                                      \
    X(COUNT, server, parked, parked, "4096", MUST_BE_GIVEN, 1, 65536,                             \
      "Requests that may wait for a refresh, in each worker; one more is answered with 503.")     \
    X(DURATION_MS, server, park_timeout, park_ms, "10s", MUST_BE_GIVEN,                           \
      CONFIG_SECONDS(1), CONFIG_MINUTES(5),                                                       \
      "How long a request may wait for a refresh before it is answered with 503. "                \
      "Keep it below nginx's fastcgi_read_timeout.")                                              \
    X(DURATION_MS, server, read_timeout, read_ms, "1s", MUST_BE_GIVEN,                            \
      100, CONFIG_SECONDS(60),                                                                    \
      "How long the rest of a half-sent FastCGI request is waited for.")                          \
    X(DURATION_MS, server, idle_timeout, idle_ms, "75s", MUST_BE_GIVEN,                           \
      CONFIG_SECONDS(1), CONFIG_MINUTES(60),                                                      \
      "An idle FastCGI connection is closed after this.")                                         \
    X(DURATION_MS, server, drain_timeout, drain_ms, "30s", MUST_BE_GIVEN,                         \
      CONFIG_SECONDS(1), CONFIG_MINUTES(10),                                                      \
      "How long requests in flight may take to finish after SIGTERM or SIGHUP. "                  \
      "A refresh that is cut off here can cost a session.")                                       \
    X(SIZE, server, body_max, body_bytes, "64k", MUST_BE_GIVEN, CONFIG_KIB(1), CONFIG_MIB(1),     \
      "Largest body of POST /bff/login.")                                                         \
    X(LOG_LEVEL, log, level, level, "info", MUST_BE_GIVEN, 0, 0,                                  \
      "The least important lines that are written.")                                              \
    X(LOG_FORMAT, log, format, format, "logfmt", MUST_BE_GIVEN, 0, 0,                             \
      "One line for each event, in this format.")                                                 \
    X(REDIS_URL, redis, url, url, "", MUST_BE_GIVEN, 0, 0,                                        \
      "Where Redis is. "                                                                          \
      "It must not evict keys (maxmemory-policy noeviction), for each key is a session.")         \
    X(WORD, redis, user, user, "", MAY_BE_EMPTY, 0, 0,                                            \
      "The ACL user to sign in as; empty for the default user.")                                  \
    X(PATH, redis, password_file, password_file, "", MAY_BE_EMPTY, 0, 0,                          \
      "A file with the password on its first line; empty for none.")                              \
    X(PREFIX, redis, prefix, prefix, "bff:", MUST_BE_GIVEN, 0, 0,                                 \
      "Starts the name of every key.")                                                            \
    X(DURATION_MS, redis, connect_timeout, connect_ms, "1s", MUST_BE_GIVEN,                       \
      10, CONFIG_SECONDS(30), "How long connecting to Redis may take.")                           \
    X(DURATION_MS, redis, command_timeout, command_ms, "2s", MUST_BE_GIVEN,                       \
      10, CONFIG_SECONDS(60), "How long Redis may take to answer a command.")                     \
    X(DURATION_S, session, idle_timeout, idle_s, "12h", MUST_BE_GIVEN, 60, CONFIG_DAYS_IN_S(30),  \
      "Inactivity after which a session ends.")                                                   \
    X(DURATION_S, session, absolute_timeout, absolute_s, "14d", MUST_BE_GIVEN,                    \
      60, CONFIG_DAYS_IN_S(365), "Age at which a session ends, however active.")                  \
    X(DURATION_S, session, refresh_ahead, refresh_ahead_s, "30s", MUST_BE_GIVEN,                  \
      0, CONFIG_HOURS_IN_S(1),                                                                    \
      "A token with less life than this is refreshed in the background. "                         \
      "Keep it well below the life of an access token.")                                          \
    X(DURATION_S, session, touch_interval, touch_s, "60s", MUST_BE_GIVEN,                         \
      1, CONFIG_HOURS_IN_S(1),                                                                    \
      "Activity is written down at most this often, "                                             \
      "so a session may end earlier by as much.")                                                 \
    X(DURATION_MS, session, cache_ttl, cache_ms, "10s", MUST_BE_GIVEN, 0, CONFIG_SECONDS(60),     \
      "How long a worker may use what it has read from Redis; 0s turns its cache off. "           \
      "Redis announces changes at once, so this is the limit, not the rule.")                     \
    X(SIZE, session, cache_size, cache_bytes, "16m", MUST_BE_GIVEN,                               \
      CONFIG_KIB(64), CONFIG_MIB(1024), "Memory for the cache of one worker.")                    \
    X(CLAIMS, session, claims, claims, "user_id username email name", MAY_BE_EMPTY, 0, 0,         \
      "Claims of the access token that GET /bff/session shows as 'user', where they are there.")  \
    X(ORIGINS, csrf, origins, origins, "", MAY_BE_EMPTY, 0, 0,                                    \
      "The site's own origins; empty for the scheme, host and port that nginx was asked for.")    \
    X(YES_NO, csrf, require_header, require_header, "no", MUST_BE_GIVEN, 0, 0,                    \
      "Require the header 'X-CSRF: 1' of every unsafe request.")                                  \
    X(BACKEND_URL, backend, url, url, "", MUST_BE_GIVEN, 0, 0,                                    \
      "Where Django is, for login, refresh and revocation. "                                      \
      "API calls go there by nginx's own configuration.")                                         \
    X(PRESET, backend, preset, preset, "simplejwt", MUST_BE_GIVEN, 0, 0,                          \
      "The library that issues the tokens: "                                                      \
      "fills the backend, login, refresh and revoke sections; any line overrides it.")            \
    X(ATTACH, backend, attach, attach, "header Authorization \"Bearer $access\"", MUST_BE_GIVEN,  \
      0, 0, "How an API call carries the access token.")                                          \
    X(DURATION_MS, backend, connect_timeout, connect_ms, "3s", MUST_BE_GIVEN,                     \
      10, CONFIG_SECONDS(60), "How long connecting to Django may take.")                          \
    X(DURATION_MS, backend, timeout, answer_ms, "10s", MUST_BE_GIVEN,                             \
      100, CONFIG_MINUTES(2),                                                                     \
      "How long a login, refresh or revocation may take, connecting included.")                   \
    X(SIZE, backend, answer_max, answer_bytes, "1m", MUST_BE_GIVEN,                               \
      CONFIG_KIB(1), CONFIG_MIB(16), "Largest answer that is read from these calls.")             \
    X(PATH, backend, ca_file, ca_file, "", MAY_BE_EMPTY, 0, 0,                                    \
      "Certificates (PEM) that an https backend is checked against; empty for the system's.")     \
    X(CALL, login, request, request, "", MUST_BE_GIVEN, 0, 0,                                     \
      "The backend's login. "                                                                     \
      "Paths are exact: a trailing slash matters, and redirects are not followed.")               \
    X(TOKEN, login, access, access, "", MUST_BE_GIVEN, 0, 0,                                      \
      "Where the answer holds the access token.")                                                 \
    X(TOKEN, login, refresh, refresh, "", MAY_BE_EMPTY, 0, 0,                                     \
      "Where the answer holds the refresh token; empty if there is none.")                        \
    X(MATCH, login, success, success, "200 201", MUST_BE_GIVEN, 200, 299,                         \
      "What tells that a login succeeded.")                                                       \
    X(CALL, refresh, request, request, "", MUST_BE_GIVEN, 0, 0, "The backend's refresh.")         \
    X(SEND, refresh, send, send, "", MUST_BE_GIVEN, 0, 0,                                         \
      "How that request carries the token.")                                                      \
    X(TOKEN, refresh, access, access, "", MUST_BE_GIVEN, 0, 0,                                    \
      "Where the answer holds the new access token.")                                             \
    X(TOKEN, refresh, refresh, refresh, "", MAY_BE_EMPTY, 0, 0,                                   \
      "Where the answer may hold a new refresh token; the old one is kept if it does not.")       \
    X(MATCH, refresh, dead, dead, "401", MUST_BE_GIVEN, 400, 499,                                 \
      "What tells that the refresh token is dead, which ends the session. "                       \
      "Any other failure is an outage and ends none.")                                            \
    X(DURATION_MS, refresh, lease, lease_ms, "20s", MUST_BE_GIVEN,                                \
      CONFIG_SECONDS(1), CONFIG_MINUTES(10),                                                      \
      "How long one worker may be the only one to refresh a session. "                            \
      "It must outlast a slow refresh, for a second one at the same time loses the session.")     \
    X(DURATION_MS, refresh, grace, grace_ms, "5s", MUST_BE_GIVEN, 0, CONFIG_SECONDS(60),          \
      "How long a rejection waits for the late success of a worker that held the lease before.")  \
    X(DURATION_MS, refresh, backoff_min, backoff_min_ms, "1s", MUST_BE_GIVEN,                     \
      10, CONFIG_SECONDS(60),                                                                     \
      "The pause after the first refresh that failed; each further one doubles it.")              \
    X(DURATION_MS, refresh, backoff_max, backoff_max_ms, "30s", MUST_BE_GIVEN,                    \
      100, CONFIG_MINUTES(10), "The longest such pause.")                                         \
    X(CALL, revoke, request, request, "", MAY_BE_EMPTY, 0, 0,                                     \
      "The backend's logout; empty if it has none.")                                              \
    X(SEND, revoke, send, send, "none", MUST_BE_GIVEN, 0, 0,                                      \
      "How that request carries the token.")                                                      \
    X(REVOKE_AUTH, revoke, auth, auth_access, "none", MUST_BE_GIVEN, 0, 0,                        \
      "With access, the call carries a live access token as API calls do, "                       \
      "after a refresh if need be.")

/* clang-format on */

#endif
