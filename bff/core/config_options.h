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
#define CONFIG_DAYS_IN_MS(n) ((n)*24 * 60 * 60 * 1000U)
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
    X(client, "How bffd identifies itself to a backend that is an OAuth 2.0 server.")             \
    X(login, "What POST /bff/login calls, and where the tokens stand in the answer.")             \
    X(attempts, "How often somebody may guess the password of one account, "                      \
      "from however many addresses. How often one address may try, nginx limits.")                \
    X(capture, "Another path whose answer may hold tokens: "                                      \
      "registration, social sign-in, a second factor. "                                           \
      "A browser calls it as ever, bffd in its place, "                                           \
      "and the tokens become a session as those of a login do. "                                  \
      "An answer without tokens passes through.")                                                 \
    X(pending, "A secret that the backend hands out between two steps of a sign-in.")             \
    X(refresh, "How an access token is renewed, and what tells that it cannot be.")               \
    X(revoke, "What POST /bff/logout calls.")                                                     \
    X(compat, "A frontend that still believes to hold tokens.")

/* What [login] and every [capture NAME] have; a capture's row is its login's. */
#define CONFIG_LOGIN_OPTIONS(X)                                                                   \
    X(CALL, login, request, request, "", MUST_BE_GIVEN, 0, 0,                                     \
      "The path at the backend. "                                                                 \
      "Paths are exact: a trailing slash matters, and redirects are not followed.")               \
    X(LOGIN_SEND, login, send, send, "body", MUST_BE_GIVEN, 0, 0,                                 \
      "What that request carries: body is what the browser sent, as it came.")                    \
    X(TOKEN, login, access, access, "", MUST_BE_GIVEN, 0, 0,                                      \
      "Where the answer holds the access token.")                                                 \
    X(TOKEN, login, refresh, refresh, "", MAY_BE_EMPTY, 0, 0,                                     \
      "Where the answer holds the refresh token; empty if there is none.")                        \
    X(EXPIRY, login, access_expiry, access_expiry, "exp", MUST_BE_GIVEN,                          \
      CONFIG_SECONDS(1), CONFIG_DAYS_IN_MS(49), "What tells how long the access token lives.")    \
    X(EXPIRY, login, refresh_expiry, refresh_expiry, "exp", MUST_BE_GIVEN,                        \
      CONFIG_SECONDS(1), CONFIG_DAYS_IN_MS(49), "What tells how long the refresh token lives.")   \
    X(POINTER, login, user, user, "", MAY_BE_EMPTY, 0, 0,                                         \
      "An object in the answer that describes the user: "                                         \
      "its members count as claims of the access token do, for session.claims. "                  \
      "Empty if there is none.")                                                                  \
    X(MATCH, login, success, success, "200 201", MUST_BE_GIVEN, 200, 299,                         \
      "What tells that it succeeded.")

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
    X(SIZE, server, body_max, body_bytes, "64k", MUST_BE_GIVEN, CONFIG_KIB(1), CONFIG_KIB(64),     \
      "Largest body of POST /bff/login and of captures.")                                                         \
    X(PATH, server, microcache, microcache, "", MAY_BE_EMPTY, 0, 0,                               \
      "The directory of nginx's micro-cache (bff-microcache-http.conf), on a tmpfs. "             \
      "With it nginx may keep a yes for as long as microcache_time says, "                        \
      "and bffd takes it away when the session changes. Empty: nothing is kept.")                 \
    X(DURATION_S, server, microcache_time, microcache_s, "1s", MUST_BE_GIVEN, 1, 10,              \
      "How long nginx may keep a yes, and up to a second more.")                                  \
    X(YES_NO, server, sandbox, sandbox, "yes", MUST_BE_GIVEN, 0, 0,                               \
      "Whether workers give up, as soon as they run, the files and system calls "                 \
      "that they have no use for, as far as the kernel can (Landlock, seccomp). "                 \
      "no is for debuggers, sanitizers and libfaketime.")                                         \
    X(LOG_LEVEL, log, level, level, "info", MUST_BE_GIVEN, 0, 0,                                  \
      "The least important lines that are written. "                                              \
      "A call that simply passes is a line of debug: nginx' access log has it, too.")             \
    X(LOG_FORMAT, log, format, format, "logfmt", MUST_BE_GIVEN, 0, 0,                             \
      "One line for each event, in this format.")                                                 \
    X(REDIS_URL, redis, url, url, "", MUST_BE_GIVEN, 0, 0,                                        \
      "Where Redis is. "                                                                          \
      "It must not evict keys (maxmemory-policy noeviction), for each key is a session.")         \
    X(WORD, redis, user, user, "", MAY_BE_EMPTY, 0, 0,                                            \
      "The ACL user to sign in as; empty for the default user.")                                  \
    X(PATH, redis, password_file, password_file, "", MAY_BE_EMPTY, 0, 0,                          \
      "A file with the password on its first line; empty for none.")                              \
    X(WORD, redis, sentinel_user, sentinel_user, "", MAY_BE_EMPTY, 0, 0,                          \
      "The ACL user to sign in to the sentinels as; empty for the default user.")                 \
    X(PATH, redis, sentinel_password_file, sentinel_password_file, "", MAY_BE_EMPTY, 0, 0,        \
      "A file with the sentinels' password on its first line; empty for none.")                   \
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
      "A token with less life than this is refreshed in the background, by its session's share "    \
      "of three quarters of it sooner or later. "                                                   \
      "Keep it well below the life of an access token.")                                          \
    X(DURATION_S, session, touch_interval, touch_s, "60s", MUST_BE_GIVEN,                         \
      1, CONFIG_HOURS_IN_S(1),                                                                    \
      "Activity is written down at most this often, "                                             \
      "so a session may end earlier by as much.")                                                 \
    X(DURATION_MS, session, cache_ttl, cache_ms, "60s", MUST_BE_GIVEN, 0, CONFIG_SECONDS(60),     \
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
      "fills the sections that describe it, captures included; any line overrides it.")            \
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
    X(COOKIE_NAME, backend, csrf_cookie, csrf_cookie, "", MAY_BE_EMPTY, 0, 0,                     \
      "Where Django checks CSRF itself, such as with tokens in cookies: "                         \
      "the name of its cookie, usually csrftoken. "                                               \
      "bffd then sends that cookie and the header X-CSRFToken with one value of its own; "        \
      "empty for neither.")                                                                       \
    X(WORD, client, id, id, "", MAY_BE_EMPTY, 0, 0,                                               \
      "The client's id at the backend; empty where it wants none.")                               \
    X(PATH, client, secret_file, secret_file, "", MAY_BE_EMPTY, 0, 0,                             \
      "A file with the client's secret on its first line; "                                       \
      "empty for a public client, whose id goes into the form.")                                  \
    X(CLIENT_AUTH, client, auth, auth, "basic", MUST_BE_GIVEN, 0, 0,                              \
      "With basic, id and secret go into the header Authorization; "                              \
      "with form, they are fields of the form that is sent.")                                     \
    CONFIG_LOGIN_OPTIONS(X)                                                                       \
    X(CLAIMS, attempts, account, account, "username email", MAY_BE_EMPTY, 0, 0,                   \
      "Fields of the login by which it names the account; each that is there is counted. "        \
      "Upper and lower case and blanks make no difference. "                                      \
      "A login that names none counts for its address, "                                          \
      "and one that cannot be read with all others that cannot.")                                 \
    X(COUNT, attempts, failures, failures, "10", MUST_BE_GIVEN, 0, 1000000,                       \
      "Logins of one account that may fail before the first pause, "                              \
      "in which all are answered with 429; 0 counts none. "                                       \
      "One that succeeds forgets them.")                                                          \
    X(DURATION_MS, attempts, window, window_ms, "5m", MUST_BE_GIVEN,                              \
      CONFIG_SECONDS(1), CONFIG_DAYS_IN_MS(7), "How long they count, from the last one.")         \
    X(DURATION_MS, attempts, pause, pause_ms, "5s", MUST_BE_GIVEN,                                \
      CONFIG_SECONDS(1), CONFIG_MINUTES(60),                                                      \
      "The first pause; each further failure doubles it.")                                        \
    X(DURATION_MS, attempts, pause_max, pause_max_ms, "5m", MUST_BE_GIVEN,                        \
      CONFIG_SECONDS(1), CONFIG_DAYS_IN_MS(1),                                                    \
      "The longest pause. It is also how long a stranger can keep somebody from signing in "      \
      "by failing on purpose; sessions go on.")                                                   \
    X(TOKEN, pending, token, token, "", MAY_BE_EMPTY, 0, 0,                                       \
      "Where an answer without tokens holds it; empty if there is none. "                         \
      "The browser gets it sealed, in a cookie that no script reads.")                            \
    X(HEADER_NAME, pending, header, header, "X-Session-Token", MUST_BE_GIVEN, 0, 0,               \
      "The header that carries it to the backend with the next step.")                            \
    X(DURATION_S, pending, lifetime, lifetime_s, "15m", MUST_BE_GIVEN,                            \
      60, CONFIG_HOURS_IN_S(1), "How long the next step may take.")                               \
    X(CALL, refresh, request, request, "", MUST_BE_GIVEN, 0, 0, "The backend's refresh.")         \
    X(SEND, refresh, send, send, "", MUST_BE_GIVEN, 0, 0,                                         \
      "How that request carries the token.")                                                      \
    X(AUTH, refresh, auth, auth_access, "none", MUST_BE_GIVEN, 0, 0,                              \
      "With access, the call carries the old access token as API calls do.")                      \
    X(TOKEN, refresh, access, access, "", MUST_BE_GIVEN, 0, 0,                                    \
      "Where the answer holds the new access token.")                                             \
    X(TOKEN, refresh, refresh, refresh, "", MAY_BE_EMPTY, 0, 0,                                   \
      "Where the answer may hold a new refresh token; the old one is kept if it does not.")       \
    X(EXPIRY, refresh, access_expiry, access_expiry, "exp", MUST_BE_GIVEN,                        \
      CONFIG_SECONDS(1), CONFIG_DAYS_IN_MS(49),                                                   \
      "What tells how long the new access token lives.")                                          \
    X(EXPIRY, refresh, refresh_expiry, refresh_expiry, "exp", MUST_BE_GIVEN,                      \
      CONFIG_SECONDS(1), CONFIG_DAYS_IN_MS(49),                                                   \
      "What tells how long the new refresh token lives.")                                         \
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
    X(DURATION_MS, refresh, patience, patience_ms, "5s", MUST_BE_GIVEN, 0, CONFIG_SECONDS(60),    \
      "How long a request that needs a refresh waits for such a pause to end, or for a backend "  \
      "that has just gone to come back; 0s answers 503 at once. "                                 \
      "One whose own refresh has failed does not wait.")                                          \
    X(CALL, revoke, request, request, "", MAY_BE_EMPTY, 0, 0,                                     \
      "The backend's logout; empty if it has none.")                                              \
    X(SEND, revoke, send, send, "none", MUST_BE_GIVEN, 0, 0,                                      \
      "How that request carries the token.")                                                      \
    X(AUTH, revoke, auth, auth_access, "none", MUST_BE_GIVEN, 0, 0,                        \
      "With access, the call carries a live access token as API calls do, "                       \
      "after a refresh if need be.")                                                              \
    X(MATCH, revoke, success, success, "200 201 202 204 205", MUST_BE_GIVEN, 200, 499,            \
      "What tells that the backend has done so. "                                                 \
      "401 belongs here where it says that nobody is signed in any more.")                                                                         \
    X(YES_NO, compat, enabled, enabled, "no", MUST_BE_GIVEN, 0, 0,                                \
      "Answer the backend's own login, refresh and revoke paths, "                                \
      "with placeholders where tokens were, for a frontend that is used as it is. "               \
      "They look like tokens and open nothing.")                                                  \
    X(OBJECT, compat, refused, refused,                                                           \
      "{\"detail\": \"Token is invalid or expired\", \"code\": \"token_not_valid\"}",            \
      MUST_BE_GIVEN, 0, 0,                                                                        \
      "The body of each 401, in the words of the backend that the frontend looks for.")

/* clang-format on */

#endif
