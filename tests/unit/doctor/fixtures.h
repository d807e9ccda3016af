/* Answers, and JWTs as the scan reads them: nobody checks a signature here. */
#ifndef TESTS_DOCTOR_FIXTURES_H
#define TESTS_DOCTOR_FIXTURES_H

#include "../../assert_str.h"
#include "doctor/report.h"
#include "doctor/scan.h"

/* {"token_type":"access","exp":2000000300,"iat":2000000000,"user_id":1} and the like */
#define HEAD "eyJhbGciOiJIUzI1NiJ9."
#define ACCESS_JWT                                                                                 \
    HEAD "eyJ0b2tlbl90eXBlIjoiYWNjZXNzIiwiZXhwIjoyMDAwMDAwMzAwLCJpYXQiOjIwMDAwMDAwMDAsInVzZXJfaWQ" \
         "iOjF9.c2lnbmF0dXJlLW9mLWFjY2Vzcw"
#define REFRESH_JWT                                                                                \
    HEAD "eyJ0b2tlbl90eXBlIjoicmVmcmVzaCIsImV4cCI6MjAwMDA4NjQwMCwiaWF0IjoyMDAwMDAwMDAwfQ."         \
         "c2lnbmF0dX"                                                                              \
         "JlLW9mLXJlZnJlc2g"
#define SLIDING_JWT                                                                                \
    HEAD "eyJ0b2tlbl90eXBlIjoic2xpZGluZyIsImV4cCI6MjAwMDAwMDMwMH0.c2lnbmF0dXJlLW9mLXNsaWRpbmc"
#define SILENT_JWT /* no token_type, no exp */ HEAD "eyJzdWIiOiI3In0.c2lnbmF0dXJlLW9mLXNpbGVudA"

static inline struct backend_answer answer_with(int status, const char *body)
{
    return (struct backend_answer){
        .status = status,
        .received_s = 2000000000,
        .content_type = STR("application/json"),
        .body = str_from(body),
    };
}

static inline struct config_token in_json(const char *pointer)
{
    return (struct config_token){.places = {{TOKEN_IN_JSON, str_from(pointer)}}, .n = 1};
}

static inline struct config_token in_cookie(const char *name)
{
    return (struct config_token){.places = {{TOKEN_IN_COOKIE, str_from(name)}}, .n = 1};
}

static inline const struct finding *last_finding(const struct report *r)
{
    assert_true(r->n > 0);
    return &r->findings[r->n - 1];
}

#endif
