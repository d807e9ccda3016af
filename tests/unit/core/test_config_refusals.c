/* Every file that is refused, with the sentence that whoever wrote it reads. */
#include <stdlib.h>

#include "config_refusal.h"

static void what_is_in_a_cluster_is_not_kept(void **state)
{
    (void)state;
    static const struct refusal rows[] = {
        {"[server]\nkey_file = /etc/bff/key\nmicrocache = /run/bff-microcache\n"
         "[redis]\nurl = redis+cluster://a:6379\n[backend]\nurl = http://127.0.0.1:8000\n",
         "bff.conf:3: server.microcache cannot be used with a cluster, in which sessions are not "
         "cached"},
    };
    EXPECT_ALL(rows);
}

static void syntax_that_would_be_read_otherwise_than_it_looks_is_refused(void **state)
{
    (void)state;
    static const struct refusal rows[] = {
        {GOOD "[log]\nlevel = info\n  and more\n",
         "bff.conf:10: this line is indented: a value cannot continue on a second line, and a key "
         "starts in the first column"},
        {GOOD "[log]\n\tlevel = info\n",
         "bff.conf:9: this line is indented: a value cannot continue on a second line, and a key "
         "starts in the first column"},
        {GOOD "[log]\nlevel info\n", "bff.conf:9: this is no line of the form: key = value"},
        {GOOD "[log]\nlevel: info\n", "bff.conf:9: this is no line of the form: key = value"},
        {GOOD "[log]\n= info\n", "bff.conf:9: this is no line of the form: key = value"},
        {GOOD "[log]\nlevel = info # not a comment\n",
         "bff.conf:9: a comment behind a value starts with ';', not with '#'"},
        {GOOD "[server]\nmicrocache =#not a comment\n",
         "bff.conf:9: a comment behind a value starts with ';', not with '#'"},
        {GOOD "[backend]\nattach = header X-A \"a ; $access\"\n",
         "bff.conf:9: inside quotes a blank may not stand before a ';': what follows would be "
         "taken for a comment"},
        {GOOD "[redis]\nuser = \"bff\npassword_file = /p\n",
         "bff.conf:9: a double quote in this line has no partner"},
        {GOOD "[log] level = info\n",
         "bff.conf:8: a section is its name in brackets and nothing else, such as [server]"},
        {GOOD "[log\n",
         "bff.conf:8: a section is its name in brackets and nothing else, such as [server]"},
        {GOOD "[log]\nlevel = caf\xc3"
              "\xa9"
              "\n",
         "bff.conf:9: only printable ASCII may stand outside of comments"},
        {GOOD "[log]\nlevel = info\x01"
              "\n",
         "bff.conf:9: only printable ASCII may stand outside of comments"},
        {"level = info\n",
         "bff.conf:1: a key stands below the name of its section, such as [server]"},
        {GOOD "[log]\nlevel = "
              "iiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiii"
              "iiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiii"
              "iiiiiiiiiiiiiiiiiiiiii\n",
         "bff.conf:9: this line is too long: 197 bytes are allowed before the comment"},
    };
    EXPECT_ALL(rows);
}

