/* SPDX-License-Identifier: BSL-1.0
 * keys.c - what a key costs: Diffie-Hellman's steps, and a whole exchange of keys. */
#include "keys.h"

#include <openssl/bn.h>

#include "crypto/crypto.h"
#include "desk.h"
#include "figures.h"
#include "traffic.h"

static const other nothing = {NULL, 0};

typedef struct {
  schat__crypto *crypto;
  uint8_t peer[256]; /* a public value of the peer's */
} steps;

static void run_request(void *arg, size_t times) {
  steps *s = arg;
  uint8_t exponent[256], value[256];
  for (size_t i = 0; i < times; i++) {
    must(schat__dh_generate(s->crypto, desk_prime(), 3, NULL, 0, exponent, value) == SCHAT_OK, "schat__dh_generate");
  }
}

static void run_accept(void *arg, size_t times) {
  steps *s = arg;
  uint8_t value[256], padded[256], key[256];
  for (size_t i = 0; i < times; i++) {
    must(schat__dh_check_public(s->crypto, desk_prime(), NULL, s->peer, 256, padded) == 1, "schat__dh_check_public");
    must(schat__dh_accept(s->crypto, desk_prime(), 3, padded, NULL, 0, value, key) == SCHAT_OK, "schat__dh_accept");
  }
}

/* What a client does who does not care for constant time: the rival. */
static void run_plain_power(void *arg, size_t times) {
  BN_CTX *ctx = BN_CTX_new();
  BIGNUM *p = BN_bin2bn(desk_prime(), 256, NULL), *g = BN_new(), *x = BN_new(), *out = BN_new();
  (void)arg;
  must(ctx != NULL && p != NULL && g != NULL && x != NULL && out != NULL && BN_set_word(g, 3), "numbers");
  for (size_t i = 0; i < times; i++) {
    must(BN_rand(x, 2048, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) && BN_mod_exp(out, g, x, p, ctx), "BN_mod_exp");
  }
  BN_free(p);
  BN_free(g);
  BN_free(x);
  BN_free(out);
  BN_CTX_free(ctx);
}

static void bench_steps(const effort *how) {
  steps s = {NULL, {0}};
  uint8_t exponent[256];
  must(schat__crypto_new(NULL, NULL, NULL, &s.crypto) == SCHAT_OK, "schat__crypto_new");
  must(schat__dh_generate(s.crypto, desk_prime(), 3, NULL, 0, exponent, s.peer) == SCHAT_OK, "schat__dh_generate");
  candidate c[3] = {
      {run_request, &s, 1e6, 0, NULL, 0, NULL}, {run_accept, &s, 1e6, 0, NULL, 0, NULL}, {run_plain_power, &s, 1e6, 0, NULL, 0, NULL}};
  measure(c, 3, how);
  const other rival = {"BN_mod_exp, not constant time", c[2].median}, rivals = {"two of BN_mod_exp", 2 * c[2].median};
  figure_set("dh_request_ms", measure_ratio(&c[0], NULL, how), 0, nothing, rival);
  figure_set("dh_accept_ms", measure_ratio(&c[1], NULL, how), 0, nothing, rivals);
  measure_end(c, 3);
  schat__crypto_free(s.crypto);
}

static int64_t key_of(traffic *t) {
  schat_chat_info info;
  SCHAT_INIT(info);
  must(schat_chat_get_info(t->parties[0].manager, t->chat_id, &info) == SCHAT_OK, "schat_chat_get_info");
  return info.key_fingerprint;
}

/* Says something until a new key is in use, and tells what that took: nearly all of it are the exchange's powers. */
static double one_exchange(traffic *t) {
  const int64_t before = key_of(t);
  double took = 0;
  for (int i = 0; i < 20 && key_of(t) == before; i++) {
    const double begin = nanoseconds();
    pair_say(&t->accounts, i % 2, t->chat_id, 100);
    took += nanoseconds() - begin;
  }
  must(key_of(t) != before, "a new key");
  return took / 1e6;
}

void bench_keys(const effort *how) {
  double values[64];
  const unsigned rounds = how->rounds / 20 + 5;
  const effort few = {how->rounds / 5 + 5, how->sample_ns};
  must(rounds <= 64, "not so many rounds");
  bench_steps(&few);
  traffic *t = traffic_new(3, 2);
  for (unsigned i = 0; i < rounds; i++) values[i] = one_exchange(t);
  figure_set("rekey_ms", spread_of(values, rounds), 0, nothing, nothing);
  traffic_free(t);
}
