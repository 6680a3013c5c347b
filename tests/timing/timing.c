/* SPDX-License-Identifier: BSL-1.0
 * timing.c - the time of a refusal does not tell its reason: two reasons at a time, in random order, compared by Welch's t.
 *
 *   timing [--samples N] [--kernel NAME] [--seed N]
 *
 * Ends with 0 when no t reaches 4.5 although that of an opening that looks at the length first, which is measured as well, is far above;
 * with fewer than a million samples of each pair there is no such verdict, as chance and the machine weigh too much. */
#if !defined(_POSIX_C_SOURCE)
#define _POSIX_C_SOURCE 199309L /* clock_gettime */
#endif

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/bytes.h"
#include "common/mem.h"
#include "crypto/engine.h"
#include "packets.h"
#include "welch.h"

#define POOL 512u
#define LIMIT 4.5
#define FAR 50.0
#define VERDICT 1000000u

typedef int open_fn(schat__crypto *crypto, int mtproto, const uint8_t *message, uint8_t *work);

static int open_envelope(schat__crypto *crypto, int mtproto, const uint8_t *message, uint8_t *work) {
  const uint8_t *object;
  size_t size;
  return schat__envelope_open(crypto, packet_key, schat__envelope_fingerprint(message), mtproto, 0, message, PACKET, work, &object, &size);
}

/* What others do, and what must be seen here: refuses by the length before it hashes. */
static int open_early_exit(schat__crypto *crypto, int mtproto, const uint8_t *message, uint8_t *work) {
  uint8_t aes_key[32], aes_iv[32], msg_key[16];
  (void)mtproto;
  int status = schat__kdf2(crypto, aes_key, aes_iv, packet_key, message + 8, 8);
  if (status == SCHAT_OK) status = schat__ige_decrypt(crypto, aes_key, aes_iv, message + SCHAT__ENVELOPE_HEAD, work, PADDED);
  if (status != SCHAT_OK) return status;
  int good = schat__load32(work) <= PADDED - 16 && schat__msg_key2(crypto, msg_key, packet_key, 8, work, PADDED) == SCHAT_OK &&
             schat__equal(msg_key, message + 8, sizeof msg_key);
  schat__wipe(work, PADDED);
  return good;
}

#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
#include <x86intrin.h>
static uint64_t now(void) {
  _mm_lfence();
  uint64_t time = __rdtsc();
  _mm_lfence();
  return time;
}
#else
static uint64_t now(void) {
  struct timespec t;
  (void)clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}
#endif

typedef struct {
  const char *name;
  int mtproto;
  reason reasons[2];
  open_fn *open;
} comparison;

static const comparison comparisons[] = {
    {"msg_key and length", 2, {BAD_MSG_KEY, BAD_LENGTH}, open_envelope},
    {"msg_key and padding", 2, {BAD_MSG_KEY, BAD_PADDING}, open_envelope},
    {"length and padding", 2, {BAD_LENGTH, BAD_PADDING}, open_envelope},
    {"one msg_key and many", 2, {FIXED, BAD_MSG_KEY}, open_envelope},
    {"msg_key and length", 1, {BAD_MSG_KEY, BAD_LENGTH}, open_envelope},
    {"msg_key and padding", 1, {BAD_MSG_KEY, BAD_PADDING}, open_envelope},
    {"length and padding", 1, {BAD_LENGTH, BAD_PADDING}, open_envelope},
    {"one msg_key and many", 1, {FIXED, BAD_MSG_KEY}, open_envelope},
    {"early exit, msg_key and length", 2, {BAD_MSG_KEY, BAD_LENGTH}, open_early_exit},
};

/* Both classes stand mixed in one array, as many of each so that no slow moment meets more of one, and each is copied to the same place
 * before it is opened. */
static struct {
  uint8_t which[POOL];
  _Alignas(64) uint8_t packets[POOL][(PACKET + 63) / 64 * 64];
  _Alignas(64) uint8_t message[PACKET];
  _Alignas(64) uint8_t work[PADDED];
} pool;

static void fill_pool(schat__crypto *crypto, const comparison *c) {
  for (size_t i = 0; i < POOL; i++) {
    size_t other = (size_t)(draw() % (i + 1));
    pool.which[i] = pool.which[other];
    pool.which[other] = (uint8_t)(i & 1u);
  }
  for (size_t i = 0; i < POOL; i++) packet_make(crypto, c->mtproto, c->reasons[pool.which[i]], pool.packets[i]);
}

static uint64_t time_one(schat__crypto *crypto, const comparison *c, int *which) {
  size_t i = (size_t)(draw() % POOL);
  *which = pool.which[i];
  memcpy(pool.message, pool.packets[i], PACKET);
  uint64_t before = now();
  int verdict = c->open(crypto, c->mtproto, pool.message, pool.work);
  uint64_t after = now();
  if (verdict != 0) {
    fprintf(stderr, "%s, MTProto %d: not refused but %d\n", c->name, c->mtproto, verdict);
    exit(2);
  }
  return after - before;
}

static double measure(schat__crypto *crypto, const comparison *c, unsigned long samples) {
  static uint64_t first[4096];
  welch w;
  int which;
  fill_pool(crypto, c);
  for (size_t i = 0; i < sizeof first / sizeof first[0]; i++) first[i] = time_one(crypto, c, &which);
  welch_open(&w, first, sizeof first / sizeof first[0]);
  for (unsigned long i = 0; i < samples; i++) {
    if (i % (64u * POOL) == 0) fill_pool(crypto, c); /* others of the same kinds */
    uint64_t time = time_one(crypto, c, &which);
    welch_add(&w, which, time);
  }
  double t = welch_t(&w);
  printf("MTProto %d, %-32s |t| %8.2f  (%.0f and %.0f ticks)\n", c->mtproto, c->name, t, w.of[0][0].mean, w.of[0][1].mean);
  return t;
}

static int run(schat__crypto *crypto, unsigned long samples) {
  double most = 0, leak = 0;
  unsigned count = 0;
  for (size_t i = 0; i < sizeof comparisons / sizeof comparisons[0]; i++) {
    double t = measure(crypto, &comparisons[i], samples);
    if (comparisons[i].open == open_early_exit) {
      leak = t;
    } else {
      count++;
      if (t > most) most = t;
    }
  }
  printf("figure timing: %u pairs of refusals, %lu samples each, |t| at most %.2f; %.0f when the length is looked at first\n", count,
         samples, most, leak);
  return samples < VERDICT || (most < LIMIT && leak > FAR) ? 0 : 1;
}

int main(int argc, char **argv) {
  unsigned long samples = VERDICT;
  uint64_t seed = 1;
  for (int i = 1; i < argc; i += 2) {
    const char *value = i + 1 < argc ? argv[i + 1] : "";
    if (strcmp(argv[i], "--samples") == 0 && strtoul(value, NULL, 10) > 0) {
      samples = strtoul(value, NULL, 10);
    } else if (strcmp(argv[i], "--seed") == 0) {
      seed = strtoull(value, NULL, 10);
    } else if (strcmp(argv[i], "--kernel") != 0 || schat__ige_force(value) != SCHAT_OK) {
      fprintf(stderr, "usage: timing [--samples N] [--kernel NAME] [--seed N]\n");
      return 2;
    }
  }
  schat__crypto *crypto = NULL;
  if (schat__crypto_new(NULL, NULL, NULL, &crypto) != SCHAT_OK) return 2;
  packets_open(crypto, seed);
  int result = run(crypto, samples);
  schat__crypto_free(crypto);
  return result;
}
