/* SPDX-License-Identifier: BSL-1.0
 * known.h - what the observer knows of one run: every secret that was told, which of them are in use, what went over the wire, and the
 * salts in the store. */
#ifndef TESTS_REMANENCE_KNOWN_H
#define TESTS_REMANENCE_KNOWN_H

#include "crypto/crypto.h"
#include "report.h"
#include "windows.h"

typedef struct {
  report_type type;
  int64_t a;
  uint8_t *bytes;
  size_t size;
  int alive;
} secret;

typedef struct {
  uint8_t *bytes;
  size_t size;
  int by_originator;
} packet;

typedef struct {
  uint64_t seed;
  schat__crypto *crypto;
  secret *secrets;
  size_t secret_count, secret_capacity;
  packet *packets;
  size_t packet_count, packet_capacity;
  uint8_t (*salts)[16];
  size_t salt_count, salt_capacity;
  uint8_t storage_keys[STORAGE_KEYS][SCHAT_STORAGE_KEY_SIZE];
  windows *all; /* as they are, alive or not: what no store may ever see */
} known;

known *known_new(uint64_t seed);
void known_free(known *k);

/* Everything that comes from now on is in use, nothing else. */
void known_begin_alive(known *k);
void known_secret(known *k, report_type type, int64_t a, const uint8_t *bytes, size_t size);
void known_packet(known *k, int by_originator, const uint8_t *bytes, size_t size);
void known_salt(known *k, const uint8_t salt[16]);
/* 1 when it is the text of a message that was sent. */
int known_is_text(const known *k, const uint8_t *bytes, size_t size);

/* Every shape of every secret that is not in use. */
void known_dead(const known *k, windows *into);
int known_uses_storage_key(const known *k, size_t which);
/* What a source of the two sets is, for people; and whether a window is part of it as it is. */
const char *known_shape(const known *k, uint32_t source, const uint8_t window[WINDOW]);
const char *known_name(const known *k, uint32_t source, char out[64]);

#endif
