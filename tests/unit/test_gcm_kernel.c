/* SPDX-License-Identifier: BSL-1.0
 * test_gcm_kernel.c - records sealed by the kernel are those that libcrypto seals, byte for byte, of every size; each opens the other's, and
 * neither opens what was damaged. Where the processor has no such kernel, both are libcrypto and the tests compare it with itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "crypto/engine.h"

#define MOST 1100u

static schat__crypto *crypto, *portable;
static schat__sealer *ours, *theirs;
static const uint8_t storage_key[32] = {7, 1, 8, 2, 8};

static uint32_t seed = 20261126;
static uint32_t draw(uint32_t below) {
  seed = seed * 1664525u + 1013904223u;
  return (seed >> 8) % below;
}

static void fill(uint8_t *p, size_t size) {
  for (size_t i = 0; i < size; i++) p[i] = (uint8_t)draw(256);
}

static int prepare(void **state) {
  (void)state;
  if (schat__ige_force("evp") != SCHAT_OK || schat__crypto_new(NULL, NULL, NULL, &portable) != SCHAT_OK) return -1;
  if (schat__ige_force(NULL) != SCHAT_OK || schat__crypto_new(NULL, NULL, NULL, &crypto) != SCHAT_OK) return -1;
  if (schat__sealer_new(NULL, crypto, storage_key, &ours) != SCHAT_OK) return -1;
  return schat__sealer_new(NULL, portable, storage_key, &theirs);
}

static int finish(void **state) {
  (void)state;
  schat__sealer_free(ours);
  schat__sealer_free(theirs);
  schat__crypto_free(crypto);
  schat__crypto_free(portable);
  return 0;
}

/* Memory of exactly that size, so that a memory checker sees every byte too far, `shift` bytes from an aligned address. */
static uint8_t *exactly(size_t shift, size_t size, uint8_t **block) {
  *block = malloc(shift + size + (shift + size == 0));
  assert_non_null(*block);
  return *block + shift;
}

static void the_portable_path_is_libcrypto_alone(void **state) {
  (void)state;
  assert_null(portable->records);
#ifdef SCHAT__X86_64
  assert_int_equal(crypto->records != NULL, (schat__cpu() & SCHAT__CPU_CLMUL) != 0);
#endif
}

static void expect_to_open(schat__sealer *sealer, const uint8_t *aad, size_t aad_size, const uint8_t *sealed, const uint8_t *plain,
                           size_t size) {
  uint8_t *block, *back = exactly(draw(16), size, &block);
  assert_int_equal(schat__unseal(sealer, aad, aad_size, sealed, size + SCHAT__SEAL_OVERHEAD, back), 1);
  if (size > 0) assert_memory_equal(back, plain, size);
  free(block);
}

/* whichever processor wrote a store, any other reads it. */
static void each_opens_what_the_other_sealed(void **state) {
  (void)state;
  static uint8_t plain[MOST];
  uint8_t aad[48];
  for (size_t size = 0; size <= MOST; size += size < 300 ? 1 : 1 + draw(40)) {
    const size_t aad_size = size % 3 == 0 ? 16 : draw(sizeof aad + 1);
    fill(plain, size);
    fill(aad, sizeof aad);
    for (int which = 0; which < 4; which++) {
      uint8_t *block, *sealed = exactly(draw(16), size + SCHAT__SEAL_OVERHEAD, &block);
      const int in_place = which >= 2;
      if (in_place && size > 0) memcpy(sealed + SCHAT__SEAL_HEAD, plain, size);
      assert_int_equal(schat__seal(which % 2 == 0 ? ours : theirs, aad, aad_size, in_place ? sealed + SCHAT__SEAL_HEAD : plain, size, sealed),
                       SCHAT_OK);
      expect_to_open(ours, aad, aad_size, sealed, plain, size);
      expect_to_open(theirs, aad, aad_size, sealed, plain, size);
      free(block);
    }
  }
}

/* X-14 accept: a bit anywhere in a record, or in what it is bound to, and nothing of it comes out. */
static void neither_opens_what_was_damaged(void **state) {
  (void)state;
  uint8_t plain[150], aad[16], sealed[150 + SCHAT__SEAL_OVERHEAD], back[150];
  const uint8_t nothing[150] = {0};
  fill(plain, sizeof plain);
  fill(aad, sizeof aad);
  assert_int_equal(schat__seal(ours, aad, sizeof aad, plain, sizeof plain, sealed), SCHAT_OK);
  for (size_t at = 0; at < sizeof sealed + sizeof aad; at++) {
    uint8_t *byte = at < sizeof sealed ? &sealed[at] : &aad[at - sizeof sealed];
    *byte ^= (uint8_t)(1u << draw(8));
    const uint8_t damaged = *byte;
    for (int which = 0; which < 2; which++) {
      memset(back, 1, sizeof back);
      assert_int_equal(schat__unseal(which == 0 ? ours : theirs, aad, sizeof aad, sealed, sizeof sealed, back), 0);
      assert_memory_equal(back, nothing, sizeof back);
    }
    assert_int_equal(*byte, damaged);
    if (at < sizeof sealed) assert_int_equal(schat__seal(ours, aad, sizeof aad, plain, sizeof plain, sealed), SCHAT_OK);
    if (at >= sizeof sealed) fill(aad, sizeof aad);
  }
}

#ifdef SCHAT__X86_64
/* NIST's SP 800-38D, in the numbering of the proposal: cases 13 to 16 with a key of 256 bits. */
static void the_kernel_gives_the_published_answers(void **state) {
  (void)state;
  static const char key[] = "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", nonce[] = "cafebabefacedbaddecaf888";
  static const char text[] = "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39";
  static const char sealed[] = "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662";
  static const char aad[] = "feedfacedeadbeeffeedfacedeadbeefabaddad2", tag[] = "76fc6ece0f4e1768cddf8853bb2d551b";
  static const char *const given[] = {key, nonce, text, sealed, aad, tag};
  uint8_t bytes[6][64], out[64], made[16];
  schat__gcm_key ready;
  if (crypto->records == NULL) return;
  for (size_t i = 0; i < 6; i++) {
    for (size_t at = 0; at < strlen(given[i]) / 2; at++) {
      const char pair[3] = {given[i][2 * at], given[i][2 * at + 1], '\0'};
      bytes[i][at] = (uint8_t)strtoul(pair, NULL, 16);
    }
  }
  crypto->records->prepare(&ready, bytes[0]);
  crypto->records->seal(&ready, bytes[1], bytes[4], 20, bytes[2], 60, out, made);
  assert_memory_equal(out, bytes[3], 60);
  assert_memory_equal(made, bytes[5], 16);
  crypto->records->open(&ready, bytes[1], bytes[4], 20, out, 60, out, made);
  assert_memory_equal(out, bytes[2], 60);
  assert_memory_equal(made, bytes[5], 16);
}
#endif

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_portable_path_is_libcrypto_alone),
      cmocka_unit_test(each_opens_what_the_other_sealed),
      cmocka_unit_test(neither_opens_what_was_damaged),
#ifdef SCHAT__X86_64
      cmocka_unit_test(the_kernel_gives_the_published_answers),
#endif
  };
  return cmocka_run_group_tests_name("gcm_kernel", tests, prepare, finish);
}
