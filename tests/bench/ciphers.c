/* SPDX-License-Identifier: BSL-1.0
 * ciphers.c - AES-IGE: one stream against the chain it cannot beat and against OpenSSL's, and many at once. */
#include "ciphers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPENSSL_SUPPRESS_DEPRECATED  // AES_ige_encrypt is deprecated, and a rival here
#include <openssl/aes.h>

#include "crypto/crypto.h"
#include "crypto/ige.h"
#include "figures.h"
#include "limit.h"

#define STREAMS 16u
#define APART 4352u /* from one stream to the next: at 4096 all would stand in the same places of the cache */

static const other nothing = {NULL, 0};

static schat__crypto *crypto_with(const char *kernel) {
  schat__crypto *crypto = NULL;
  must(schat__ige_force(kernel) == SCHAT_OK, "a kernel of that name");
  must(schat__crypto_new(NULL, NULL, NULL, &crypto) == SCHAT_OK, "schat__crypto_new");
  must(schat__ige_force(NULL) == SCHAT_OK, "the best kernel");
  return crypto;
}

/* One stream -------------------------------------------------------------------------------------------------------------- */

typedef enum { OURS, OPENSSL, CHAIN } maker;

typedef struct {
  maker by;
  int decrypt;
  schat__crypto *crypto;
  size_t size;
  uint8_t key[32], iv[32];
  uint8_t *in, *out;
} stream;

static stream *stream_new(maker by, const char *kernel, size_t size, int decrypt) {
  stream *s = calloc(1, sizeof *s);
  must(s != NULL, "memory");
  s->by = by;
  s->decrypt = decrypt;
  s->size = size;
  s->crypto = by == OURS ? crypto_with(kernel) : NULL;
  s->in = malloc(size);
  s->out = malloc(size);
  must(s->in != NULL && s->out != NULL, "memory");
  memset(s->in, 0x35, size);
  memset(s->out, 0, size);
  memset(s->key, 0x7e, sizeof s->key);
  return s;
}

static void stream_free(stream *s) {
  schat__crypto_free(s->crypto);
  free(s->in);
  free(s->out);
  free(s);
}

/* Each call goes on with the iv of the one before. */
static void run_stream(void *arg, size_t times) {
  stream *s = arg;
  int status = SCHAT_OK;
  for (size_t i = 0; i < times && status == SCHAT_OK; i++) {
    AES_KEY schedule;
    if (s->by == CHAIN) {
      limit_chain(s->size);
    } else if (s->by == OURS) {
      status = s->decrypt ? schat__ige_decrypt(s->crypto, s->key, s->iv, s->in, s->out, s->size)
                          : schat__ige_encrypt(s->crypto, s->key, s->iv, s->in, s->out, s->size);
    } else {
      status = s->decrypt ? AES_set_decrypt_key(s->key, 256, &schedule) : AES_set_encrypt_key(s->key, 256, &schedule);
      AES_ige_encrypt(s->in, s->out, s->size, &schedule, s->iv, s->decrypt ? AES_DECRYPT : AES_ENCRYPT);
    }
  }
  must(status == SCHAT_OK, "a cipher");
}

static candidate candidate_of(stream *s) {
  const candidate c = {run_stream, s, 1, 0, NULL, 0, NULL};
  return c;
}

/* The rival computes the same; otherwise its time says nothing. */
static void check_rival(int decrypt) {
  stream *ours = stream_new(OURS, NULL, 1024, decrypt), *rival = stream_new(OPENSSL, NULL, 1024, decrypt);
  for (int i = 0; i < 2; i++) {
    run_stream(ours, 1);
    run_stream(rival, 1);
    must(memcmp(ours->out, rival->out, 1024) == 0, "AES_ige_encrypt gives the same");
  }
  stream_free(ours);
  stream_free(rival);
}

void *ciphers_bare(size_t size, int decrypt) {
  return stream_new(OURS, NULL, size, decrypt);
}

void ciphers_bare_end(void *bare) {
  stream_free(bare);
}

