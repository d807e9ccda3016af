/* Descriptions of a backend that are refused, with the sentence that whoever wrote it reads. */
#include "config_refusal.h"

#define NO_CALL "GET, POST, PUT, PATCH or DELETE, a blank and a path, such as POST /api/token/"
#define BAD_PATH                                                                                   \
    "a path has no ';', no segment that is empty, '.' or '..', and no control character and none " \
    "of / . \\ % ; ? percent-encoded"
#define NO_PLACE                                                                                   \
    "json:/POINTER (RFC 6901) or cookie:NAME, or at most 4 different ones in the order in which "  \
    "they are looked at, with blanks between them"
#define NO_RULE                                                                                    \
    "exp, seconds json:/POINTER, time json:/POINTER, max-age, or after DURATION, with a duration " \
    "from 1s to 49d"
#define NO_HEADER "the name of a header that may carry a token"
#define NO_OBJECT "a JSON object of plain members"
#define NO_SEND                                                                                    \
    "json OBJECT, form NAME=VALUE&..., cookie NAME, or none; $refresh and $access stand for the "  \
    "tokens"
#define NO_LOGIN_SEND                                                                              \
    "body, json OBJECT or form NAME=VALUE&...; $NAME stands for the field NAME of what the "       \
    "browser sent"
#define NO_LOGIN_JSON                                                                              \
    "what follows json must be one JSON object of plain members, with variables such as "          \
    "$username inside strings"

