/* SPDX-License-Identifier: BSL-1.0
 * messages.c - one encrypted message sealed, with its padding drawn, and opened; against the bare cipher and the portable path. */
#include "messages.h"

#include <stdlib.h>
#include <string.h>

#include "ciphers.h"
#include "crypto/ige.h"
#include "crypto/sha.h"
#include "envelope/envelope.h"
#include "figures.h"

#define OBJECT_MOST 16384u
#define PADDED_MOST (OBJECT_MOST + SCHAT__PADDED_EXTRA)
#define FINGERPRINT INT64_C(0x1122334455667788)

static const other nothing = {NULL, 0};

typedef struct {
  schat__crypto *crypto;
  size_t size, padded_size;
  uint8_t key[256];
  uint8_t message[SCHAT__ENVELOPE_HEAD + PADDED_MOST];
  uint8_t work[PADDED_MOST];
} desk;

static void seal_one(desk *d) {
  uint8_t *padded = d->message + SCHAT__ENVELOPE_HEAD;
  memset(padded + 4, 0x61, d->size);
  must(schat__pad(d->crypto, padded, d->size, d->padded_size) == SCHAT_OK, "schat__pad");
  must(schat__envelope_seal(d->crypto, d->key, FINGERPRINT, 1, padded, d->padded_size, d->message) == SCHAT_OK, "schat__envelope_seal");
}

static void run_seal(void *arg, size_t times) {
  for (size_t i = 0; i < times; i++) seal_one(arg);
}

static void run_open(void *arg, size_t times) {
  desk *d = arg;
  const uint8_t *object;
  size_t size;
  for (size_t i = 0; i < times; i++) {
    must(schat__envelope_open(d->crypto, d->key, FINGERPRINT, 2, 1, d->message, SCHAT__ENVELOPE_HEAD + d->padded_size, d->work, &object,
                              &size) == 1 &&
             size == d->size,
         "schat__envelope_open");
  }
}

static desk *desk_new(size_t size, int portable) {
  desk *d = calloc(1, sizeof *d);
  must(d != NULL && size <= OBJECT_MOST, "memory");
  d->size = size;
  d->padded_size = schat__padded_size(size, 0, 0);
  memset(d->key, 0x42, sizeof d->key);
  must(schat__ige_force(portable ? "evp" : NULL) == SCHAT_OK && schat__sha_force(portable ? "openssl" : NULL) == SCHAT_OK, "kernels");
  must(schat__crypto_new(NULL, NULL, NULL, &d->crypto) == SCHAT_OK, "schat__crypto_new");
  must(schat__ige_force(NULL) == SCHAT_OK && schat__sha_force(NULL) == SCHAT_OK, "the best kernels");
  seal_one(d);
  return d;
}

static void desk_free(desk *d) {
  schat__crypto_free(d->crypto);
  free(d);
}

typedef struct {
  const char *seal, *open;             /* times */
  const char *seal_ratio, *open_ratio; /* to the bare cipher; NULL: no such figure */
} keys;

static void one_message(size_t size, const keys *k, const effort *how) {
  desk *ours = desk_new(size, 0), *portable = desk_new(size, 1);
  void *bare[2] = {ciphers_bare(ours->padded_size, 0), ciphers_bare(ours->padded_size, 1)};
  enum { SEAL, OPEN, SEAL_EVP, OPEN_EVP, BARE_ENCRYPT, BARE_DECRYPT, ALL };
  candidate c[ALL] = {{run_seal, ours, 1, 0, NULL, 0, NULL},       {run_open, ours, 1, 0, NULL, 0, NULL},
                      {run_seal, portable, 1, 0, NULL, 0, NULL},   {run_open, portable, 1, 0, NULL, 0, NULL},
                      {ciphers_run, bare[0], 1, 0, NULL, 0, NULL}, {ciphers_run, bare[1], 1, 0, NULL, 0, NULL}};
  measure(c, ALL, how);
  const other limits[2] = {{"bare IGE", c[BARE_ENCRYPT].median}, {"bare IGE", c[BARE_DECRYPT].median}};
  const other rivals[2] = {{"portable path", c[SEAL_EVP].median}, {"portable path", c[OPEN_EVP].median}};
  figure_set(k->seal, measure_ratio(&c[SEAL], NULL, how), 0, limits[0], rivals[0]);
  figure_set(k->open, measure_ratio(&c[OPEN], NULL, how), 0, limits[1], rivals[1]);
  if (k->seal_ratio != NULL) figure_set(k->seal_ratio, measure_ratio(&c[SEAL], &c[BARE_ENCRYPT], how), c[SEAL].median, limits[0], nothing);
  if (k->open_ratio != NULL) figure_set(k->open_ratio, measure_ratio(&c[OPEN], &c[BARE_DECRYPT], how), c[OPEN].median, limits[1], nothing);
  measure_end(c, ALL);
  for (int i = 0; i < 2; i++) ciphers_bare_end(bare[i]);
  desk_free(ours);
  desk_free(portable);
}