static void unknown_names_are_refused_with_the_nearest_known_one(void **state)
{
    (void)state;
    static const struct refusal rows[] = {
        {GOOD "[sesion]\n",
         "bff.conf:8: [sesion]: there is no such section; did you mean [session]?"},
        {GOOD "[nonsense]\nlevel = info\n",
         "bff.conf:8: [nonsense]: there is no such section; there are [server] [log] [redis] "
         "[session] [csrf] [backend] [client] [login] [attempts] [capture NAME] [pending] "
         "[refresh] [revoke] "
         "[compat]"},
        {GOOD "[]\n",
         "bff.conf:8: []: there is no such section; there are [server] [log] [redis] "
         "[session] [csrf] [backend] [client] [login] [attempts] [capture NAME] [pending] "
         "[refresh] [revoke] [compat]"},
        {GOOD "[Log]\n", "bff.conf:8: [Log]: there is no such section; did you mean [log]?"},
        {GOOD "[captures register]\nrequest = POST /x/\n",
         "bff.conf:8: [captures register]: there is no such section; did you mean [capture NAME]?"},
        {GOOD "[capture\tregister]\nrequest = POST /x/\n",
         "bff.conf:8: [capture\tregister]: there is no such section; did you mean [capture NAME]?"},
        {GOOD "[capture register]\nrequest = POST /x/\nacess = json:/a\n",
         "bff.conf:10: capture register.acess: there is no such key; did you mean access?"},
        {GOOD "[capture register]\nlease = 20s\n",
         "bff.conf:9: capture register.lease: there is no such key; it belongs to [refresh]"},
        {GOOD "[capture register]\ncolour = red\n",
         "bff.conf:9: capture register.colour: there is no such key; [capture register] has "
         "request send access refresh access_expiry refresh_expiry user success"},
        {GOOD "[session]\nidle_timout = 1h\n",
         "bff.conf:9: session.idle_timout: there is no such key; did you mean idle_timeout?"},
        {GOOD "[session]\nidle = 1h\n",
         "bff.conf:9: session.idle: there is no such key; did you mean idle_timeout?"},
        {GOOD "[session]\nkey_file = /x\n",
         "bff.conf:9: session.key_file: there is no such key; it belongs to [server]"},
        {GOOD "[log]\ncolour = red\n",
         "bff.conf:9: log.colour: there is no such key; [log] has level format"},
        {GOOD "[log]\nLevel = info\n",
         "bff.conf:9: log.Level: there is no such key; did you mean level?"},
        {GOOD "[server]\nkeyfile = /x\n",
         "bff.conf:9: server.keyfile: there is no such key; did you mean key_file?"},
    };
    EXPECT_ALL(rows);
}

static void a_key_may_stand_once(void **state)
{
    (void)state;
    static const struct refusal rows[] = {
        {GOOD "[log]\nlevel = info\nlevel = warn\n",
         "bff.conf:10: log.level: this key stands in line 9 already"},
        {GOOD "[server]\nkey_file = /x\n",
         "bff.conf:9: server.key_file: this key stands in line 2 already"},
        {GOOD "[capture a]\nrequest = POST /x/\n[capture b]\nrequest = POST /y/\n"
              "[capture a]\nrequest = POST /x/\n",
         "bff.conf:13: capture a.request: this key stands in line 9 already"},
    };
    EXPECT_ALL(rows);
}

static void what_has_no_default_must_be_given(void **state)
{
    (void)state;
    static const struct refusal rows[] = {
        {"",
         "bff.conf: server.key_file is missing: an absolute path. The keys that seal what is "
         "stored, one on each line; the first seals, all of them open. 'bffd keygen' prints one."},
        {"[server]\nkey_file =\n",
         "bff.conf:2: server.key_file: \"\" is not allowed: an absolute path"},
        {"[server]\nkey_file = /k\n",
         "bff.conf: redis.url is missing: redis://HOST[:PORT][/DB], unix:///PATH[?db=DB], "
         "redis+sentinel://HOST[:PORT],.../NAME[/DB] or redis+cluster://HOST[:PORT],.... Where "
         "Redis is. It must not evict keys (maxmemory-policy noeviction), for each key is a "
         "session."},
        {"[server]\nkey_file = /k\n[redis]\nurl = redis://localhost\n",
         "bff.conf: backend.url is missing: http://HOST[:PORT] or https://HOST[:PORT], with "
         "nothing after it. Where Django is, for login, refresh and revocation. API calls go there "
         "by nginx's own configuration."},
        {GOOD "[backend]\npreset = none\n",
         "bff.conf: login.request is missing: GET, POST, PUT, PATCH or DELETE, a blank and a path, "
         "such as POST /api/token/. The path at the backend. Paths are exact: a trailing slash "
         "matters, and redirects are not followed."},
        {GOOD "[backend]\npreset = none\n[login]\nrequest = POST /l/\naccess = "
              "json:/a\n[refresh]\nrequest = POST /r/\naccess = json:/a\n",
         "bff.conf: refresh.send is missing: json OBJECT, form NAME=VALUE&..., cookie NAME, or "
         "none; $refresh and $access stand for the tokens. How that request carries the token."},
        {GOOD "[capture register]\n",
         "bff.conf:8: capture register.request is missing: GET, POST, PUT, PATCH or DELETE, a "
         "blank "
         "and a path, such as POST /api/token/. The path at the backend. Paths are exact: a "
         "trailing slash matters, and redirects are not followed."},
        {GOOD "[capture register]\nrequest = POST /x/\naccess =\n",
         "bff.conf:10: capture register.access: \"\" is not allowed: json:/POINTER (RFC 6901) or "
         "cookie:NAME, or at most 4 different ones in the order in which they are looked at, with "
         "blanks between them"},
    };
    EXPECT_ALL(rows);
}

