/* SPDX-License-Identifier: BSL-1.0
 * test_rand.c - random bytes are never given twice, never half, and never kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "crypto/engine.h"

#if defined(__unix__) || defined(__APPLE__)
#include <sys/wait.h>
#include <unistd.h>
#define HAVE_FORK 1
#else
#define HAVE_FORK 0
#endif

typedef struct {
  size_t calls, bytes;
  size_t fails_at; /* this call fails; 0 never */
} source;

static int take_from_source(void *user_data, uint8_t *out, size_t size) {
  source *s = user_data;
  s->calls++;
  s->bytes += size;
  if (s->calls == s->fails_at) {
    memset(out, 0x77, size / 2);
    return -1;
  }
  memset(out, (int)s->calls, size);
  return 0;
}

static schat__crypto *make(schat_random_fn random, void *user_data) {
  schat__crypto *crypto = NULL;
  assert_int_equal(schat__crypto_new(NULL, random, user_data, &crypto), SCHAT_OK);
  return crypto;
}

static int is_zero(const uint8_t *p, size_t size) {
  for (size_t i = 0; i < size; i++) {
    if (p[i] != 0) return 0;
  }
  return 1;
}

/* the caller's source is asked for every byte, when it is needed, and nothing is put by. */
static void the_callers_source_is_asked_each_time(void **state) {
  (void)state;
  source s = {0, 0, 0};
  schat__crypto *crypto = make(take_from_source, &s);
  uint8_t out[300];
  assert_int_equal(schat__random(crypto, out, 8), SCHAT_OK);
  assert_int_equal(schat__random(crypto, out, 300), SCHAT_OK);
  assert_int_equal(schat__random_private(crypto, out, 256), SCHAT_OK);
  assert_int_equal(schat__random(crypto, NULL, 0), SCHAT_OK);
  assert_int_equal(s.calls, 3);
  assert_int_equal(s.bytes, 564);
  assert_int_equal(out[0], 3);
  assert_int_equal(out[255], 3);
  schat__crypto_free(crypto);
}

/* R-DH-09, X-16 reject: a failure is one, and no half of an answer stays. */
static void a_failing_source_is_a_failure_and_leaves_nothing(void **state) {
  (void)state;
  for (size_t at = 1; at <= 2; at++) {
    source s = {0, 0, at};
    schat__crypto *crypto = make(take_from_source, &s);
    uint8_t out[64];
    int first = schat__random(crypto, out, sizeof out);
    if (at == 2) {
      assert_int_equal(first, SCHAT_OK);
      first = schat__random_private(crypto, out, sizeof out);
    }
    assert_int_equal(first, SCHAT_E_RANDOM);
    assert_true(is_zero(out, sizeof out));
    schat__crypto_free(crypto);
  }
}

static int compare(const void *a, const void *b) {
  return memcmp(a, b, 16);
}

/* R-DH-09: of many exponents no two are alike, and ones are as many as zeros. */
static void private_bytes_do_not_repeat_and_are_balanced(void **state) {
  (void)state;
  enum { COUNT = 10000 };
  schat__crypto *crypto = make(NULL, NULL);
  uint8_t *heads = malloc((size_t)COUNT * 16), exponent[256];
  assert_non_null(heads);
  uint64_t ones = 0;
  for (size_t i = 0; i < COUNT; i++) {
    assert_int_equal(schat__random_private(crypto, exponent, sizeof exponent), SCHAT_OK);
    memcpy(heads + 16 * i, exponent, 16);
    for (size_t j = 0; j < sizeof exponent * 8; j++) ones += exponent[j / 8] >> j % 8 & 1u;
  }
  const uint64_t half = (uint64_t)COUNT * 1024;
  assert_true(ones > half - 20000 && ones < half + 20000); /* nine standard deviations */
  qsort(heads, COUNT, 16, compare);
  for (size_t i = 1; i < COUNT; i++) assert_true(memcmp(heads + 16 * (i - 1), heads + 16 * i, 16) != 0);
  free(heads);
  schat__crypto_free(crypto);
}

/* through many refills and a new seed. */
static void bytes_of_the_pool_do_not_repeat(void **state) {
  (void)state;
  enum { COUNT = 80000 };
  schat__crypto *crypto = make(NULL, NULL);
  uint8_t *all = malloc((size_t)COUNT * 16);
  assert_non_null(all);
  for (size_t i = 0; i < COUNT; i++) assert_int_equal(schat__random(crypto, all + 16 * i, 16), SCHAT_OK);
  assert_true((size_t)COUNT * 16 > SCHAT__POOL_REFILLS * SCHAT__POOL_SIZE);
  qsort(all, COUNT, 16, compare);
  for (size_t i = 1; i < COUNT; i++) assert_true(memcmp(all + 16 * (i - 1), all + 16 * i, 16) != 0);
  free(all);
  schat__crypto_free(crypto);
}

