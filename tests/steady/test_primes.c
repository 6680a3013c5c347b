/* SPDX-License-Identifier: BSL-1.0
 * test_primes.c - the long test of a prime is made once: what it found is kept with the group, under the number of the rules it went by.
 *
 * BN_check_prime is defined here anew: the program's own definition is taken before a shared library's. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* RTLD_NEXT */
#endif
#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/bn.h>

#include "crypto/engine.h"
#include "desk.h"
#include "manager/manager.h"
#include "vault.h"

#define SIZE SCHAT__DH_SIZE
#define OLD_SIZE (1u + 4 + 4 + SIZE) /* of a record that knows no verdict */

static unsigned tests_made;

int BN_check_prime(const BIGNUM *p, BN_CTX *ctx, BN_GENCB *cb) {
  int (*real)(const BIGNUM *, BN_CTX *, BN_GENCB *);
  void *found = dlsym(RTLD_NEXT, "BN_check_prime");
  assert_non_null(found);
  memcpy(&real, &found, sizeof real);
  tests_made++;
  return real(p, ctx, cb);
}

/* A safe prime that is not built in, and for which every g is lawful. */
static uint8_t group14[SIZE];

static int prepare(void **state) {
  BIGNUM *n = BN_get_rfc3526_prime_2048(NULL);
  (void)state;
  if (n == NULL || BN_bn2binpad(n, group14, (int)SIZE) != (int)SIZE) return -1;
  BN_free(n);
  return 0;
}

/* Another chat is asked for, and the server names a group: the status, and how many numbers were tested. */
static int name_group(desk *d, int32_t g, const uint8_t *p, unsigned *tested) {
  const schat_bytes prime = {p, SIZE}, nothing = {NULL, 0};
  unsigned before = tests_made;
  int status;
  desk_create(d);
  status = desk_config_with(d, g, prime, 7, nothing);
  *tested = tests_made - before;
  return status;
}

static void expect(desk *d, int32_t g, const uint8_t *p, int status, unsigned tested) {
  unsigned found = 0;
  assert_int_equal(name_group(d, g, p, &found), status);
  assert_int_equal(found, tested);
}

static memstore *held; /* an account that holds the group */

static desk *with_group(void) {
  desk *d = desk_new(2);
  if (held != NULL) {
    desk_rewind(d, held);
    return d;
  }
  expect(d, 2, group14, SCHAT_OK, 2); /* p and (p - 1) / 2 */
  held = desk_image(d);
  return d;
}

static int finish(void **state) {
  (void)state;
  memstore_free(held);
  vault_close();
  return 0;
}

/* The only group's record as it would be with other bytes, as authentic as ever; the account opens again. */
static void rewrite_group(desk *d, const uint8_t *plain, size_t size) {
  memstore *image = desk_image(d);
  schat_record record;
  size_t i;
  i = 0;
  while (memstore_record(image, i, &record) && record.kind != SCHAT_RECORD_DH_CONFIG) i++;
  assert_int_equal(record.kind, SCHAT_RECORD_DH_CONFIG);
  vault_put(image, SCHAT_RECORD_DH_CONFIG, 0, record.key, plain, size);
  desk_rewind(d, image);
  memstore_free(image);
}

static uint8_t *group_record(const desk *d, size_t *size) {
  return vault_get(d->w->peers[0].store, SCHAT_RECORD_DH_CONFIG, 0, desk_manager(d)->env.configs[0].key, size);
}

/* As a library wrote it that kept no verdicts. */
static void make_old(desk *d) {
  size_t size = 0;
  uint8_t *plain = group_record(d, &size);
  assert_int_equal(plain[0], 2);
  assert_int_equal(size, OLD_SIZE + 4);
  plain[0] = 1;
  rewrite_group(d, plain, OLD_SIZE);
  free(plain);
}

static void make_ruled(desk *d, uint32_t rules) {
  size_t size = 0;
  uint8_t *plain = group_record(d, &size);
  schat__store32(plain + OLD_SIZE, rules);
  rewrite_group(d, plain, size);
  free(plain);
}

/* Telegram's own prime is compared, not tested. */
static void the_published_prime_is_never_tested(void **state) {
  desk *d = desk_new(1);
  (void)state;
  expect(d, 3, desk_prime(), SCHAT_OK, 0);
  desk_free(d);
}