static void numbers_and_durations_outside_of_their_range_are_refused(void **state)
{
    (void)state;
    static const struct refusal rows[] = {
        {GOOD "[session]\nidle_timeout = 5\n", "bff.conf:9: session.idle_timeout: \"5\" is not "
                                               "allowed: a duration from 60s to 30d, such as 12h"},
        {GOOD "[session]\nidle_timeout = 59s\n",
         "bff.conf:9: session.idle_timeout: \"59s\" is not allowed: a duration from 60s to 30d, "
         "such as 12h"},
        {GOOD "[session]\nidle_timeout = 31d\n",
         "bff.conf:9: session.idle_timeout: \"31d\" is not allowed: a duration from 60s to 30d, "
         "such as 12h"},
        {GOOD "[session]\nidle_timeout = -1h\n",
         "bff.conf:9: session.idle_timeout: \"-1h\" is not allowed: a duration from 60s to 30d, "
         "such as 12h"},
        {GOOD "[session]\nidle_timeout = 60500ms\n",
         "bff.conf:9: session.idle_timeout: \"60500ms\" is not allowed: a duration from 60s to "
         "30d, such as 12h"},
        {GOOD "[session]\nidle_timeout = 12 h\n",
         "bff.conf:9: session.idle_timeout: \"12 h\" is not allowed: a duration from 60s to 30d, "
         "such as 12h"},
        {GOOD "[session]\nidle_timeout = 99999999999d\n",
         "bff.conf:9: session.idle_timeout: \"99999999999d\" is not allowed: a duration from 60s "
         "to 30d, such as 12h"},
        {GOOD "[session]\nidle_timeout =\n", "bff.conf:9: session.idle_timeout: \"\" is not "
                                             "allowed: a duration from 60s to 30d, such as 12h"},
        {GOOD "[session]\ncache_ttl = 61s\n", "bff.conf:9: session.cache_ttl: \"61s\" is not "
                                              "allowed: a duration from 0s to 60s, such as 60s"},
        {GOOD "[session]\ncache_size = 1g\n", "bff.conf:9: session.cache_size: \"1g\" is not "
                                              "allowed: a size from 64k to 1024m, such as 16m"},
        {GOOD "[session]\ncache_size = 63k\n", "bff.conf:9: session.cache_size: \"63k\" is not "
                                               "allowed: a size from 64k to 1024m, such as 16m"},
        {GOOD "[server]\nbody_max = 65k\n",
         "bff.conf:9: server.body_max: \"65k\" is not allowed: a size from 1k to 64k, such as 64k"},
        {GOOD "[server]\nworkers = 0\n",
         "bff.conf:9: server.workers: \"0\" is not allowed: auto, or a number from 1 to 256"},
        {GOOD "[server]\nworkers = many\n",
         "bff.conf:9: server.workers: \"many\" is not allowed: auto, or a number from 1 to 256"},
        {GOOD "[server]\nio_threads = 257\n",
         "bff.conf:9: server.io_threads: \"257\" is not allowed: a number from 1 to 256"},
        {GOOD "[server]\nparked = 4294967297\n",
         "bff.conf:9: server.parked: \"4294967297\" is not allowed: a number from 1 to 65536"},
        {GOOD "[server]\nsocket_mode = 0668\n",
         "bff.conf:9: server.socket_mode: \"0668\" is not allowed: octal permissions from 0600 to "
         "0777, such as 0660"},
        {GOOD "[server]\nsocket_mode = 0440\n",
         "bff.conf:9: server.socket_mode: \"0440\" is not allowed: octal permissions from 0600 to "
         "0777, such as 0660"},
        {GOOD "[server]\nsocket_mode = 01777\n",
         "bff.conf:9: server.socket_mode: \"01777\" is not allowed: octal permissions from 0600 to "
         "0777, such as 0660"},
        {GOOD "[server]\npark_timeout = 500ms\n",
         "bff.conf:9: server.park_timeout: \"500ms\" is not allowed: a duration from 1s to 5m, "
         "such as 10s"},
    };
    EXPECT_ALL(rows);
}