void ciphers_run(void *bare, size_t times) {
  run_stream(bare, times);
}

/* share of the limit: chain / ours. */
static void against_limit(const char *key, size_t size, int decrypt, const effort *how) {
  if (!limit_known()) {
    figure_number(key, 0);
    return;
  }
  stream *ours = stream_new(OURS, NULL, size, decrypt), *chain = stream_new(CHAIN, NULL, size, decrypt);
  candidate c[2] = {candidate_of(ours), candidate_of(chain)};
  measure(c, 2, how);
  const other limit = {"bare chain", c[1].median};
  figure_set(key, measure_ratio(&c[1], &c[0], how), c[0].median, limit, nothing);
  measure_end(c, 2);
  stream_free(ours);
  stream_free(chain);
}

static void against_openssl(const char *best, const char *portable, int decrypt, const effort *how) {
  const size_t size = 65536;
  stream *s[4] = {stream_new(OURS, NULL, size, decrypt), stream_new(OURS, "evp", size, decrypt), stream_new(OPENSSL, NULL, size, decrypt),
                  stream_new(CHAIN, NULL, size, decrypt)};
  candidate c[4];
  const size_t count = limit_known() ? 4 : 3;
  check_rival(decrypt);
  for (size_t i = 0; i < count; i++) c[i] = candidate_of(s[i]);
  measure(c, count, how);
  const other limit = {limit_known() ? "bare chain" : NULL, limit_known() ? c[3].median : 0}, rival = {"AES_ige_encrypt", c[2].median};
  figure_set(best, measure_ratio(&c[2], &c[0], how), c[0].median, limit, rival);
  figure_set(portable, measure_ratio(&c[2], &c[1], how), c[1].median, limit, rival);
  measure_end(c, count);
  for (size_t i = 0; i < 4; i++) stream_free(s[i]);
}

/* Many streams ------------------------------------------------------------------------------------------------------------ */

typedef struct {
  schat__crypto *crypto;
  size_t count, size;
  int together;
  uint8_t keys[STREAMS][32], ivs[STREAMS][32];
  uint8_t *in, *out;
} bundle;

static size_t apart(size_t size) {
  return size + (APART - 4096u);
}

static bundle *bundle_new(const char *kernel, size_t count, size_t size, int together) {
  bundle *b = calloc(1, sizeof *b);
  must(b != NULL && count <= STREAMS, "memory");
  b->crypto = crypto_with(kernel);
  b->count = count;
  b->size = size;
  b->together = together;
  b->in = calloc(count, apart(size));
  b->out = calloc(count, apart(size));
  must(b->in != NULL && b->out != NULL, "memory");
  for (size_t i = 0; i < count; i++) memset(b->keys[i], (int)i + 1, sizeof b->keys[i]);
  return b;
}

static void bundle_free(bundle *b) {
  schat__crypto_free(b->crypto);
  free(b->in);
  free(b->out);
  free(b);
}

static int one_by_one(bundle *b) {
  int status = SCHAT_OK;
  for (size_t i = 0; i < b->count && status == SCHAT_OK; i++) {
    status = schat__ige_encrypt(b->crypto, b->keys[i], b->ivs[i], b->in + i * apart(b->size), b->out + i * apart(b->size), b->size);
  }
  return status;
}

static int together(bundle *b) {
  schat__ige_job jobs[STREAMS];
  for (size_t i = 0; i < b->count; i++) {
    const schat__ige_job job = {b->keys[i], b->ivs[i], b->in + i * apart(b->size), b->out + i * apart(b->size), b->size, 0};
    jobs[i] = job;
  }
  return schat__ige_encrypt_n(b->crypto, jobs, b->count);
}

static void run_bundle(void *arg, size_t times) {
  bundle *b = arg;
  for (size_t i = 0; i < times; i++) must((b->together ? together(b) : one_by_one(b)) == SCHAT_OK, "a bundle of streams");
}

