/*
 * The directory in which nginx' micro-cache keeps its entries, one file for each session, and how
 * one is taken away behind nginx' back.
 *
 * An entry is not deleted but replaced by an empty one, in a single step: nginx finds a cache file
 * of no version it knows, asks us instead, and removes it when its time has come. Of a file that is
 * gone it would complain in its error log, as of something critical, for every sign-out.
 */
#ifndef BFF_STORE_KEPT_FILE_H
#define BFF_STORE_KEPT_FILE_H

#include <stdint.h>

#include "base/err.h"
#include "codec/md5.h"

#define KEPT_FILE_NAME_MAX (2 * MD5_BYTES + 1)

/*
 * -1, with a sentence in *why that goes behind the path, unless it is a directory of a tmpfs that
 * we may write in and others (who are not of its group) may not even enter.
 */
BFF_MUST_CHECK int kept_directory_open(const char *path, const char **why);

/* Can so many more files, which together hold so much, be written? Where nginx cannot write an
 * entry it closes the browser's connection without an answer. false, too, when it has been removed.
 */
bool kept_directory_has_room(int directory, uint64_t files, uint64_t bytes);

/* The name nginx gives to the entry of this session: its fastcgi_cache_key is the cookie's value.
 */
void kept_file_name(struct str cookie, char name[KEPT_FILE_NAME_MAX]);

/* Any thread of any process. Nothing happens if there is none. */
void kept_file_empty(int directory, const char *name);

/* All of them, and what somebody who was killed had begun to write. Other names are left alone. */
void kept_files_empty_all(int directory);

#endif