static void choices_are_named(void **state)
{
    (void)state;
    static const struct refusal rows[] = {
        {GOOD "[log]\nlevel = loud\n",
         "bff.conf:9: log.level: \"loud\" is not allowed: debug, info, warn or error"},
        {GOOD "[log]\nformat = xml\n",
         "bff.conf:9: log.format: \"xml\" is not allowed: logfmt or json"},
        {GOOD "[csrf]\nrequire_header = true\n",
         "bff.conf:9: csrf.require_header: \"true\" is not allowed: yes or no"},
        {GOOD "[revoke]\nauth = refresh\n",
         "bff.conf:9: revoke.auth: \"refresh\" is not allowed: none or access"},
        {GOOD "[refresh]\nauth = refresh\n",
         "bff.conf:9: refresh.auth: \"refresh\" is not allowed: none or access"},
        {GOOD "[client]\nauth = post\n",
         "bff.conf:9: client.auth: \"post\" is not allowed: basic or form"},
        {GOOD "[compat]\nenabled = maybe\n",
         "bff.conf:9: compat.enabled: \"maybe\" is not allowed: yes or no"},
        {GOOD "[backend]\npreset = knox\n",
         "bff.conf:9: backend.preset: \"knox\" is not allowed: simplejwt, simplejwt-cookie, "
         "dj-rest-auth, dj-rest-auth-httponly, djoser, allauth-headless, oauth-toolkit, or none, "
         "which needs every key of [login] and [refresh]"},
    };
    EXPECT_ALL(rows);
}