static void the_backends_dialect_is_checked(void **state)
{
    (void)state;
    static const struct refusal rows[] = {
        {GOOD "[login]\nrequest = /api/token/\n",
         "bff.conf:9: login.request: \"/api/token/\" is not allowed: GET, POST, PUT, PATCH or "
         "DELETE, a blank and a path, such as POST /api/token/"},
        {GOOD "[login]\nrequest = post /api/token/\n",
         "bff.conf:9: login.request: \"post /api/token/\" is not allowed: GET, POST, PUT, PATCH or "
         "DELETE, a blank and a path, such as POST /api/token/"},
        {GOOD "[login]\nrequest = POST api/token/\n",
         "bff.conf:9: login.request: \"POST api/token/\" is not allowed: GET, POST, PUT, PATCH or "
         "DELETE, a blank and a path, such as POST /api/token/"},
        {GOOD "[login]\nrequest = POST /api/token/ now\n",
         "bff.conf:9: login.request: \"POST /api/token/ now\" is not allowed: GET, POST, PUT, "
         "PATCH or DELETE, a blank and a path, such as POST /api/token/"},
        {GOOD "[login]\nrequest = POST /a/../b/\n",
         "bff.conf:9: login.request: \"POST /a/../b/\" is not allowed: " BAD_PATH},
        {GOOD "[login]\nrequest = POST /a/..\n",
         "bff.conf:9: login.request: \"POST /a/..\" is not allowed: " BAD_PATH},
        {GOOD "[login]\nrequest = POST /./a/\n",
         "bff.conf:9: login.request: \"POST /./a/\" is not allowed: " BAD_PATH},
        {GOOD "[login]\nrequest = POST //a/\n",
         "bff.conf:9: login.request: \"POST //a/\" is not allowed: " BAD_PATH},
        {GOOD "[login]\nrequest = POST /a//\n",
         "bff.conf:9: login.request: \"POST /a//\" is not allowed: " BAD_PATH},
        {GOOD "[login]\nrequest = POST /a;b/\n",
         "bff.conf:9: login.request: \"POST /a;b/\" is not allowed: " BAD_PATH},
        {GOOD "[login]\nrequest = POST /a%2/\n",
         "bff.conf:9: login.request: \"POST /a%2/\" is not allowed: " BAD_PATH},
        {GOOD "[login]\nrequest = POST /a%zz/\n",
         "bff.conf:9: login.request: \"POST /a%zz/\" is not allowed: " BAD_PATH},
        {GOOD "[login]\nrequest = POST /a%2f\n",
         "bff.conf:9: login.request: \"POST /a%2f\" is not allowed: " BAD_PATH},
        {GOOD "[login]\nrequest = POST /a%2Eb\n",
         "bff.conf:9: login.request: \"POST /a%2Eb\" is not allowed: " BAD_PATH},
        {GOOD "[login]\nrequest = POST /a%00b\n",
         "bff.conf:9: login.request: \"POST /a%00b\" is not allowed: " BAD_PATH},
        {GOOD "[login]\nrequest = POST /a%0Ab\n",
         "bff.conf:9: login.request: \"POST /a%0Ab\" is not allowed: " BAD_PATH},
        {GOOD "[login]\nrequest = POST /a%5cb\n",
         "bff.conf:9: login.request: \"POST /a%5cb\" is not allowed: " BAD_PATH},
        {GOOD "[login]\nrequest = POST /a%3Bb\n",
         "bff.conf:9: login.request: \"POST /a%3Bb\" is not allowed: " BAD_PATH},
        {GOOD "[login]\nrequest = POST /a%25b\n",
         "bff.conf:9: login.request: \"POST /a%25b\" is not allowed: " BAD_PATH},
        {GOOD "[login]\nrequest = POST /a%\n",
         "bff.conf:9: login.request: \"POST /a%\" is not allowed: " BAD_PATH},
        {GOOD "[login]\nrequest = POST /a{b}/\n",
         "bff.conf:9: login.request: \"POST /a{b}/\" is not allowed: " NO_CALL},
        {GOOD "[login]\nrequest = POST /a\\b/\n",
         "bff.conf:9: login.request: \"POST /a\\b/\" is not allowed: " NO_CALL},
        {GOOD "[login]\nrequest = POST /a|b/\n",
         "bff.conf:9: login.request: \"POST /a|b/\" is not allowed: " NO_CALL},
        {GOOD "[login]\naccess = /access\n",
         "bff.conf:9: login.access: \"/access\" is not allowed: " NO_PLACE},
        {GOOD "[login]\naccess = json:access\n",
         "bff.conf:9: login.access: \"json:access\" is not allowed: " NO_PLACE},
        {GOOD "[login]\naccess = json:/a~2\n",
         "bff.conf:9: login.access: \"json:/a~2\" is not allowed: " NO_PLACE},
        {GOOD "[login]\naccess = json:\n",
         "bff.conf:9: login.access: \"json:\" is not allowed: " NO_PLACE},
        {GOOD "[login]\naccess = json:/\n",
         "bff.conf:9: login.access: \"json:/\" is not allowed: " NO_PLACE},
        {GOOD "[login]\naccess = cookie:a=b\n",
         "bff.conf:9: login.access: \"cookie:a=b\" is not allowed: " NO_PLACE},
        {GOOD "[login]\naccess = cookie:\n",
         "bff.conf:9: login.access: \"cookie:\" is not allowed: " NO_PLACE},
        {GOOD "[login]\naccess = json:/a json:/a\n",
         "bff.conf:9: login.access: \"json:/a json:/a\" is not allowed: " NO_PLACE},
        {GOOD "[login]\naccess = json:/a cookie:b, cookie:c\n",
         "bff.conf:9: login.access: \"json:/a cookie:b, cookie:c\" is not allowed: " NO_PLACE},
        {GOOD "[login]\naccess = cookie:1 cookie:2 cookie:3 cookie:4 cookie:5\n",
         "bff.conf:9: login.access: \"cookie:1 cookie:2 cookie:3 cookie:4 cookie:5\" is not "
         "allowed: " NO_PLACE},
        {GOOD "[login]\naccess = header:X\n",
         "bff.conf:9: login.access: \"header:X\" is not allowed: " NO_PLACE},
        {GOOD "[login]\nuser = /user\n", "bff.conf:9: login.user: \"/user\" is not allowed: "
                                         "json:/POINTER (RFC 6901)"},
        {GOOD "[login]\nuser = user\n", "bff.conf:9: login.user: \"user\" is not allowed: "
                                        "json:/POINTER (RFC 6901)"},
        {GOOD "[login]\nuser = json:user\n",
         "bff.conf:9: login.user: \"json:user\" is not allowed: "
         "json:/POINTER (RFC 6901)"},
        {GOOD "[login]\nuser = json:/user json:/me\n",
         "bff.conf:9: login.user: \"json:/user json:/me\" is not allowed: "
         "json:/POINTER (RFC 6901)"},
        {GOOD "[login]\nuser = cookie:user\n",
         "bff.conf:9: login.user: \"cookie:user\" is not allowed: "
         "json:/POINTER (RFC 6901)"},
        {GOOD "[login]\naccess_expiry = never\n",
         "bff.conf:9: login.access_expiry: \"never\" is not allowed: " NO_RULE},
        {GOOD "[login]\naccess_expiry = exp 5m\n",
         "bff.conf:9: login.access_expiry: \"exp 5m\" is not allowed: " NO_RULE},
        {GOOD "[login]\naccess_expiry = seconds\n",
         "bff.conf:9: login.access_expiry: \"seconds\" is not allowed: " NO_RULE},
        {GOOD "[login]\naccess_expiry = seconds /expires_in\n",
         "bff.conf:9: login.access_expiry: \"seconds /expires_in\" is not allowed: " NO_RULE},
        {GOOD "[login]\naccess_expiry = seconds json:/a json:/b\n",
         "bff.conf:9: login.access_expiry: \"seconds json:/a json:/b\" is not allowed: " NO_RULE},
        {GOOD "[login]\naccess_expiry = time\n",
         "bff.conf:9: login.access_expiry: \"time\" is not allowed: " NO_RULE},
        {GOOD "[login]\naccess_expiry = max-age json:/a\n",
         "bff.conf:9: login.access_expiry: \"max-age json:/a\" is not allowed: " NO_RULE},
        {GOOD "[login]\naccess_expiry = after\n",
         "bff.conf:9: login.access_expiry: \"after\" is not allowed: " NO_RULE},
        {GOOD "[login]\naccess_expiry = after 5\n",
         "bff.conf:9: login.access_expiry: \"after 5\" is not allowed: " NO_RULE},
        {GOOD "[login]\naccess_expiry = after 999ms\n",
         "bff.conf:9: login.access_expiry: \"after 999ms\" is not allowed: " NO_RULE},
        {GOOD "[login]\naccess_expiry = after 50d\n",
         "bff.conf:9: login.access_expiry: \"after 50d\" is not allowed: " NO_RULE},
        {GOOD "[login]\naccess_expiry = 5m\n",
         "bff.conf:9: login.access_expiry: \"5m\" is not allowed: " NO_RULE},
        {GOOD "[refresh]\nrefresh_expiry = soon\n",
         "bff.conf:9: refresh.refresh_expiry: \"soon\" is not allowed: " NO_RULE},
        {GOOD "[pending]\nheader = Cookie\n",
         "bff.conf:9: pending.header: \"Cookie\" is not allowed: " NO_HEADER},
        {GOOD "[pending]\nheader = X-Session Token\n",
         "bff.conf:9: pending.header: \"X-Session Token\" is not allowed: " NO_HEADER},
        {GOOD "[pending]\nheader = X:\n",
         "bff.conf:9: pending.header: \"X:\" is not allowed: " NO_HEADER},
        {GOOD "[pending]\ntoken = /meta\n",
         "bff.conf:9: pending.token: \"/meta\" is not allowed: " NO_PLACE},
        {GOOD "[pending]\nlifetime = 30s\n",
         "bff.conf:9: pending.lifetime: \"30s\" is not allowed: "
         "a duration from 60s to 60m, such as 15m"},
        {GOOD "[pending]\nlifetime = 2h\n", "bff.conf:9: pending.lifetime: \"2h\" is not allowed: "
                                            "a duration from 60s to 60m, such as 15m"},
        {GOOD "[backend]\ncsrf_cookie = csrf token\n",
         "bff.conf:9: backend.csrf_cookie: \"csrf token\" is not allowed: "
         "the name of a cookie"},
        {GOOD "[backend]\ncsrf_cookie = a=b\n",
         "bff.conf:9: backend.csrf_cookie: \"a=b\" is not allowed: "
         "the name of a cookie"},
        {GOOD "[compat]\nrefused = no\n",
         "bff.conf:9: compat.refused: \"no\" is not allowed: " NO_OBJECT},
        {GOOD "[compat]\nrefused = [\"a\"]\n",
         "bff.conf:9: compat.refused: \"[\"a\"]\" is not allowed: " NO_OBJECT},
        {GOOD "[compat]\nrefused = {\"a\": 1\n",
         "bff.conf:9: compat.refused: \"{\"a\": 1\" is not allowed: " NO_OBJECT},
        {GOOD "[compat]\nrefused = {\"a\": 1, \"a\": 2}\n",
         "bff.conf:9: compat.refused: \"{\"a\": 1, \"a\": 2}\" is not allowed: " NO_OBJECT},
        {GOOD "[revoke]\nsuccess = 200 500\n",
         "bff.conf:9: revoke.success: \"200 500\" is not allowed: "
         "at most 16 statuses from 200 to 499, or json:/POINTER=VALUE"},
        {GOOD "[client]\nid = two words\n", "bff.conf:9: client.id: \"two words\" is not allowed: "
                                            "one word of visible ASCII"},
        {GOOD "[client]\nsecret_file = secret\n",
         "bff.conf:9: client.secret_file: \"secret\" is not allowed: "
         "an absolute path"},
        {GOOD "[refresh]\nsend = body\n",
         "bff.conf:9: refresh.send: \"body\" is not allowed: " NO_SEND},
        {GOOD "[login]\nsend = none\n",
         "bff.conf:9: login.send: \"none\" is not allowed: " NO_LOGIN_SEND},
        {GOOD "[login]\nsend = cookie refresh\n",
         "bff.conf:9: login.send: \"cookie refresh\" is not allowed: " NO_LOGIN_SEND},
        {GOOD "[login]\nsend = body now\n",
         "bff.conf:9: login.send: \"body now\" is not allowed: " NO_LOGIN_SEND},
        {GOOD "[login]\nsend = xml\n",
         "bff.conf:9: login.send: \"xml\" is not allowed: " NO_LOGIN_SEND},
        {GOOD "[login]\nsend = json\n",
         "bff.conf:9: login.send: \"json\" is not allowed: " NO_LOGIN_JSON},
        {GOOD "[login]\nsend = json {\"u\": $username}\n",
         "bff.conf:9: login.send: \"json {\"u\": $username}\" is not allowed: " NO_LOGIN_JSON},
        {GOOD "[login]\nsend = json {\"u\": \"$\"}\n",
         "bff.conf:9: login.send: \"json {\"u\": \"$\"}\" is not allowed: "
         "in a template the name of a field stands behind each $"},
        {GOOD "[login]\nsend = form u=$&p=1\n",
         "bff.conf:9: login.send: \"form u=$&p=1\" is not allowed: "
         "in a template the name of a field stands behind each $"},
        {GOOD "[login]\nsend = form $u=1\n",
         "bff.conf:9: login.send: \"form $u=1\" is not allowed: "
         "what follows form must be NAME=VALUE pairs with & between them, percent-encoded"},
        {GOOD "[login]\nsuccess = 200 302\n",
         "bff.conf:9: login.success: \"200 302\" is not allowed: at most 16 statuses from 200 to "
         "299, or json:/POINTER=VALUE"},
        {GOOD "[login]\nsuccess = json:/ok\n",
         "bff.conf:9: login.success: \"json:/ok\" is not allowed: at most 16 statuses from 200 to "
         "299, or json:/POINTER=VALUE"},
        {GOOD "[login]\nsuccess = json:/ok=yes\n",
         "bff.conf:9: login.success: \"json:/ok=yes\" is not allowed: what follows = must be a "
         "JSON value: true, false, null, an integer or a \"string\""},
        {GOOD "[refresh]\ndead = 401 500\n",
         "bff.conf:9: refresh.dead: \"401 500\" is not allowed: at most 16 statuses from 400 to "
         "499, or json:/POINTER=VALUE"},
        {GOOD "[refresh]\ndead = 401 429\n",
         "bff.conf:9: refresh.dead = 401 429: 429 means \"try later\" and must end no session"},
        {GOOD "[refresh]\nsend = json {\"refresh\": $refresh}\n",
         "bff.conf:9: refresh.send: \"json {\"refresh\": $refresh}\" is not allowed: what follows "
         "json must be one JSON object of plain members, with $refresh and $access inside strings"},
        {GOOD "[refresh]\nsend = json {\"refresh\": \"$refresh\"\n",
         "bff.conf:9: refresh.send: \"json {\"refresh\": \"$refresh\"\" is not allowed: what "
         "follows json must be one JSON object of plain members, with $refresh and $access inside "
         "strings"},
        {GOOD "[refresh]\nsend = json [\"$refresh\"]\n",
         "bff.conf:9: refresh.send: \"json [\"$refresh\"]\" is not allowed: what follows json must "
         "be one JSON object of plain members, with $refresh and $access inside strings"},
        {GOOD "[refresh]\nsend = json {\"a\": \"$refresh\", \"a\": 1}\n",
         "bff.conf:9: refresh.send: \"json {\"a\": \"$refresh\", \"a\": 1}\" is not allowed: what "
         "follows json must be one JSON object of plain members, with $refresh and $access inside "
         "strings"},
        {GOOD "[refresh]\nsend = json {\"refresh\": \"$refrsh\"}\n",
         "bff.conf:9: refresh.send: \"json {\"refresh\": \"$refrsh\"}\" is not allowed: a template "
         "knows $refresh and $access and no other name behind a $"},
        {GOOD "[refresh]\nsend = json {\"$refresh\": 1}\n",
         "bff.conf:9: refresh.send: \"json {\"$refresh\": 1}\" is not allowed: what follows json "
         "must be one JSON object of plain members, with $refresh and $access inside strings"},
        {GOOD "[refresh]\nsend = form refresh $refresh\n",
         "bff.conf:9: refresh.send: \"form refresh $refresh\" is not allowed: what follows form "
         "must be NAME=VALUE pairs with & between them, percent-encoded"},
        {GOOD "[refresh]\nsend = form a=b&refresh=$refreshed\n",
         "bff.conf:9: refresh.send: \"form a=b&refresh=$refreshed\" is not allowed: a template "
         "knows $refresh and $access and no other name behind a $"},
        {GOOD "[refresh]\nsend = cookie\n",
         "bff.conf:9: refresh.send: \"cookie\" is not allowed: json OBJECT, form NAME=VALUE&..., "
         "cookie NAME, or none; $refresh and $access stand for the tokens"},
        {GOOD "[refresh]\nsend = xml <r/>\n",
         "bff.conf:9: refresh.send: \"xml <r/>\" is not allowed: json OBJECT, form NAME=VALUE&..., "
         "cookie NAME, or none; $refresh and $access stand for the tokens"},
        {GOOD "[refresh]\nsend = none\n",
         "bff.conf:9: refresh.send = none carries no token: it needs $refresh or $access, or "
         "refresh.auth = access"},
        {GOOD "[refresh]\nsend = json {\"grant\": \"refresh\"}\n",
         "bff.conf:9: refresh.send = json {\"grant\": \"refresh\"} carries no token: it needs "
         "$refresh or $access, or refresh.auth = access"},
        {GOOD "[backend]\nattach = Bearer $access\n",
         "bff.conf:9: backend.attach: \"Bearer $access\" is not allowed: header NAME \"TEXT\" with "
         "exactly one $access in the text, or cookie NAME"},
        {GOOD "[backend]\nattach = header Authorization Bearer $access\n",
         "bff.conf:9: backend.attach: \"header Authorization Bearer $access\" is not allowed: "
         "header NAME \"TEXT\" with exactly one $access in the text, or cookie NAME"},
        {GOOD "[backend]\nattach = header Authorization \"Bearer\"\n",
         "bff.conf:9: backend.attach: \"header Authorization \"Bearer\"\" is not allowed: header "
         "NAME \"TEXT\" with exactly one $access in the text, or cookie NAME"},
        {GOOD "[backend]\nattach = header Authorization \"$access $access\"\n",
         "bff.conf:9: backend.attach: \"header Authorization \"$access $access\"\" is not allowed: "
         "header NAME \"TEXT\" with exactly one $access in the text, or cookie NAME"},
        {GOOD "[backend]\nattach = header Authorization \"$refresh$access\"\n",
         "bff.conf:9: backend.attach: \"header Authorization \"$refresh$access\"\" is not allowed: "
         "header NAME \"TEXT\" with exactly one $access in the text, or cookie NAME"},
        {GOOD "[backend]\nattach = header Bad(Name \"$access\"\n",
         "bff.conf:9: backend.attach: \"header Bad(Name \"$access\"\" is not allowed: header NAME "
         "\"TEXT\" with exactly one $access in the text, or cookie NAME"},
        {GOOD "[backend]\nattach = header Cookie \"a=$access\"\n",
         "bff.conf:9: backend.attach: \"header Cookie \"a=$access\"\" is not allowed: this header "
         "has another use and cannot carry a token"},
        {GOOD "[backend]\nattach = cookie a=b\n",
         "bff.conf:9: backend.attach: \"cookie a=b\" is not allowed: header NAME \"TEXT\" with "
         "exactly one $access in the text, or cookie NAME"},
    };
    EXPECT_ALL(rows);
}

