/* SPDX-License-Identifier: BSL-1.0
 * known.c - see known.h. */
#include "known.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/bytes.h"
#include "envelope/envelope.h"
#include "forms.h"

#define PACKET_SOURCE 0x40000000u /* sources from here on are packets */

static void need(int condition) {
  if (condition) return;
  fputs("remanence: no memory, or libcrypto failed\n", stderr);
  exit(2);
}

static void *room(void *p, size_t count, size_t *capacity, size_t size) {
  if (count < *capacity) return p;
  *capacity = *capacity == 0 ? 64 : 2 * *capacity;
  p = realloc(p, *capacity * size);
  need(p != NULL);
  return p;
}

static uint8_t *copy_of(const uint8_t *bytes, size_t size) {
  uint8_t *copy = malloc(size + 1);
  need(copy != NULL);
  if (size > 0) memcpy(copy, bytes, size);
  return copy;
}

known *known_new(uint64_t seed) {
  known *k = calloc(1, sizeof *k);
  need(k != NULL && schat__crypto_new(NULL, NULL, NULL, &k->crypto) == SCHAT_OK);
  k->seed = seed;
  k->all = windows_new();
  need(schat__random_private(k->crypto, &k->storage_keys[0][0], sizeof k->storage_keys) == SCHAT_OK);
  return k;
}

void known_free(known *k) {
  for (size_t i = 0; i < k->secret_count; i++) free(k->secrets[i].bytes);
  for (size_t i = 0; i < k->packet_count; i++) free(k->packets[i].bytes);
  free(k->secrets);
  free(k->packets);
  free(k->salts);
  windows_free(k->all);
  schat__crypto_free(k->crypto);
  free(k);
}

void known_begin_alive(known *k) {
  for (size_t i = 0; i < k->secret_count; i++) k->secrets[i].alive = 0;
}

static secret *find(const known *k, report_type type, const uint8_t *bytes, size_t size) {
  for (size_t i = k->secret_count; i-- > 0;) {
    secret *s = &k->secrets[i];
    if (s->type == type && s->size == size && memcmp(s->bytes, bytes, size) == 0) return s;
  }
  return NULL;
}

static void add_secret(known *k, report_type type, int64_t a, const uint8_t *bytes, size_t size) {
  secret *s = find(k, type, bytes, size);
  if (s == NULL) {
    k->secrets = room(k->secrets, k->secret_count, &k->secret_capacity, sizeof *k->secrets);
    s = &k->secrets[k->secret_count];
    s->type = type;
    s->a = a;
    s->bytes = copy_of(bytes, size);
    s->size = size;
    windows_add(k->all, NULL, bytes, size, (uint32_t)k->secret_count++);
  }
  s->alive = 1;
}

/* The exponent that comes of two random values, whichever belong together. */
static void mix_exponents(known *k, report_type other, const uint8_t *bytes) {
  for (size_t i = 0, count = k->secret_count; i < count; i++) {
    uint8_t mixed[SCHAT__DH_SIZE];
    if (k->secrets[i].type != other) continue;
    for (size_t j = 0; j < sizeof mixed; j++) mixed[j] = k->secrets[i].bytes[j] ^ bytes[j];
    add_secret(k, REPORT_EXPONENT, 0, mixed, sizeof mixed);
  }
}

/* Bytes that were given out since the last report are what they are used for now: a salt, a padding. */
static void replace_pool(known *k, int64_t a, const uint8_t *bytes, size_t size) {
  secret *s = NULL;
  for (size_t i = 0; i < k->secret_count && s == NULL; i++) {
    if (k->secrets[i].type == REPORT_POOL && k->secrets[i].a == a) s = &k->secrets[i];
  }
  if (s == NULL) {
    k->secrets = room(k->secrets, k->secret_count, &k->secret_capacity, sizeof *k->secrets);
    s = &k->secrets[k->secret_count++];
    s->type = REPORT_POOL;
    s->a = a;
  } else {
    free(s->bytes);
  }
  s->bytes = copy_of(bytes, size);
  s->size = size;
  s->alive = 1;
}

void known_secret(known *k, report_type type, int64_t a, const uint8_t *bytes, size_t size) {
  uint8_t text[CANARY_SIZE];
  switch (type) {
    case REPORT_TEXT:
      canary(k->seed, (uint64_t)a, text);
      add_secret(k, type, a, text, sizeof text);
      for (size_t i = 0; i < k->secret_count; i++) { /* the keys of its file live in the same message */
        if (k->secrets[i].type == REPORT_FILE_KEY && k->secrets[i].a == a) k->secrets[i].alive = 1;
      }
      return;
    case REPORT_POOL:
      replace_pool(k, a, bytes, size);
      return;
    case REPORT_STORAGE_KEY:
      need(a >= 0 && a < (int64_t)STORAGE_KEYS);
      add_secret(k, type, a, k->storage_keys[a], sizeof k->storage_keys[a]);
      return;
    case REPORT_RANDOM:
    case REPORT_SERVER_RANDOM:
      need(size == SCHAT__DH_SIZE);
      add_secret(k, type, a, bytes, size);
      mix_exponents(k, type == REPORT_RANDOM ? REPORT_SERVER_RANDOM : REPORT_RANDOM, bytes);
      return;
    default:
      add_secret(k, type, a, bytes, size);
  }
}