static void bundles(const char *key, size_t count, const effort *how) {
  bundle *single = bundle_new(NULL, count, 4096, 0), *all = bundle_new(NULL, count, 4096, 1);
  candidate c[2] = {{run_bundle, all, (double)count, 0, NULL, 0, NULL}, {run_bundle, single, (double)count, 0, NULL, 0, NULL}};
  measure(c, 2, how);
  const other rival = {"one by one", c[1].median};
  figure_set(key, measure_ratio(&c[1], &c[0], how), c[0].median, nothing, rival);
  measure_end(c, 2);
  bundle_free(single);
  bundle_free(all);
}

static int has_kernel(const char *name) {
  const schat__ige_kernel *kernel;
  for (size_t i = 0; (kernel = schat__ige_kernel_at(i)) != NULL; i++) {
    if (strcmp(kernel->name, name) == 0) return 1;
  }
  return 0;
}

void bench_ciphers(const effort *how) {
  against_limit("ige_enc_limit_64", 64, 0, how);
  against_limit("ige_dec_limit_64", 64, 1, how);
  against_limit("ige_enc_limit_1k", 1024, 0, how);
  against_limit("ige_dec_limit_1k", 1024, 1, how);
  against_openssl("ige_enc_vs_openssl_64k", "evp_enc_vs_openssl_64k", 0, how);
  against_openssl("ige_dec_vs_openssl_64k", "evp_dec_vs_openssl_64k", 1, how);
  if (has_kernel("aesni8"))
    bundles("ige_batch8_vs_single_4k", 8, how);
  else
    figure_number("ige_batch8_vs_single_4k", 0);
  if (has_kernel("vaes512"))
    bundles("ige_batch16_vs_single_4k", 16, how);
  else
    figure_number("ige_batch16_vs_single_4k", 0);
}

/* Curves ------------------------------------------------------------------------------------------------------------------ */

size_t curve_size(size_t point) {
  return (size_t)16 << point;
}

static void measure_curve(curve *c, const char *name, const char *kernel, maker by, unsigned streams, const effort *how) {
  const double clock = limit_clock();
  (void)snprintf(c->name, sizeof c->name, "%s", name);
  c->streams = streams;
  for (size_t i = 0; i < CURVE_POINTS; i++) {
    const size_t size = curve_size(i);
    stream *one = streams > 1 ? NULL : stream_new(by, kernel, size, 0);
    bundle *many = streams > 1 ? bundle_new(kernel, streams, size, 1) : NULL;
    candidate timed = {many != NULL ? run_bundle : run_stream,
                       many != NULL ? (void *)many : (void *)one,
                       (double)(many != NULL ? streams : 1),
                       0,
                       NULL,
                       0,
                       NULL};
    measure(&timed, 1, how);
    c->cycles_per_byte[i] = timed.median * clock / (double)size;
    measure_end(&timed, 1);
    if (one != NULL) stream_free(one);
    if (many != NULL) bundle_free(many);
  }
}

/* Kernels for many streams have one for a single stream in common, which is drawn once, as what serves one message. */
static unsigned streams_of(const schat__ige_kernel *kernel) {
  if (kernel->encrypt_n == NULL) return 1;
  return strcmp(kernel->name, "aesni8") == 0 ? 8 : 16;
}

size_t ciphers_curves(curve *curves, size_t capacity, const effort *how) {
  size_t count = 0;
  const schat__ige_kernel *kernel;
  char name[64];
  if (limit_known()) measure_curve(&curves[count++], "limit of one stream: the bare chain", NULL, CHAIN, 0, how);
  measure_curve(&curves[count++], "OpenSSL AES_ige_encrypt", NULL, OPENSSL, 1, how);
  for (size_t i = 0; (kernel = schat__ige_kernel_at(i)) != NULL && count < capacity; i++) {
    const unsigned streams = streams_of(kernel);
    (void)snprintf(name, sizeof name, streams > 1 ? "%s, %u streams together" : "%s", kernel->name, streams);
    measure_curve(&curves[count++], name, kernel->name, OURS, streams, how);
  }
  return count;
}