static void a_description_that_cannot_work_is_refused(void **state)
{
    (void)state;
    static const struct refusal rows[] = {
        {GOOD "[login]\nrefresh =\n", "bff.conf:9: login.refresh is empty, but refresh.send sends "
                                      "the refresh token: say where the login's answer holds it"},
        {GOOD "[revoke]\nsend = none\n",
         "bff.conf:9: revoke.request carries no token: it needs revoke.send with $refresh or "
         "$access, or revoke.auth = access"},
        {GOOD "[client]\nsecret_file = /s\n", "bff.conf:9: client.secret_file needs client.id"},
        {GOOD "[client]\nid = web\nsecret_file = /s\nauth = form\n",
         "bff.conf:11: client.auth = form needs forms, but login.send = body"},
        {GOOD "preset = oauth-toolkit\n[client]\nid = web\nsecret_file = /s\nauth = "
              "form\n[refresh]\nsend = json {\"a\": \"$refresh\"}\n",
         "bff.conf:12: client.auth = form needs forms, but refresh.send = json {\"a\": "
         "\"$refresh\"}"},
        {GOOD "preset = oauth-toolkit\n[client]\nid = web\nsecret_file = /s\nauth = "
              "form\n[revoke]\nsend = cookie r\n",
         "bff.conf:12: client.auth = form needs forms, but revoke.send = cookie r"},
        {GOOD "[client]\nid = web\n", "bff.conf:9: client.id without client.secret_file is sent in "
                                      "forms, but login.send = body"},
        {GOOD "[client]\nid = web\nsecret_file = /s\n[revoke]\nauth = access\n",
         "bff.conf:12: client.auth = basic and revoke.auth = access both want the header "
         "Authorization of one call"},
        {GOOD "[client]\nid = web\nsecret_file = /s\nauth = basic\n[refresh]\nauth = access\n",
         "bff.conf:11: client.auth = basic and refresh.auth = access both want the header "
         "Authorization of one call"},
        {GOOD "[login]\naccess_expiry = max-age\n",
         "bff.conf:9: login.access_expiry = max-age is that of a cookie, but no place of "
         "login.access is one"},
        {GOOD "[login]\nrefresh_expiry = max-age\n",
         "bff.conf:9: login.refresh_expiry = max-age is that of a cookie, but no place of "
         "login.refresh is one"},
        {GOOD "[refresh]\naccess_expiry = max-age\n",
         "bff.conf:9: refresh.access_expiry = max-age is that of a cookie, but no place of "
         "refresh.access is one"},
        {GOOD "[refresh]\nrefresh_expiry = max-age\n",
         "bff.conf:9: refresh.refresh_expiry = max-age is that of a cookie, but no place of "
         "refresh.refresh is one"},
        {GOOD "preset = simplejwt-cookie\ncsrf_cookie = access_token\n",
         "bff.conf:9: backend.csrf_cookie = access_token is the cookie of backend.attach already"},
        {GOOD "preset = simplejwt-cookie\ncsrf_cookie = refresh_token\n[revoke]\nrequest =\n",
         "bff.conf:9: backend.csrf_cookie = refresh_token is the cookie of revoke.send already"},
        {GOOD "preset = dj-rest-auth-httponly\ncsrf_cookie = jwt-refresh\n",
         "bff.conf:9: backend.csrf_cookie = jwt-refresh is the cookie of revoke.send already"},
        {GOOD "preset = oauth-toolkit\n[compat]\nenabled = yes\n",
         "bff.conf:10: compat.enabled = yes: login.request and refresh.request are one request, so "
         "what the frontend wants cannot be told"},
        {GOOD "[compat]\nenabled = yes\n[revoke]\nrequest = POST /api/token/refresh\n",
         "bff.conf:9: compat.enabled = yes: refresh.request and revoke.request are one request, so "
         "what the frontend wants cannot be told"},
    };
    EXPECT_ALL(rows);
}

