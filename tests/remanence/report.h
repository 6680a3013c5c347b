/* SPDX-License-Identifier: BSL-1.0
 * report.h - what the observed process tells the observer: every secret, straight from where the library keeps it into a pipe, so that
 * telling leaves no copy; what goes over the wire and into the store; and when to look. */
#ifndef TESTS_REMANENCE_REPORT_H
#define TESTS_REMANENCE_REPORT_H

#include <stddef.h>
#include <stdint.h>

#include "secretchat/secretchat.h"

typedef enum {
  REPORT_KEY = 1,       /* a chat key, 256 bytes */
  REPORT_EXPONENT,      /* 256 bytes */
  REPORT_RANDOM,        /* 256 bytes of the host's source: an exponent before the server's bytes are mixed in */
  REPORT_SERVER_RANDOM, /* those */
  REPORT_POOL,          /* random bytes that were not given out yet; a: account */
  REPORT_STORAGE_KEY,   /* a: which of them; the observer made it */
  REPORT_TEXT,          /* a: which of the canaries; the observer makes it again from the seed */
  REPORT_FILE_KEY,      /* key ‖ iv, 64 bytes; a: the canary it goes with */
  REPORT_DELIVERED,     /* the text of a message as it was handed over */
  REPORT_PACKET,        /* an encrypted message; a: its sender is the originator */
  REPORT_RECORD,        /* one of a batch; a: account, b: kind, c: chat, d: key */
  REPORT_COMMIT,        /* the batch was stored, or not; a: account, b: status */
  REPORT_RESET,         /* a: account, whose store is another from now on */
  REPORT_DATABASE,      /* path of the store's file; a: account */
  REPORT_ALIVE,         /* all that follows up to the next LOOK is in use still: nothing else may be found */
  REPORT_LOOK           /* the process stops itself after this; its name */
} report_type;

typedef struct {
  uint32_t type, size;
  int64_t a, b, c, d;
} report_head;

#define REPORT_FD 3
#define ORDERS_FD 4
#define CANARY_SIZE 72u
#define STORAGE_KEYS 3u

/* Canary `index` of a run: letters and digits. */
void canary(uint64_t seed, uint64_t index, uint8_t out[CANARY_SIZE]);

void report(report_type type, int64_t a, const void *data, size_t size);
void report_record(int64_t account, const schat_record *record);
/* Waits until the observer has looked at the files. */
void report_commit(int64_t account, int status);
/* Stops; the observer looks at all of this process's memory, and lets it go on. */
void report_look(const char *name);

#endif