static void addresses_and_paths_have_their_form(void **state)
{
    (void)state;
    static const struct refusal rows[] = {
        {GOOD "[server]\nlisten = /run/bff.sock\n",
         "bff.conf:9: server.listen: \"/run/bff.sock\" is not allowed: unix:/PATH (at most 107 "
         "bytes), HOST:PORT or [IPV6]:PORT"},
        {GOOD "[server]\nlisten = unix:run/bff.sock\n",
         "bff.conf:9: server.listen: \"unix:run/bff.sock\" is not allowed: unix:/PATH (at most 107 "
         "bytes), HOST:PORT or [IPV6]:PORT"},
        {GOOD "[server]\nlisten = "
              "unix:/"
              "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
              "xxxxxxxxxxxxxxxxxxxxxxx\n",
         "bff.conf:9: server.listen: "
         "\"unix:/"
         "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
         "xxxxxxxxxxxxxxxxxx\" is not allowed: unix:/PATH (at most 107 bytes), HOST:PORT or "
         "[IPV6]:PORT"},
        {GOOD "[server]\nlisten = localhost\n",
         "bff.conf:9: server.listen: \"localhost\" is not allowed: unix:/PATH (at most 107 bytes), "
         "HOST:PORT or [IPV6]:PORT"},
        {GOOD "[server]\nlisten = 127.0.0.1:65536\n",
         "bff.conf:9: server.listen: \"127.0.0.1:65536\" is not allowed: unix:/PATH (at most 107 "
         "bytes), HOST:PORT or [IPV6]:PORT"},
        {GOOD "[server]\nlisten = [::1]\n",
         "bff.conf:9: server.listen: \"[::1]\" is not allowed: unix:/PATH (at most 107 bytes), "
         "HOST:PORT or [IPV6]:PORT"},
        {GOOD "[redis]\npassword_file = secret\n",
         "bff.conf:9: redis.password_file: \"secret\" is not allowed: an absolute path"},
        {GOOD "[redis]\nprefix = bff{*}\n", "bff.conf:9: redis.prefix: \"bff{*}\" is not allowed: "
                                            "1 to 32 letters, digits, ':', '.', '_' or '-'"},
        {GOOD "[redis]\nuser = two words\npassword_file = /p\n",
         "bff.conf:9: redis.user: \"two words\" is not allowed: one word of visible ASCII"},
        {GOOD "[redis]\nsentinel_password_file = /p\n",
         "bff.conf:9: redis.sentinel_password_file is given, but redis.url names no sentinels"},
        {GOOD "[redis]\nsentinel_user = bff\n",
         "bff.conf:9: redis.sentinel_user needs redis.sentinel_password_file"},
        {GOOD "[redis]\nuser = bff\n", "bff.conf:9: redis.user needs redis.password_file"},
        {GOOD "[csrf]\norigins = https://App.example.com\n",
         "bff.conf:9: csrf.origins: \"https://App.example.com\" is not allowed: browsers write an "
         "origin in lower case"},
        {GOOD "[csrf]\norigins = https://app.example.com:443\n",
         "bff.conf:9: csrf.origins: \"https://app.example.com:443\" is not allowed: browsers write "
         "an origin without the default port"},
        {GOOD "[csrf]\norigins = https://app.example.com/\n",
         "bff.conf:9: csrf.origins: \"https://app.example.com/\" is not allowed: at most 8 "
         "different origins as browsers write them, such as https://app.example.com, with blanks "
         "between them"},
        {GOOD "[csrf]\norigins = app.example.com\n",
         "bff.conf:9: csrf.origins: \"app.example.com\" is not allowed: at most 8 different "
         "origins as browsers write them, such as https://app.example.com, with blanks between "
         "them"},
        {GOOD "[csrf]\norigins = https://a https://a\n",
         "bff.conf:9: csrf.origins: \"https://a https://a\" is not allowed: at most 8 different "
         "origins as browsers write them, such as https://app.example.com, with blanks between "
         "them"},
        {GOOD "[csrf]\norigins = http://0 http://1 http://2 http://3 http://4 http://5 http://6 "
              "http://7 http://8\n",
         "bff.conf:9: csrf.origins: \"http://0 http://1 http://2 http://3 http://4 http://5 "
         "http://6 http://7 http://8\" is not allowed: at most 8 different origins as browsers "
         "write them, such as https://app.example.com, with blanks between them"},
        {GOOD "[session]\nclaims = user_id, email\n",
         "bff.conf:9: session.claims: \"user_id, email\" is not allowed: at most 16 different "
         "names, with blanks between them"},
        {GOOD "[session]\nclaims = \"user_id email\"\n",
         "bff.conf:9: session.claims: \"\"user_id email\"\" is not allowed: at most 16 different "
         "names, with blanks between them"},
    };
    EXPECT_ALL(rows);
}

