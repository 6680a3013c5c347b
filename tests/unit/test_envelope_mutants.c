/* SPDX-License-Identifier: BSL-1.0
 * test_envelope_mutants.c - the limits of padding, msg_keys of nothing, and what a failure in the middle leaves: small changes to the
 * envelope that no other test would notice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/bytes.h"
#include "crypto/engine.h"
#include "envelope/envelope.h"
#include "failing_openssl.h"
#include "residue.h"

static schat__crypto *crypto;
static uint8_t key[256];

static int prepare(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof key; i++) key[i] = (uint8_t)(i * 13 + 5);
  return schat__crypto_new(NULL, NULL, NULL, &crypto);
}

static int finish(void **state) {
  (void)state;
  schat__crypto_free(crypto);
  return 0;
}

/* R-ENC-04 accept: also of sizes that no object has, for which schat__pad would refuse. */
static void any_size_is_given_at_least_12_bytes_of_padding(void **state) {
  (void)state;
  for (size_t size = 0; size <= 4096; size++) {
    size_t padded = schat__padded_size(size, 0, 0), bucket = schat__padded_size(size, 0, 1);
    assert_int_equal(padded % 16, 0);
    assert_in_range(padded - 4 - size, 12, 27);
    assert_int_equal(bucket % 16, 0);
    assert_in_range(bucket - 4 - size, 12, 1024);
  }
}

/* The largest object whose size with padding is still one that a length field can tell. */
static void the_largest_object_has_a_padded_size_and_the_next_has_none(void **state) {
  (void)state;
  const size_t largest = (size_t)INT32_MAX - SCHAT__PADDED_EXTRA;
  for (int buckets = 0; buckets < 2; buckets++) {
    assert_in_range(schat__padded_size(largest, 15, buckets), largest + 16, (size_t)INT32_MAX);
    assert_int_equal(schat__padded_size(largest + 1, 15, buckets), 0);
    assert_int_equal(schat__padded_size((size_t)INT32_MAX, 15, buckets), 0);
  }
}

/* R-ENC-04: up to the last byte, and not beyond it. */
static void every_byte_of_the_padding_is_random_and_none_behind_it(void **state) {
  (void)state;
  uint8_t seen[128] = {0}, padded[136];
  for (int i = 0; i < 64; i++) {
    memset(padded, 0, sizeof padded);
    assert_int_equal(schat__pad(crypto, padded, 40, 128), SCHAT_OK);
    for (size_t at = 44; at < 128; at++) seen[at] |= padded[at];
    for (size_t at = 128; at < sizeof padded; at++) assert_int_equal(padded[at], 0);
  }
  for (size_t at = 44; at < 128; at++) assert_int_not_equal(seen[at], 0);
}

/* A message of version 1 under any msg_key: what only a peer can make. */
static size_t forge1(uint32_t length, const uint8_t msg_key[16], uint8_t *message) {
  uint8_t aes_key[32], aes_iv[32], *padded = message + SCHAT__ENVELOPE_HEAD;
  schat__store64(message, 77);
  memcpy(message + 8, msg_key, 16);
  for (size_t i = 0; i < 128; i++) padded[i] = (uint8_t)(i * 31);
  schat__store32(padded, length);
  assert_int_equal(schat__kdf1(crypto, aes_key, aes_iv, key, msg_key, 0), SCHAT_OK);
  assert_int_equal(schat__ige_encrypt(crypto, aes_key, aes_iv, padded, padded, 128), SCHAT_OK);
  return SCHAT__ENVELOPE_HEAD + 128;
}

/* R-DEC-02: where no hash is made for a length, the msg_key that is compared is 0; a message that has that one is refused too. */
static void version_1_refuses_a_msg_key_of_nothing(void **state) {
  (void)state;
  static const uint8_t nothing[16] = {0};
  static const uint32_t lengths[] = {0, 92, 104, 108, 109, 110, 111, 112, 120, 124, 125, 128, 140, 0x80000000u, 0xfffffffcu};
  uint8_t message[SCHAT__ENVELOPE_HEAD + 128], work[128];
  for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
    const uint8_t *object = NULL;
    size_t object_size = 0, size = forge1(lengths[i], nothing, message);
    assert_int_equal(schat__envelope_open(crypto, key, 77, 1, 0, message, size, work, &object, &object_size), 0);
    assert_null(object);
  }
}