/* R-DH-06 accept: within a run and after any number of restarts, with the same g and with another. */
static void a_prime_that_has_passed_is_not_tested_again(void **state) {
  desk *d = with_group();
  int crash;
  (void)state;
  expect(d, 2, group14, SCHAT_OK, 0);
  for (crash = 0; crash < 2; crash++) {
    world_restart(d->w, 0, crash);
    expect(d, 2, group14, SCHAT_OK, 0);
    expect(d, 3 + crash, group14, SCHAT_OK, 0);
    assert_int_equal(desk_manager(d)->env.config_count, 2 + (size_t)crash);
  }
  desk_free(d);
}

/* R-DH-06 reject: a prime that has passed vouches for itself alone. */
static void a_kept_verdict_is_of_that_prime_alone(void **state) {
  desk *d = with_group();
  uint8_t other[SIZE];
  (void)state;
  world_restart(d->w, 0, 1);
  expect(d, 8, group14, SCHAT_REJECTED, 0);
  expect(d, 1, group14, SCHAT_REJECTED, 0);
  memcpy(other, group14, SIZE);
  other[100] ^= 1;
  expect(d, 4, other, SCHAT_REJECTED, 1);
  expect(d, 2, group14, SCHAT_OK, 0);
  desk_free(d);
}

/* More groups than the engine keeps in mind. */
static void verdicts_outlast_what_is_kept_in_mind(void **state) {
  desk *d = with_group();
  schat__crypto *crypto;
  uint8_t number[SIZE] = {0};
  size_t i;
  (void)state;
  crypto = desk_manager(d)->env.crypto;
  for (i = 0; i < SCHAT__PROVEN_PRIMES; i++) {
    number[0] = (uint8_t)(i + 1);
    schat__dh_trust(crypto, number);
  }
  expect(d, 2, group14, SCHAT_OK, 0);
  desk_free(d);
}

/* An old store is read. Its prime is tested when it is wanted next; the question is for the whole group, not for what has changed in it. */
static void a_record_without_a_verdict_is_tested_once_more(void **state) {
  desk *d = with_group();
  uint8_t *plain;
  size_t size = 0;
  (void)state;
  make_old(d);
  assert_int_equal(desk_manager(d)->env.config_count, 1);
  assert_int_equal(desk_manager(d)->env.configs[0].rules, 0);
  assert_memory_equal(desk_manager(d)->env.configs[0].p, group14, SIZE);
  desk_create(d);
  assert_int_equal(desk_not_modified(d), SCHAT_REJECTED);
  expect(d, 2, group14, SCHAT_OK, 2);
  assert_int_equal(desk_manager(d)->env.config_count, 1);
  plain = group_record(d, &size);
  assert_int_equal(plain[0], 2);
  assert_int_equal(schat__load32(plain + OLD_SIZE), SCHAT__DH_RULES);
  free(plain);
  world_restart(d->w, 0, 1);
  desk_create(d);
  assert_int_equal(desk_not_modified(d), SCHAT_OK);
  expect(d, 2, group14, SCHAT_OK, 0);
  desk_free(d);
}

/* A verdict is worth what its rules were. */
static void a_verdict_by_other_rules_is_none(void **state) {
  static const uint32_t others[] = {SCHAT__DH_RULES + 1, UINT32_MAX};
  size_t i;
  (void)state;
  for (i = 0; i < 2; i++) {
    desk *d = with_group();
    make_ruled(d, others[i]);
    expect(d, 3, group14, SCHAT_OK, 2); /* nor does it vouch for the prime with another g */
    desk_free(d);
    d = with_group();
    make_ruled(d, others[i]);
    expect(d, 2, group14, SCHAT_OK, 2);
    desk_free(d);
  }
}

/* What weaker rules let pass does not pass now, however authentic the record. */
static void a_bad_prime_of_an_old_record_is_refused(void **state) {
  desk *d = with_group();
  uint8_t *plain, bad[SIZE];
  size_t size = 0;
  (void)state;
  memcpy(bad, group14, SIZE);
  bad[100] ^= 1; /* composite */
  expect(d, 4, bad, SCHAT_REJECTED, 1);
  plain = group_record(d, &size);
  plain[0] = 1;
  schat__store32(plain + 5, 4);
  memcpy(plain + 9, bad, SIZE);
  rewrite_group(d, plain, OLD_SIZE);
  free(plain);
  expect(d, 4, bad, SCHAT_REJECTED, 1);
  assert_int_equal(desk_manager(d)->env.configs[0].rules, 0);
  desk_free(d);
}