/* what was handed out, and the key that made it, are gone from the pool. */
static void the_pool_forgets_what_it_gave(void **state) {
  (void)state;
  schat__crypto *crypto = make(NULL, NULL);
  uint8_t out[700];
  assert_int_equal(schat__random(crypto, out, 100), SCHAT_OK);
  assert_int_equal(crypto->pool.at, 132);
  assert_true(is_zero(crypto->pool.bytes, 132));
  assert_false(is_zero(crypto->pool.bytes + 132, 64));
  assert_int_equal(schat__random(crypto, out, 700), SCHAT_OK);
  assert_int_equal(schat__random(crypto, out, 700), SCHAT_OK);
  assert_int_equal(crypto->pool.refills, 2);
  assert_true(is_zero(crypto->pool.bytes, crypto->pool.at));
  assert_false(is_zero(out, sizeof out));
  schat__crypto_free(crypto);
}

static void the_pool_is_seeded_anew_after_its_refills(void **state) {
  (void)state;
  schat__crypto *crypto = make(NULL, NULL);
  uint8_t out[1];
  assert_int_equal(schat__random(crypto, out, 1), SCHAT_OK);
  crypto->pool.refills = SCHAT__POOL_REFILLS;
  crypto->pool.at = SCHAT__POOL_SIZE;
  assert_int_equal(schat__random(crypto, out, 1), SCHAT_OK);
  assert_int_equal(crypto->pool.refills, 1);
  schat__crypto_free(crypto);
}

static void a_long_request_is_filled_to_its_end(void **state) {
  (void)state;
  schat__crypto *crypto = make(NULL, NULL);
  static uint8_t out[10001];
  memset(out, 0, sizeof out);
  assert_int_equal(schat__random(crypto, out, 10000), SCHAT_OK);
  for (size_t i = 0; i < 10000; i += 100) assert_false(is_zero(out + i, 100));
  assert_int_equal(out[10000], 0);
  schat__crypto_free(crypto);
}

/* X-16 reject: a cipher that has failed gives no bytes, then or later. */
static void a_pool_that_cannot_be_filled_is_a_failure(void **state) {
  (void)state;
  schat__crypto *crypto = make(NULL, NULL);
  uint8_t out[64];
  memset(out, 0x77, sizeof out);
  EVP_CIPHER_CTX_reset(crypto->pool.ctx);
  assert_int_equal(schat__random(crypto, out, sizeof out), SCHAT_E_RANDOM);
  assert_true(is_zero(out, sizeof out));
  assert_int_equal(schat__random(crypto, out, sizeof out), SCHAT_E_RANDOM);
  schat__crypto_free(crypto);
}

#if HAVE_FORK
/* the child of a fork has other bytes than its parent. */
static void check_fork(int with_page) {
  schat__crypto *crypto = make(NULL, NULL);
  if (!with_page) schat__fork_close(&crypto->fork);
  uint8_t mine[64], theirs[64];
  int ends[2];
  assert_int_equal(schat__random(crypto, mine, sizeof mine), SCHAT_OK);
  assert_int_equal(pipe(ends), 0);
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    int status = schat__random(crypto, theirs, sizeof theirs);
    ssize_t done = write(ends[1], theirs, sizeof theirs);
    schat__crypto_free(crypto); /* a leak checker looks at the child too */
    _exit(status == SCHAT_OK && done == (ssize_t)sizeof theirs ? 0 : 1);
  }
  int status = 1;
  assert_int_equal(schat__random(crypto, mine, sizeof mine), SCHAT_OK);
  assert_int_equal(read(ends[0], theirs, sizeof theirs), (ssize_t)sizeof theirs);
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
  assert_memory_not_equal(mine, theirs, sizeof mine);
  close(ends[0]);
  close(ends[1]);
  schat__crypto_free(crypto);
}

static void a_fork_does_not_share_bytes(void **state) {
  (void)state;
  check_fork(1);
}

/* where the system offers no page that a fork wipes. */
static void a_fork_is_noticed_by_the_number_of_the_process_too(void **state) {
  (void)state;
  check_fork(0);
}
#endif

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_callers_source_is_asked_each_time),
    cmocka_unit_test(a_failing_source_is_a_failure_and_leaves_nothing),
    cmocka_unit_test(private_bytes_do_not_repeat_and_are_balanced),
    cmocka_unit_test(bytes_of_the_pool_do_not_repeat),
    cmocka_unit_test(the_pool_forgets_what_it_gave),
    cmocka_unit_test(the_pool_is_seeded_anew_after_its_refills),
    cmocka_unit_test(a_long_request_is_filled_to_its_end),
    cmocka_unit_test(a_pool_that_cannot_be_filled_is_a_failure),
#if HAVE_FORK
    cmocka_unit_test(a_fork_does_not_share_bytes),
    cmocka_unit_test(a_fork_is_noticed_by_the_number_of_the_process_too),
#endif
  };
  return cmocka_run_group_tests_name("rand", tests, NULL, NULL);
}