void known_packet(known *k, int by_originator, const uint8_t *bytes, size_t size) {
  k->packets = room(k->packets, k->packet_count, &k->packet_capacity, sizeof *k->packets);
  packet *p = &k->packets[k->packet_count++];
  p->bytes = copy_of(bytes, size);
  p->size = size;
  p->by_originator = by_originator;
}

void known_salt(known *k, const uint8_t salt[16]) {
  for (size_t i = k->salt_count; i-- > 0;) {
    if (memcmp(k->salts[i], salt, 16) == 0) return;
  }
  k->salts = room(k->salts, k->salt_count, &k->salt_capacity, sizeof *k->salts);
  memcpy(k->salts[k->salt_count++], salt, 16);
}

int known_is_text(const known *k, const uint8_t *bytes, size_t size) {
  return find(k, REPORT_TEXT, bytes, size) != NULL;
}

static void shapes(const known *k, const secret *s, const forms *f) {
  switch (s->type) {
    case REPORT_SERVER_RANDOM: /* the server knows it */
      return;
    case REPORT_KEY:
      forms_chat_key(f, s->bytes);
      return;
    case REPORT_STORAGE_KEY:
      forms_aes_key(f, s->bytes);
      for (size_t i = 0; i < k->salt_count; i++) forms_sealing(f, s->bytes, k->salts[i]);
      return;
    case REPORT_FILE_KEY:
      forms_aes_key(f, s->bytes);
      forms_bytes(f, s->bytes, s->size);
      return;
    default:
      forms_bytes(f, s->bytes, s->size);
  }
}

static void shapes_of(const known *k, int alive, windows *into, const windows *except) {
  for (size_t i = 0; i < k->secret_count; i++) {
    forms f = {into, except, (uint32_t)i};
    if (k->secrets[i].alive == alive) shapes(k, &k->secrets[i], &f);
  }
}

static const uint8_t *key_of(const known *k, int64_t fingerprint) {
  for (size_t i = 0; i < k->secret_count; i++) {
    int64_t own = 0;
    if (k->secrets[i].type != REPORT_KEY) continue;
    need(schat__key_fingerprint(k->crypto, k->secrets[i].bytes, &own) == SCHAT_OK);
    if (own == fingerprint) return k->secrets[i].bytes;
  }
  return NULL;
}

void known_dead(const known *k, windows *into) {
  windows *alive = windows_new();
  shapes_of(k, 1, alive, NULL);
  windows_clear(into);
  shapes_of(k, 0, into, alive);
  for (size_t i = 0; i < k->packet_count; i++) {
    const packet *p = &k->packets[i];
    const uint8_t *key = p->size > SCHAT__ENVELOPE_HEAD ? key_of(k, schat__envelope_fingerprint(p->bytes)) : NULL;
    forms f = {into, alive, PACKET_SOURCE + (uint32_t)i};
    if (key != NULL) forms_message(&f, k->crypto, key, p->by_originator, p->bytes, p->size);
  }
  windows_free(alive);
}

int known_uses_storage_key(const known *k, size_t which) {
  for (size_t i = 0; i < k->secret_count; i++) {
    const secret *s = &k->secrets[i];
    if (s->type == REPORT_STORAGE_KEY && s->a == (int64_t)which && s->alive) return 1;
  }
  return 0;
}

const char *known_shape(const known *k, uint32_t source, const uint8_t window[WINDOW]) {
  if (source >= PACKET_SOURCE) return "derived";
  const secret *s = &k->secrets[source];
  for (size_t i = 0; i + WINDOW <= s->size; i++) {
    size_t backwards = 0;
    if (memcmp(s->bytes + i, window, WINDOW) == 0) return "as it is";
    while (backwards < WINDOW && s->bytes[i + WINDOW - 1 - backwards] == window[backwards]) backwards++;
    if (backwards == WINDOW) return "backwards";
  }
  return "in another shape";
}

const char *known_name(const known *k, uint32_t source, char out[64]) {
  static const char *const names[] = {
      [REPORT_KEY] = "chat key",     [REPORT_EXPONENT] = "exponent",       [REPORT_RANDOM] = "random exponent",
      [REPORT_POOL] = "random pool", [REPORT_STORAGE_KEY] = "storage key", [REPORT_TEXT] = "text",
      [REPORT_FILE_KEY] = "file key"};
  if (source >= PACKET_SOURCE) {
    (void)snprintf(out, 64, "keys or text of message %u", source - PACKET_SOURCE);
  } else {
    (void)snprintf(out, 64, "%s (secret %u, %lld)", names[k->secrets[source].type], source, (long long)k->secrets[source].a);
  }
  return out;
}