static void a_redis_that_is_not_supported_yet_is_named(void **state)
{
    (void)state;
    static const struct refusal rows[] = {
        {"[server]\nkey_file = /k\n[redis]\nurl = rediss://cache.example.com\n[backend]\nurl = "
         "http://a\n",
         "bff.conf:4: redis.url: \"rediss://cache.example.com\" is not allowed: this version does "
         "not support TLS to Redis (rediss://) yet"},
    };
    EXPECT_ALL(rows);
}

static void server_addresses_are_checked(void **state)
{
    (void)state;
    static const struct refusal rows[] = {
        {"[server]\nkey_file = /k\n[redis]\nurl = localhost:6379\n[backend]\nurl = http://a\n",
         "bff.conf:4: redis.url: \"localhost:6379\" is not allowed: redis://HOST[:PORT][/DB], "
         "unix:///PATH[?db=DB], redis+sentinel://HOST[:PORT],.../NAME[/DB] or "
         "redis+cluster://HOST[:PORT],..."},
        {"[server]\nkey_file = /k\n[redis]\nurl = redis://\n[backend]\nurl = http://a\n",
         "bff.conf:4: redis.url: \"redis://\" is not allowed: redis://HOST[:PORT][/DB], "
         "unix:///PATH[?db=DB], redis+sentinel://HOST[:PORT],.../NAME[/DB] or "
         "redis+cluster://HOST[:PORT],..."},
        {"[server]\nkey_file = /k\n[redis]\nurl = redis+sentinel://a,b\n[backend]\nurl = "
         "http://a\n",
         "bff.conf:4: redis.url: \"redis+sentinel://a,b\" is not allowed: "
         "redis://HOST[:PORT][/DB], "
         "unix:///PATH[?db=DB], redis+sentinel://HOST[:PORT],.../NAME[/DB] or "
         "redis+cluster://HOST[:PORT],..."},
        {"[server]\nkey_file = /k\n[redis]\nurl = redis+sentinel://a,b:0/main\n[backend]\nurl = "
         "http://a\n",
         "bff.conf:4: redis.url: \"redis+sentinel://a,b:0/main\" is not allowed: "
         "redis://HOST[:PORT][/DB], "
         "unix:///PATH[?db=DB], redis+sentinel://HOST[:PORT],.../NAME[/DB] or "
         "redis+cluster://HOST[:PORT],..."},
        {"[server]\nkey_file = /k\n[redis]\nurl = redis://h:0\n[backend]\nurl = http://a\n",
         "bff.conf:4: redis.url: \"redis://h:0\" is not allowed: redis://HOST[:PORT][/DB], "
         "unix:///PATH[?db=DB], redis+sentinel://HOST[:PORT],.../NAME[/DB] or "
         "redis+cluster://HOST[:PORT],..."},
        {"[server]\nkey_file = /k\n[redis]\nurl = redis://h/db\n[backend]\nurl = http://a\n",
         "bff.conf:4: redis.url: \"redis://h/db\" is not allowed: redis://HOST[:PORT][/DB], "
         "unix:///PATH[?db=DB], redis+sentinel://HOST[:PORT],.../NAME[/DB] or "
         "redis+cluster://HOST[:PORT],..."},
        {"[server]\nkey_file = /k\n[redis]\nurl = unix://run/x\n[backend]\nurl = http://a\n",
         "bff.conf:4: redis.url: \"unix://run/x\" is not allowed: redis://HOST[:PORT][/DB], "
         "unix:///PATH[?db=DB], redis+sentinel://HOST[:PORT],.../NAME[/DB] or "
         "redis+cluster://HOST[:PORT],..."},
        {"[server]\nkey_file = /k\n[redis]\nurl = unix:///run/x?database=1\n[backend]\nurl = "
         "http://a\n",
         "bff.conf:4: redis.url: \"unix:///run/x?database=1\" is not allowed: "
         "redis://HOST[:PORT][/DB], unix:///PATH[?db=DB], "
         "redis+sentinel://HOST[:PORT],.../NAME[/DB] or redis+cluster://HOST[:PORT],..."},
        {"[server]\nkey_file = /k\n[redis]\nurl = redis://[::1/0\n[backend]\nurl = http://a\n",
         "bff.conf:4: redis.url: \"redis://[::1/0\" is not allowed: redis://HOST[:PORT][/DB], "
         "unix:///PATH[?db=DB], redis+sentinel://HOST[:PORT],.../NAME[/DB] or "
         "redis+cluster://HOST[:PORT],..."},
        {"[server]\nkey_file = /k\n[redis]\nurl = redis://a\n[backend]\nurl = 127.0.0.1:8000\n",
         "bff.conf:6: backend.url: \"127.0.0.1:8000\" is not allowed: http://HOST[:PORT] or "
         "https://HOST[:PORT], with nothing after it"},
        {"[server]\nkey_file = /k\n[redis]\nurl = redis://a\n[backend]\nurl = "
         "http://127.0.0.1:8000/\n",
         "bff.conf:6: backend.url: \"http://127.0.0.1:8000/\" is not allowed: http://HOST[:PORT] "
         "or https://HOST[:PORT], with nothing after it"},
        {"[server]\nkey_file = /k\n[redis]\nurl = redis://a\n[backend]\nurl = https://a/api\n",
         "bff.conf:6: backend.url: \"https://a/api\" is not allowed: http://HOST[:PORT] or "
         "https://HOST[:PORT], with nothing after it"},
        {"[server]\nkey_file = /k\n[redis]\nurl = redis://a\n[backend]\nurl = http://a:port\n",
         "bff.conf:6: backend.url: \"http://a:port\" is not allowed: http://HOST[:PORT] or "
         "https://HOST[:PORT], with nothing after it"},
        {"[server]\nkey_file = /k\n[redis]\nurl = redis://a\n[backend]\nurl = ftp://a\n",
         "bff.conf:6: backend.url: \"ftp://a\" is not allowed: http://HOST[:PORT] or "
         "https://HOST[:PORT], with nothing after it"},
    };
    EXPECT_ALL(rows);
}