/* a hash of version 1 that cannot be made is a failure, which may pass, and no refusal, which would lose a genuine message. */
static void a_hash_of_version_1_that_cannot_be_made_is_no_refusal(void **state) {
  (void)state;
  uint8_t message[SCHAT__ENVELOPE_HEAD + 128], work[128], msg_key[16];
  for (size_t i = 0; i < sizeof work; i++) work[i] = (uint8_t)(i * 31);
  schat__store32(work, 124);
  assert_int_equal(schat__msg_key1(crypto, msg_key, work, sizeof work), SCHAT_OK);
  int status = SCHAT_E_CRYPTO, failures = 0;
  size_t size = forge1(124, msg_key, message);
  for (long n = 0; status != 1; n++) {
    const uint8_t *object = NULL;
    size_t object_size = 0;
    assert_true(n < 1000);
    openssl_fail_after(n);
    status = schat__envelope_open(crypto, key, 77, 1, 0, message, size, work, &object, &object_size);
    openssl_recover();
    if (status == 1) continue;
    assert_int_equal(status, SCHAT_E_CRYPTO);
    assert_true(openssl_failed);
    failures++;
  }
  assert_true(failures > 0);
}

/* Below the stack pointer ------------------------------------------------------------------------------------------------------ */

#if defined(__GNUC__) || defined(__clang__)
#define APART __attribute__((noinline))
#else
#define APART
#endif

static const uint8_t pattern[16] = {0x9d, 0x01, 0x42, 0x77, 0xfe, 0x10, 0x3c, 0x58, 0x61, 0x8b, 0xd4, 0xe6, 0x29, 0xb3, 0x0a, 0xcf};
static uint8_t text[128], sealed[SCHAT__ENVELOPE_HEAD + 128], opened[128];
static const uint8_t *from; /* where the stack stood when the call began */

/* A call that no compiler sees through. */
static void *(*const volatile copy)(void *, const void *, size_t) = memcpy;

static APART void leave_patterns(void) {
  uint8_t below[4096];
  for (size_t i = 0; i < sizeof below; i += sizeof pattern) (void)copy(below + i, pattern, sizeof pattern);
}

static APART void seal_once(void) {
  uint8_t here[16];
  (void)copy((void *)&from, &(const uint8_t *){here}, sizeof from);
  (void)schat__envelope_seal(crypto, key, 77, 1, text, sizeof text, sealed);
}

static APART void open_once(void) {
  uint8_t here[16];
  const uint8_t *object;
  size_t size;
  (void)copy((void *)&from, &(const uint8_t *){here}, sizeof from);
  (void)schat__envelope_open(crypto, key, 77, 2, 1, sealed, sizeof sealed, opened, &object, &size);
}

static void leave_and_call(void *call) {
  leave_patterns();
  if (call != NULL) (*(void (**)(void))call)();
}

/* Of 16 bytes, in the KiB below the frames of the call itself. */
static size_t patterns_below(const residue *r, size_t first, size_t end) {
  size_t found = 0, top = (size_t)(from - r->bytes);
  assert_in_range(top, end, r->size);
  for (size_t at = top - end; at < top - first; at++) found += memcmp(r->bytes + at, pattern, sizeof pattern) == 0;
  return found;
}

static void expect_no_pattern_below(void (*call)(void)) {
  residue r = residue_of(leave_and_call, &call);
  if (residue_is_seen()) assert_int_equal(patterns_below(&r, 448, 960), 0);
  residue_free(&r);
}

/* whatever a kernel or libcrypto left there by the way, named or not, is written over before the call returns. */
static void sealing_and_opening_wipe_the_stack_that_kernels_used(void **state) {
  (void)state;
  const schat__sha_kernel *const sha = crypto->sha;
  const schat__ige_kernel *const chosen = crypto->ige, *kernel;
  for (size_t i = 0; (kernel = schat__ige_kernel_at(i)) != NULL; i++) {
    crypto->ige = kernel;
    for (int own_hash = 0; own_hash < 2; own_hash++) {
      crypto->sha = own_hash ? sha : NULL;
      expect_no_pattern_below(seal_once);
      expect_no_pattern_below(open_once);
    }
  }
  crypto->sha = sha;
  crypto->ige = chosen;
}

int main(int argc, char **argv) {
  (void)argc;
  residue_bind_now(argv);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(any_size_is_given_at_least_12_bytes_of_padding),
      cmocka_unit_test(the_largest_object_has_a_padded_size_and_the_next_has_none),
      cmocka_unit_test(every_byte_of_the_padding_is_random_and_none_behind_it),
      cmocka_unit_test(version_1_refuses_a_msg_key_of_nothing),
      cmocka_unit_test(a_hash_of_version_1_that_cannot_be_made_is_no_refusal),
      cmocka_unit_test(sealing_and_opening_wipe_the_stack_that_kernels_used),
  };
  if (!openssl_install()) return 99;
  return cmocka_run_group_tests_name("envelope-mutants", tests, prepare, finish);
}
