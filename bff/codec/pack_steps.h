/* The steps of a packed text (codec/pack.h), for the two files that write and read them. */
#ifndef BFF_CODEC_PACK_STEPS_H
#define BFF_CODEC_PACK_STEPS_H

#include "base/str.h"

enum pack_step {
    STEP_PHRASE = 128, /* the first of them */
    STEP_NUMBER = 250,
    STEP_HEX,
    STEP_UUID,
    STEP_BASE64,
    STEP_BASE64_PACKED,
    STEP_BYTES,
};

#define UUID_BYTES 16
#define UUID_CHARS 36

/* Bytes of a UUID before each of its dashes (RFC 9562, section 4): 8-4-4-4-12 digits. */
#define IS_UUID_DASH_BEFORE(byte) ((byte) == 4 || (byte) == 6 || (byte) == 8 || (byte) == 10)

/*
 * What is stored is read with this list: a phrase keeps its place, new ones come last, and a record
 * that was written with another list has another version (store/record.h).
 */
#define PACK_PHRASES(X)                                                                            \
    X("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.") /* {"alg":"HS256","typ":"JWT"} */                   \
    X("eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.") /* {"typ":"JWT","alg":"HS256"} */                   \
    X("eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.") /* RS256 */                                         \
    X("eyJhbGciOiJFUzI1NiIsInR5cCI6IkpXVCJ9.") /* ES256 */                                         \
    X("eyJhbGciOiJIUzM4NCIsInR5cCI6IkpXVCJ9.") /* HS384 */                                         \
    X("eyJhbGciOiJIUzUxMiIsInR5cCI6IkpXVCJ9.") /* HS512 */                                         \
    X("eyJhbGciOiJFZERTQSIsInR5cCI6IkpXVCJ9.") /* EdDSA */                                         \
    X("{\"token_type\":\"access\",\"exp\":")                                                       \
    X("{\"token_type\":\"refresh\",\"exp\":")                                                      \
    X("\"token_type\":\"access\"")                                                                 \
    X("\"token_type\":\"refresh\"")                                                                \
    X("\"token_use\":\"access\"")                                                                  \
    X("\"token_use\":\"refresh\"")                                                                 \
    X(",\"exp\":")                                                                                 \
    X(",\"iat\":")                                                                                 \
    X(",\"nbf\":")                                                                                 \
    X(",\"jti\":\"")                                                                               \
    X(",\"orig_iat\":")                                                                            \
    X(",\"auth_time\":")                                                                           \
    X("\",\"user_id\":\"")                                                                         \
    X("\",\"user_id\":")                                                                           \
    X("{\"user_id\":\"")                                                                           \
    X("{\"user_id\":")                                                                             \
    X(",\"user_id\":")                                                                             \
    X("\"user_id\":")                                                                              \
    X(",\"username\":\"")                                                                          \
    X("\"username\":\"")                                                                           \
    X(",\"email\":\"")                                                                             \
    X("\"email\":\"")                                                                              \
    X(",\"first_name\":\"")                                                                        \
    X("\"first_name\":\"")                                                                         \
    X(",\"last_name\":\"")                                                                         \
    X("\"last_name\":\"")                                                                          \
    X(",\"full_name\":\"")                                                                         \
    X("\"full_name\":\"")                                                                          \
    X(",\"name\":\"")                                                                              \
    X("\"name\":\"")                                                                               \
    X(",\"sub\":\"")                                                                               \
    X("\"sub\":\"")                                                                                \
    X(",\"iss\":\"")                                                                               \
    X("\"iss\":\"")                                                                                \
    X(",\"role\":\"")                                                                              \
    X("\"role\":\"")                                                                               \
    X(",\"scope\":\"")                                                                             \
    X("\"scope\":\"")                                                                              \
    X(",\"sid\":\"")                                                                               \
    X("\"sid\":\"")                                                                                \
    X(",\"tenant\":\"")                                                                            \
    X("\"tenant\":\"")                                                                             \
    X(",\"id\":")                                                                                  \
    X("\"id\":")                                                                                   \
    X(",\"pk\":")                                                                                  \
    X("\"pk\":")                                                                                   \
    X(",\"aud\":")                                                                                 \
    X("\"aud\":")                                                                                  \
    X(",\"roles\":[")                                                                              \
    X(",\"groups\":[")                                                                             \
    X(",\"permissions\":[")                                                                        \
    X(",\"is_active\":")                                                                           \
    X(",\"is_staff\":")                                                                            \
    X(",\"is_superuser\":")                                                                        \
    X("https://")                                                                                  \
    X("@gmail.com\"")                                                                              \
    X(".com\"")                                                                                    \
    X("true")                                                                                      \
    X("false")                                                                                     \
    X("null")                                                                                      \
    X("\":\"")                                                                                     \
    X("\":{\"")                                                                                    \
    X(",\"")                                                                                       \
    X("\":")                                                                                       \
    X("\"}")                                                                                       \
    X("{\"")

extern const struct str pack_phrases[];
extern const size_t pack_phrases_count;

#endif