static void values_that_cannot_work_together_are_refused(void **state)
{
    (void)state;
    static const struct refusal rows[] = {
        {GOOD "[session]\nidle_timeout = 20d\n",
         "bff.conf:9: session.idle_timeout = 20d must be at most session.absolute_timeout = 14d: a "
         "session cannot be idle for longer than it lasts"},
        {GOOD "[session]\nabsolute_timeout = 1h\n",
         "bff.conf:9: session.idle_timeout = 12h must be at most session.absolute_timeout = 1h: a "
         "session cannot be idle for longer than it lasts"},
        {GOOD "[session]\nidle_timeout = 60s\n",
         "bff.conf:9: session.touch_interval = 60s must be below session.idle_timeout = 60s: a "
         "session in use would end before its activity is written down"},
        {GOOD "[session]\nidle_timeout = 60s\ntouch_interval = 5s\nrefresh_ahead = 2m\n",
         "bff.conf:11: session.refresh_ahead = 2m must be below session.idle_timeout = 60s: it "
         "belongs well below the life of an access token"},
        {GOOD "[server]\nmicrocache = /run/bff-microcache\n[session]\ncache_ttl = 0s\n",
         "bff.conf:9: server.microcache needs session.cache_ttl above 0s"},
        {GOOD "[backend]\ntimeout = 2s\n",
         "bff.conf:9: backend.connect_timeout = 3s must be at most backend.timeout = 2s: "
         "connecting is a part of the call"},
        {GOOD "[backend]\ntimeout = 17s\n",
         "bff.conf:9: refresh.lease = 20s must be at least backend.timeout = 17s and twice "
         "redis.command_timeout = 2s: a lease shorter than a slow refresh loses sessions"},
        {GOOD "[redis]\ncommand_timeout = 6s\n",
         "bff.conf:9: refresh.lease = 20s must be at least backend.timeout = 10s and twice "
         "redis.command_timeout = 6s: a lease shorter than a slow refresh loses sessions"},
        {GOOD "[refresh]\nlease = 13s\n",
         "bff.conf:9: refresh.lease = 13s must be at least backend.timeout = 10s and twice "
         "redis.command_timeout = 2s: a lease shorter than a slow refresh loses sessions"},
        {GOOD "[refresh]\nbackoff_min = 31s\n",
         "bff.conf:9: refresh.backoff_min = 31s must be at most refresh.backoff_max = 30s: the "
         "shortest pause cannot be above the longest"},
    };
    EXPECT_ALL(rows);
}

