/* SPDX-License-Identifier: BSL-1.0
 * dh.c - known answers of the key exchange, and verdicts on what a server offers for it. */
#include "run_vectors.h"

typedef struct {
  int32_t g;
  const uint8_t *p, *a, *b, *g_a, *g_b, *key;
} dh_job;

static int load_dh(run *r, const json_t *c, dh_job *job) {
  job->p = number_field(r, c, "p");
  job->a = number_field(r, c, "a");
  job->b = number_field(r, c, "b");
  job->g_a = number_field(r, c, "g_a");
  job->g_b = number_field(r, c, "g_b");
  job->key = fixed_field(r, c, "key", SCHAT__DH_SIZE);
  return job->p != NULL && job->a != NULL && job->b != NULL && job->g_a != NULL && job->g_b != NULL && job->key != NULL &&
         int_value(json_object_get(c, "g"), &job->g) && job->g > 0 && job->g < 256;
}

static int power_is(run *r, const dh_job *job, const uint8_t *base, const uint8_t *exponent, const uint8_t *expected) {
  uint8_t result[SCHAT__DH_SIZE];
  return schat__dh_key(r->crypto, job->p, base, exponent, result) == SCHAT_OK && same(result, expected, sizeof result);
}

/* What an honest peer sends over a lawful prime must be accepted, in the form it has in the file and in the padded one. */
static int is_lawful_value(run *r, const json_t *c, const char *name, const dh_job *job, const uint8_t *own, const uint8_t *value) {
  schat_bytes raw = {NULL, 0};
  uint8_t padded[SCHAT__DH_SIZE];
  if (!hex_field(r, c, name, &raw)) return 0;
  if (schat__dh_check_public(r->crypto, job->p, own, raw.data, raw.size, padded) != 1 || !same(padded, value, sizeof padded)) return 0;
  return schat__dh_check_public(r->crypto, job->p, value, raw.data, raw.size, padded) == 0; /* */
}

int case_dh(run *r, const json_t *c) {
  dh_job job;
  REQUIRE(load_dh(r, c, &job), "a field is missing or has a wrong size");
  uint8_t base[SCHAT__DH_SIZE] = {0}, hash[SCHAT_KEY_HASH_SIZE];
  base[SCHAT__DH_SIZE - 1] = (uint8_t)job.g;
  REQUIRE(power_is(r, &job, base, job.a, job.g_a), "g_a differs");
  REQUIRE(power_is(r, &job, base, job.b, job.g_b), "g_b differs");
  REQUIRE(power_is(r, &job, job.g_b, job.a, job.key), "the key made of g_b and a differs");
  REQUIRE(power_is(r, &job, job.g_a, job.b, job.key), "the key made of g_a and b differs");
  int64_t expected = 0, fingerprint = 0;
  REQUIRE(long_value(json_object_get(c, "key_fingerprint"), &expected), "key_fingerprint is missing");
  REQUIRE(schat__key_fingerprint(r->crypto, job.key, &fingerprint) == SCHAT_OK && fingerprint == expected, "the fingerprint differs");
  const uint8_t *picture = fixed_field(r, c, "visualization", sizeof hash);
  REQUIRE(picture != NULL, "visualization is missing or has a wrong size");
  REQUIRE(schat__key_hash(r->crypto, job.key, hash) == SCHAT_OK && same(hash, picture, sizeof hash), "the key picture differs");
  if (schat__dh_check_config(r->crypto, job.p, job.g) != 1) return 1;
  REQUIRE(is_lawful_value(r, c, "g_a", &job, job.g_b, job.g_a), "g_a is judged wrongly");
  REQUIRE(is_lawful_value(r, c, "g_b", &job, job.g_a, job.g_b), "g_b is judged wrongly");
  return 1;
}

int case_dh_config(run *r, const json_t *c) {
  schat_bytes raw = {NULL, 0};
  const json_t *accepted = json_object_get(c, "accepted"), *g = json_object_get(c, "g");
  REQUIRE(hex_field(r, c, "p", &raw) && json_is_boolean(accepted) && json_is_integer(g), "a field is missing");
  const uint8_t *p = number_field(r, c, "p");
  int32_t generator = 0;
  int verdict = p != NULL && int_value(g, &generator) ? schat__dh_check_config(r->crypto, p, generator) : 0;
  REQUIRE(verdict == (json_is_true(accepted) ? 1 : 0), "the verdict differs");
  return 1;
}