static void captures_have_names_and_requests_of_their_own(void **state)
{
    (void)state;
    static const struct refusal rows[] = {
        {GOOD "[capture]\nrequest = POST /x/\n",
         "bff.conf:8: [capture]: a capture is named by 1 to 32 of a-z, 0-9, '_' and '-', such as "
         "[capture register]"},
        {GOOD "[capture ]\n", "bff.conf:8: [capture ]: a capture is named by 1 to 32 of a-z, 0-9, "
                              "'_' and '-', such as [capture register]"},
        {GOOD "[capture  a]\n", "bff.conf:8: [capture  a]: a capture is named by 1 to 32 of a-z, "
                                "0-9, '_' and '-', such as [capture register]"},
        {GOOD "[capture Register]\n", "bff.conf:8: [capture Register]: a capture is named by 1 to "
                                      "32 of a-z, 0-9, '_' and '-', such as [capture register]"},
        {GOOD "[capture a b]\n", "bff.conf:8: [capture a b]: a capture is named by 1 to 32 of a-z, "
                                 "0-9, '_' and '-', such as [capture register]"},
        {GOOD "[capture abcdefghijklmnopqrstuvwxyz0123456]\n",
         "bff.conf:8: [capture abcdefghijklmnopqrstuvwxyz0123456]: a capture is named by 1 to 32 "
         "of a-z, 0-9, '_' and '-', such as [capture register]"},
        {GOOD "[capture a]\nrequest = POST /x/\n[capture b]\nrequest = POST /x/\n",
         "bff.conf:11: capture b.request = POST /x/ is that of capture a.request already"},
        {GOOD "[capture a]\nrequest = POST /x/?y=1\n[capture b]\nrequest = POST /x\n",
         "bff.conf:11: capture b.request = POST /x is that of capture a.request already"},
        {GOOD "[capture a]\nrequest = POST /api/token\n",
         "bff.conf:9: capture a.request = POST /api/token is that of login.request already"},
        {GOOD "[capture a]\nrequest = POST /api/token/refresh/\n",
         "bff.conf:9: capture a.request = POST /api/token/refresh/ is that of refresh.request "
         "already"},
        {GOOD "[capture a]\nrequest = POST /api/token/blacklist/\n",
         "bff.conf:9: capture a.request = POST /api/token/blacklist/ is that of revoke.request "
         "already"},
        {GOOD "preset = djoser\n[login]\nrequest = POST /auth/users/\n",
         "bff.conf:10: capture register.request = POST /auth/users/ is that of login.request "
         "already"},
        {GOOD "preset = djoser\n[capture signup]\nrequest = POST /auth/users/\n",
         "bff.conf:10: capture register.request = POST /auth/users/ is that of capture "
         "signup.request "
         "already"},
        {GOOD "[capture a]\nrequest = POST /x/\nsuccess = 302\n",
         "bff.conf:10: capture a.success: \"302\" is not allowed: at most 16 statuses from 200 to "
         "299, or json:/POINTER=VALUE"},
        {GOOD "[capture a]\nrequest = /x/\n",
         "bff.conf:9: capture a.request: \"/x/\" is not allowed: GET, POST, PUT, PATCH or DELETE, "
         "a blank and a path, such as POST /api/token/"},
        {GOOD "[capture a]\nrequest = POST /x/\naccess_expiry = max-age\n",
         "bff.conf:10: capture a.access_expiry = max-age is that of a cookie, but no place of "
         "capture a.access is one"},
        {GOOD "[capture a]\nrequest = POST /x/\nrefresh_expiry = max-age\n",
         "bff.conf:10: capture a.refresh_expiry = max-age is that of a cookie, but no place of "
         "capture a.refresh is one"},
        {GOOD "[login]\naccess = cookie:a\naccess_expiry = max-age\n[capture a]\nrequest = POST "
              "/x/\naccess = json:/a\n",
         "bff.conf:13: capture a.access_expiry = max-age is that of a cookie, but no place of "
         "capture a.access is one"},
    };
    EXPECT_ALL(rows);
}