/* The verdict is of the input that found it: where that is not stored, it was not found. */
static void a_verdict_that_is_not_stored_is_forgotten(void **state) {
  desk *d = with_group();
  const schat_bytes prime = {group14, SIZE}, nothing = {NULL, 0};
  unsigned tested;
  (void)state;
  make_old(d);
  desk_create(d);
  memstore_fail_commit(d->w->peers[0].store, 1, SCHAT_E_FULL, 0);
  assert_int_equal(desk_config_with(d, 2, prime, 7, nothing), SCHAT_E_FULL);
  assert_int_equal(desk_manager(d)->env.configs[0].rules, 0);
  assert_int_equal(name_group(d, 2, group14, &tested), SCHAT_OK);
  assert_int_equal(desk_manager(d)->env.configs[0].rules, SCHAT__DH_RULES);
  desk_free(d);
}

static int opens(memstore *m, int64_t now) {
  schat_manager *manager = NULL;
  schat_config config;
  int status;
  SCHAT_INIT(config);
  config.store = memstore_store(m);
  config.storage_key = world_storage_key();
  status = schat_open(&config, now, &manager);
  schat_close(manager);
  return status;
}

static int opens_with(const desk *d, const uint8_t *plain, size_t size) {
  memstore *image = desk_image(d);
  int status;
  vault_put(image, SCHAT_RECORD_DH_CONFIG, 0, desk_manager(d)->env.configs[0].key, plain, size);
  status = opens(image, d->w->now);
  memstore_free(image);
  return status;
}

/* A record that is neither of the two forms is damage; what is of a later form is a newer store. */
static void other_forms_are_refused(void **state) {
  desk *d = with_group();
  size_t size = 0;
  uint8_t *plain = group_record(d, &size);
  (void)state;
  assert_int_equal(opens_with(d, plain, size), SCHAT_OK);
  assert_int_equal(opens_with(d, plain, size - 1), SCHAT_E_CORRUPT);
  assert_int_equal(opens_with(d, plain, OLD_SIZE), SCHAT_E_CORRUPT);
  schat__store32(plain + OLD_SIZE, 0); /* a verdict by no rules */
  assert_int_equal(opens_with(d, plain, size), SCHAT_E_CORRUPT);
  plain[0] = 1;
  assert_int_equal(opens_with(d, plain, size), SCHAT_E_CORRUPT);
  assert_int_equal(opens_with(d, plain, OLD_SIZE), SCHAT_OK);
  plain[0] = 3;
  assert_int_equal(opens_with(d, plain, size), SCHAT_E_VERSION);
  free(plain);
  desk_free(d);
}

/* A verdict is sealed like a key: a flipped bit, or a record under the name of another group, is refused. */
static void a_damaged_or_moved_verdict_is_refused(void **state) {
  desk *d = with_group();
  memstore *image = desk_image(d), *damaged;
  schat_record record, moved;
  size_t i = 0, bit;
  (void)state;
  while (memstore_record(image, i, &record) && record.kind != SCHAT_RECORD_DH_CONFIG) i++;
  for (bit = record.value.size * 8 - 192; bit < record.value.size * 8; bit += 7) { /* the verdict and the tag */
    damaged = memstore_clone(image);
    memstore_flip_bit(damaged, i, bit);
    assert_int_equal(opens(damaged, d->w->now), SCHAT_E_CORRUPT);
    memstore_free(damaged);
  }
  moved = record;
  moved.key++;
  memstore_put(image, &moved);
  assert_int_equal(opens(image, d->w->now), SCHAT_E_CORRUPT);
  memstore_free(image);
  desk_free(d);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_published_prime_is_never_tested),
      cmocka_unit_test(a_prime_that_has_passed_is_not_tested_again),
      cmocka_unit_test(a_kept_verdict_is_of_that_prime_alone),
      cmocka_unit_test(verdicts_outlast_what_is_kept_in_mind),
      cmocka_unit_test(a_record_without_a_verdict_is_tested_once_more),
      cmocka_unit_test(a_verdict_by_other_rules_is_none),
      cmocka_unit_test(a_bad_prime_of_an_old_record_is_refused),
      cmocka_unit_test(a_verdict_that_is_not_stored_is_forgotten),
      cmocka_unit_test(other_forms_are_refused),
      cmocka_unit_test(a_damaged_or_moved_verdict_is_refused),
  };
  return cmocka_run_group_tests(tests, prepare, finish);
}
