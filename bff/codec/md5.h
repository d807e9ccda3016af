/*
 * MD5 (RFC 1321), for nginx names its cache files by it. Nothing rests on its strength: what is
 * hashed here is a secret of 256 random bits already, and nobody else's choice.
 */
#ifndef BFF_CODEC_MD5_H
#define BFF_CODEC_MD5_H

#include "base/str.h"

#define MD5_BYTES 16
#define MD5_MESSAGE_MAX 55 /* what fits into a single block with its padding */

/* message.n is at most MD5_MESSAGE_MAX. */
void md5_short(struct str message, unsigned char digest[MD5_BYTES]);

#endif