/* `n` captures, c0 to c99, below `head`. */
static void write_captures(char *text, size_t size, const char *head, int n)
{
    size_t used = (size_t)snprintf(text, size, "%s", head);
    for (int i = 0; i < n; i++)
        used += (size_t)snprintf(text + used, size - used, "[capture c%d]\nrequest = POST /c/%d/\n",
                                 i, i);
}

static void there_are_at_most_sixteen_captures(void **state)
{
    (void)state;
    char text[4096];
    write_captures(text, sizeof text, GOOD, CONFIG_MAX_CAPTURES);
    struct refusal row = {text, "(accepted)"};
    expect(&row, strlen(text));
    write_captures(text, sizeof text, GOOD, CONFIG_MAX_CAPTURES + 1);
    row.sentence = "bff.conf:40: [capture c16]: at most 16 captures are allowed, those of the "
                   "preset included";
    expect(&row, strlen(text));
    write_captures(text, sizeof text, GOOD "preset = djoser\n", CONFIG_MAX_CAPTURES);
    row.sentence = "bff.conf: [capture register]: at most 16 captures are allowed, those of the "
                   "preset included";
    expect(&row, strlen(text));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_backends_dialect_is_checked),
        cmocka_unit_test(a_description_that_cannot_work_is_refused),
        cmocka_unit_test(captures_have_names_and_requests_of_their_own),
        cmocka_unit_test(there_are_at_most_sixteen_captures),
    };
    return cmocka_run_group_tests_name("config_backend_refusals", tests, NULL, NULL);
}