/* Sixteen together -------------------------------------------------------------------------------------------------------- */

#define TOGETHER 16u

static void run_seal_single(void *arg, size_t times) {
  desk **d = arg;
  for (size_t i = 0; i < times; i++) {
    for (size_t j = 0; j < TOGETHER; j++) seal_one(d[j]);
  }
}

static void run_open_single(void *arg, size_t times) {
  desk **d = arg;
  for (size_t i = 0; i < times; i++) {
    for (size_t j = 0; j < TOGETHER; j++) run_open(d[j], 1);
  }
}

/* All with the first one's schat__crypto, as the library has one. */
static void run_seal_many(void *arg, size_t times) {
  desk **d = arg;
  for (size_t i = 0; i < times; i++) {
    schat__seal_job jobs[TOGETHER];
    for (size_t j = 0; j < TOGETHER; j++) {
      uint8_t *padded = d[j]->message + SCHAT__ENVELOPE_HEAD;
      const schat__seal_job job = {d[j]->key, FINGERPRINT, 1, padded, d[j]->padded_size, d[j]->message, 0};
      memset(padded + 4, 0x61, d[j]->size);
      must(schat__pad(d[0]->crypto, padded, d[j]->size, d[j]->padded_size) == SCHAT_OK, "schat__pad");
      jobs[j] = job;
    }
    must(schat__envelope_seal_n(d[0]->crypto, jobs, TOGETHER) == SCHAT_OK, "schat__envelope_seal_n");
  }
}

static void run_open_many(void *arg, size_t times) {
  desk **d = arg;
  for (size_t i = 0; i < times; i++) {
    schat__open_job jobs[TOGETHER];
    for (size_t j = 0; j < TOGETHER; j++) {
      const schat__open_job job = {d[j]->key, FINGERPRINT, 1, d[j]->message, SCHAT__ENVELOPE_HEAD + d[j]->padded_size, d[j]->work, NULL, 0, 0};
      jobs[j] = job;
    }
    schat__envelope_open_n(d[0]->crypto, jobs, TOGETHER);
    for (size_t j = 0; j < TOGETHER; j++) must(jobs[j].verdict == 1 && jobs[j].object_size == d[j]->size, "schat__envelope_open_n");
  }
}

static void sixteen(const effort *how) {
  desk *d[TOGETHER];
  for (size_t i = 0; i < TOGETHER; i++) {
    d[i] = desk_new(100, 0);
    memset(d[i]->key, (int)i + 1, sizeof d[i]->key);
    seal_one(d[i]);
  }
  enum { SEAL_MANY, OPEN_MANY, SEAL_SINGLE, OPEN_SINGLE, ALL };
  candidate c[ALL] = {{run_seal_many, d, TOGETHER, 0, NULL, 0, NULL},
                      {run_open_many, d, TOGETHER, 0, NULL, 0, NULL},
                      {run_seal_single, d, TOGETHER, 0, NULL, 0, NULL},
                      {run_open_single, d, TOGETHER, 0, NULL, 0, NULL}};
  measure(c, ALL, how);
  const other seal = {"one at a time", c[SEAL_SINGLE].median}, open = {"one at a time", c[OPEN_SINGLE].median};
  figure_set("batch16_seal_100_ns", measure_ratio(&c[SEAL_MANY], NULL, how), 0, nothing, seal);
  figure_set("batch16_open_100_ns", measure_ratio(&c[OPEN_MANY], NULL, how), 0, nothing, open);
  figure_set("batch16_seal_100_vs_single", measure_ratio(&c[SEAL_MANY], &c[SEAL_SINGLE], how), c[SEAL_MANY].median, nothing, seal);
  figure_set("batch16_open_100_vs_single", measure_ratio(&c[OPEN_MANY], &c[OPEN_SINGLE], how), c[OPEN_MANY].median, nothing, open);
  measure_end(c, ALL);
  for (size_t i = 0; i < TOGETHER; i++) desk_free(d[i]);
}

void bench_messages(const effort *how) {
  static const keys hundred = {"seal_100_ns", "open_100_ns", "seal_100_vs_bare_ige", "open_100_vs_bare_ige"};
  static const keys thousand = {"seal_1k_ns", "open_1k_ns", NULL, NULL};
  static const keys many = {"seal_16k_ns", "open_16k_ns", NULL, "open_16k_vs_bare_ige"};
  one_message(100, &hundred, how);
  one_message(1024, &thousand, how);
  one_message(16384, &many, how);
  sixteen(how);
}