static void a_nul_byte_is_refused_not_taken_for_the_end(void **state)
{
    (void)state;
    static const char text[] = GOOD "[log]\nlevel = info\0, or so\n";
    struct refusal row = {text, "bff.conf:9: this line holds a NUL byte; is this a text file?"};
    expect(&row, sizeof text - 1);
}

static void a_file_above_the_limit_is_refused(void **state)
{
    (void)state;
    char *text = malloc(CONFIG_MAX_BYTES + 1);
    memset(text, '\n', CONFIG_MAX_BYTES + 1);
    struct refusal row = {text, "bff.conf: the file is too long: 65536 bytes are allowed"};
    expect(&row, CONFIG_MAX_BYTES + 1);
    free(text);
}

static void memory_that_runs_out_is_an_answer(void **state)
{
    (void)state;
    for (size_t limit = 0; limit < 16384; limit += 16) {
        struct arena arena = arena_make(limit);
        struct config config;
        struct str message = {NULL, 0};
        if (!config_parse(&arena, "bff.conf", STR(GOOD "preset = allauth-headless\n"), &config,
                          &message))
            assert_true(str_contains(message, STR("there is no memory left")) ||
                        str_contains(message, STR("There is no memory left")));
        arena_free(&arena);
    }
}

static void a_password_in_an_address_is_not_repeated(void **state)
{
    (void)state;
    struct refusal rows[] = {
        {"[server]\nkey_file = /k\n[redis]\nurl = redis://me:hunter2@localhost\n",
         "bff.conf:4: redis.url: a user or password has no place in an address: use user and "
         "password_file"},
        {"[server]\nkey_file = /k\n[redis]\nurl = redis://h\n[backend]\nurl = "
         "http://me:hunter2@localhost\n",
         "bff.conf:6: backend.url: a user or password has no place in an address"},
        {GOOD "[redis]\npassword = hunter2\n",
         "bff.conf:9: redis.password: there is no such key; did you mean password_file?"},
    };
    EXPECT_ALL(rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_in_a_cluster_is_not_kept),
        cmocka_unit_test(syntax_that_would_be_read_otherwise_than_it_looks_is_refused),
        cmocka_unit_test(unknown_names_are_refused_with_the_nearest_known_one),
        cmocka_unit_test(a_key_may_stand_once),
        cmocka_unit_test(what_has_no_default_must_be_given),
        cmocka_unit_test(numbers_and_durations_outside_of_their_range_are_refused),
        cmocka_unit_test(choices_are_named),
        cmocka_unit_test(addresses_and_paths_have_their_form),
        cmocka_unit_test(a_redis_that_is_not_supported_yet_is_named),
        cmocka_unit_test(server_addresses_are_checked),
        cmocka_unit_test(values_that_cannot_work_together_are_refused),
        cmocka_unit_test(a_nul_byte_is_refused_not_taken_for_the_end),
        cmocka_unit_test(a_file_above_the_limit_is_refused),
        cmocka_unit_test(memory_that_runs_out_is_an_answer),
        cmocka_unit_test(a_password_in_an_address_is_not_repeated),
    };
    return cmocka_run_group_tests_name("config_refusals", tests, NULL, NULL);
}
