/* SPDX-License-Identifier: BSL-1.0
 * test_ige_kernels.c - every kernel that this processor runs does what the portable one does, in every size, place, cut and company. */
#define _XOPEN_SOURCE 700 /* pthread_attr_setstack */

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <jansson.h>

#include "crypto/engine.h"
#include "crypto/ige_x86.h"

#if defined(__has_include)
#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#define CHECKER 1
#endif
#endif

#define MOST 1024u
#define JOBS 67u /* more than twice the lanes of any kernel, and not a multiple */

typedef int one_fn(schat__crypto *, const uint8_t *, uint8_t *, const uint8_t *, uint8_t *, size_t);
typedef int many_fn(schat__crypto *, schat__ige_job *, size_t);
static one_fn *const one[2] = {schat__ige_encrypt, schat__ige_decrypt};
static many_fn *const many[2] = {schat__ige_encrypt_n, schat__ige_decrypt_n};

static schat__crypto *crypto, *portable;

static uint32_t seed = 20261122;
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
  if (schat__ige_force(NULL) != SCHAT_OK) return -1;
  return schat__crypto_new(NULL, NULL, NULL, &crypto);
}

static int finish(void **state) {
  (void)state;
  schat__crypto_free(crypto);
  schat__crypto_free(portable);
  return 0;
}

/* Makes kernel `i` that of `crypto`; 0 past the last. */
static int use_kernel(size_t i) {
  const schat__ige_kernel *kernel = schat__ige_kernel_at(i);
  if (kernel != NULL) crypto->ige = kernel;
  return kernel != NULL;
}

/* Memory that ends where its bytes end, so that a memory checker sees every byte too far, `shift` bytes from an aligned address. */
static uint8_t *shifted(size_t shift, size_t size, uint8_t **block) {
  *block = malloc(shift + size);
  assert_non_null(*block);
  memset(*block, 0xee, shift);
  return *block + shift;
}

static void check_place(int way, const uint8_t *in, size_t size, size_t in_shift, size_t out_shift) {
  uint8_t key[32], iv[32], expected_iv[32], expected[MOST], *in_block, *out_block;
  uint8_t *from = shifted(in_shift, size, &in_block), *to = shifted(out_shift, size, &out_block);
  fill(key, sizeof key);
  fill(iv, sizeof iv);
  memcpy(expected_iv, iv, 32);
  memcpy(from, in, size);
  assert_int_equal(one[way](portable, key, expected_iv, in, expected, size), SCHAT_OK);
  uint8_t running[32];
  memcpy(running, iv, 32);
  assert_int_equal(one[way](crypto, key, running, from, to, size), SCHAT_OK);
  assert_memory_equal(to, expected, size);
  assert_memory_equal(running, expected_iv, 32);
  assert_memory_equal(from, in, size);
  memcpy(running, iv, 32);
  assert_int_equal(one[way](crypto, key, running, from, from, size), SCHAT_OK);
  assert_memory_equal(from, expected, size);
  assert_memory_equal(running, expected_iv, 32);
  for (size_t i = 0; i < out_shift; i++) assert_int_equal(out_block[i], 0xee);
  for (size_t i = 0; i < in_shift; i++) assert_int_equal(in_block[i], 0xee);
  free(in_block);
  free(out_block);
}

/* R-ENC-08 accept: 16 to 1,024 bytes at every alignment of both buffers, in place and not, both directions. */
static void every_size_and_alignment_agrees_with_the_portable_kernel(void **state) {
  (void)state;
  uint8_t in[MOST];
  for (size_t kernel = 0; use_kernel(kernel); kernel++) {
    for (size_t size = 16; size <= MOST; size += 16) {
      fill(in, size);
      for (size_t place = 0; place < 256; place++) {
        if (size > 128 && place % 16 != (place / 16 + size / 16) % 16) continue; /* long ones: 16 of the pairs, each time others */
        check_place(0, in, size, place % 16, place / 16);
        check_place(1, in, size, place % 16, place / 16);
      }
    }
  }
}

/* R-FILE-01 accept: parts of a file. */
static void long_streams_agree_with_the_portable_kernel(void **state) {
  (void)state;
  static const size_t sizes[] = {4096 + 16, 65536, 524288, 524288 + 48};
  uint8_t *in = malloc(1 << 20), *expected = malloc(1 << 20), *out = malloc(1 << 20);
  assert_true(in != NULL && expected != NULL && out != NULL);
  fill(in, 1 << 20);
  for (size_t kernel = 0; use_kernel(kernel); kernel++) {
    for (size_t i = 0; i < 2 * sizeof sizes / sizeof sizes[0]; i++) {
      uint8_t iv[32] = {1, 2, 3}, expected_iv[32] = {1, 2, 3};
      size_t size = sizes[i / 2];
      assert_int_equal(one[i % 2](portable, in + i, expected_iv, in, expected, size), SCHAT_OK);
      assert_int_equal(one[i % 2](crypto, in + i, iv, in, out, size), SCHAT_OK);
      assert_memory_equal(out, expected, size);
      assert_memory_equal(iv, expected_iv, 32);
    }
  }
  free(in);
  free(expected);
  free(out);
}

/* R-FILE-01 accept: a stream in pieces is the stream, whichever kernel does the next piece. */
static void a_stream_may_be_cut_anywhere_and_change_kernels(void **state) {
  (void)state;
  uint8_t key[32], iv[32], in[MOST], expected[MOST], out[MOST];
  fill(key, sizeof key);
  for (unsigned round = 0; round < 400; round++) {
    int way = (int)(round % 2);
    uint8_t expected_iv[32];
    fill(in, sizeof in);
    fill(iv, sizeof iv);
    memcpy(expected_iv, iv, 32);
    assert_int_equal(one[way](portable, key, expected_iv, in, expected, MOST), SCHAT_OK);
    for (size_t at = 0, piece; at < MOST; at += piece) {
      piece = 16 * (size_t)draw(9);
      if (piece > MOST - at) piece = MOST - at;
      if (!use_kernel(draw(4))) use_kernel(0);
      assert_int_equal(one[way](crypto, key, iv, in + at, out + at, piece), SCHAT_OK);
    }
    assert_memory_equal(out, expected, MOST);
    assert_memory_equal(iv, expected_iv, 32);
  }
}

/* Jobs and what must come of them. */
typedef struct {
  schat__ige_job jobs[JOBS];
  uint8_t keys[JOBS][32], ivs[JOBS][32], expected_ivs[JOBS][32], in[JOBS][MOST], expected[JOBS][MOST];
  uint8_t *blocks[2 * JOBS];
} company;
static company c;

static void prepare_job(int way, size_t i, size_t size, int in_place) {
  schat__ige_job *job = &c.jobs[i];
  if (i == 0 || draw(4) > 0) {
    fill(c.keys[i], 32);
  } else {
    memcpy(c.keys[i], c.keys[i - 1], 32);
  }
  fill(c.ivs[i], 32);
  fill(c.in[i], size);
  memcpy(c.expected_ivs[i], c.ivs[i], 32);
  assert_int_equal(one[way](portable, c.keys[i], c.expected_ivs[i], c.in[i], c.expected[i], size), SCHAT_OK);
  uint8_t *out = shifted(draw(16), size, &c.blocks[2 * i]), *in = shifted(draw(16), size, &c.blocks[2 * i + 1]);
  memcpy(in_place ? out : in, c.in[i], size);
  job->key = c.keys[i];
  job->iv = c.ivs[i];
  job->in = in_place ? out : in;
  job->out = out;
  job->size = size;
  job->status = -99;
}

static void check_job(size_t i) {
  const schat__ige_job *job = &c.jobs[i];
  assert_int_equal(job->status, SCHAT_OK);
  assert_memory_equal(job->out, c.expected[i], job->size);
  assert_memory_equal(job->iv, c.expected_ivs[i], 32);
  free(c.blocks[2 * i]);
  free(c.blocks[2 * i + 1]);
}

/* R-ENC-08 accept: any number of jobs of one size. */
static void equal_streams_together_are_what_they_are_alone(void **state) {
  (void)state;
  static const size_t sizes[] = {0, 16, 32, 48, 64, 1024};
  for (size_t kernel = 0; use_kernel(kernel); kernel++) {
    for (size_t count = 0; count <= 35; count++) {
      for (unsigned i = 0; i < 2 * sizeof sizes / sizeof sizes[0]; i++) {
        for (size_t j = 0; j < count; j++) prepare_job((int)i % 2, j, sizes[i / 2], draw(2) == 0);
        assert_int_equal(many[i % 2](crypto, c.jobs, count), SCHAT_OK);
        for (size_t j = 0; j < count; j++) check_job(j);
      }
    }
  }
}

/* R-ENC-08, R-FILE-01 accept: sizes as they come, empty ones among them, and jobs with the same key. */
static void unequal_streams_together_are_what_they_are_alone(void **state) {
  (void)state;
  for (size_t kernel = 0; use_kernel(kernel); kernel++) {
    for (unsigned round = 0; round < 200; round++) {
      size_t count = draw(JOBS + 1);
      uint32_t most = round % 3 == 0 ? 5 : 1 + MOST / 16;
      for (size_t j = 0; j < count; j++) prepare_job((int)round % 2, j, 16 * (size_t)draw(most), draw(2) == 0);
      assert_int_equal(many[round % 2](crypto, c.jobs, count), SCHAT_OK);
      for (size_t j = 0; j < count; j++) check_job(j);
    }
  }
}

/* R-DEC-02 reject: a size that cannot be, anywhere in the list, stops all before anything is done. */
static void one_unlawful_size_stops_all_jobs(void **state) {
  (void)state;
  for (size_t kernel = 0; use_kernel(kernel); kernel++) {
    for (size_t bad = 0; bad < 20; bad++) {
      uint8_t iv[20][32], out[20][64];
      memset(out, 0xee, sizeof out);
      for (size_t j = 0; j < 20; j++) {
        memset(iv[j], (int)j, 32);
        schat__ige_job job = {c.keys[j], iv[j], c.in[j], out[j], j == bad ? 63 : 64, -99};
        c.jobs[j] = job;
      }
      assert_int_equal(many[bad % 2](crypto, c.jobs, 20), SCHAT_E_INVALID);
      for (size_t j = 0; j < 20; j++) {
        assert_int_equal(c.jobs[j].status, -99);
        for (size_t i = 0; i < 64; i++) assert_int_equal(out[j][i], 0xee);
        for (size_t i = 0; i < 32; i++) assert_int_equal(iv[j][i], (int)j);
      }
    }
  }
}

/* X-17 reject: a cipher of libcrypto that fails gives each job that failure, no text, and the iv it had. */
static void jobs_that_fail_say_so_each(void **state) {
  (void)state;
  for (int way = 0; way < 2; way++) {
    schat__crypto *broken = NULL;
    assert_int_equal(schat__ige_force("evp"), SCHAT_OK);
    assert_int_equal(schat__crypto_new(NULL, NULL, NULL, &broken), SCHAT_OK);
    assert_int_equal(schat__ige_force(NULL), SCHAT_OK);
    EVP_CIPHER_CTX_reset(broken->ige_encrypt);
    EVP_CIPHER_CTX_reset(broken->ige_decrypt);
    for (size_t j = 0; j < 3; j++) prepare_job(way, j, j * 16, 0);
    uint8_t before[3][32];
    memcpy(before, c.ivs, sizeof before);
    assert_int_equal(many[way](broken, c.jobs, 3), SCHAT_E_CRYPTO);
    assert_int_equal(c.jobs[0].status, SCHAT_OK); /* of no bytes */
    for (size_t j = 1; j < 3; j++) {
      assert_int_equal(c.jobs[j].status, SCHAT_E_CRYPTO);
      for (size_t i = 0; i < j * 16; i++) assert_int_equal(c.jobs[j].out[i], 0);
    }
    assert_memory_equal(c.ivs, before, sizeof before);
    for (size_t j = 0; j < 6; j++) free(c.blocks[j]);
    schat__crypto_free(broken);
  }
}

/* A forced kernel serves every engine made after that; one that is unknown is refused and changes nothing. */
static void a_kernel_can_be_forced_by_its_name(void **state) {
  (void)state;
  const schat__ige_kernel *kernel, *last = NULL;
  for (size_t i = 0; (kernel = schat__ige_kernel_at(i)) != NULL; i++) {
    schat__crypto *made = NULL;
    assert_int_equal(schat__ige_force(kernel->name), SCHAT_OK);
    assert_int_equal(schat__ige_force("no such kernel"), SCHAT_E_INVALID);
    assert_int_equal(schat__crypto_new(NULL, NULL, NULL, &made), SCHAT_OK);
    assert_ptr_equal(made->ige, kernel);
    schat__crypto_free(made);
    last = kernel;
  }
  assert_ptr_equal(last, &schat__ige_evp);
  assert_int_equal(schat__ige_force(NULL), SCHAT_OK);
  assert_ptr_equal(schat__ige_choose(), schat__ige_kernel_at(0));
}

static void from_hex(const json_t *object, const char *name, uint8_t *out, size_t most, size_t *size) {
  const char *hex = json_string_value(json_object_get(object, name));
  assert_non_null(hex);
  *size = strlen(hex) / 2;
  assert_true(*size <= most);
  for (size_t i = 0; i < *size; i++) {
    char pair[3] = {hex[2 * i], hex[2 * i + 1], 0};
    out[i] = (uint8_t)strtoul(pair, NULL, 16);
  }
}

/* R-ENC-08, R-DEC-02 accept: what TDLib computes. */
static void every_kernel_knows_the_known_answers(void **state) {
  (void)state;
  static uint8_t plain[1 << 16], sealed[1 << 16], out[1 << 16];
  json_t *cases = json_load_file(SCHAT_VECTORS_DIR "/ige.json", 0, NULL);
  assert_true(json_array_size(cases) > 0);
  for (size_t kernel = 0; use_kernel(kernel); kernel++) {
    for (size_t i = 0; i < json_array_size(cases); i++) {
      const json_t *vector = json_array_get(cases, i);
      uint8_t key[32], iv[32], after[32], running[32];
      size_t size, ignored;
      from_hex(vector, "key", key, 32, &ignored);
      from_hex(vector, "iv", iv, 32, &ignored);
      from_hex(vector, "iv_after", after, 32, &ignored);
      from_hex(vector, "plaintext", plain, sizeof plain, &size);
      from_hex(vector, "ciphertext", sealed, sizeof sealed, &ignored);
      memcpy(running, iv, 32);
      assert_int_equal(schat__ige_encrypt(crypto, key, running, plain, out, size), SCHAT_OK);
      assert_memory_equal(out, sealed, size);
      assert_memory_equal(running, after, 32);
      memcpy(running, iv, 32);
      assert_int_equal(schat__ige_decrypt(crypto, key, running, sealed, out, size), SCHAT_OK);
      assert_memory_equal(out, plain, size);
      assert_memory_equal(running, after, 32);
    }
  }
  json_decref(cases);
}

/* Without optimisation a compiler keeps every value on the stack for a moment; a sanitizer moves and copies what is there. */
#if defined(SCHAT__X86) && defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__)
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define STACK_IS_SEEN 1
#endif
#endif

#ifdef STACK_IS_SEEN
#define STACK ((size_t)256 << 10)

static void *work_on_this_stack(void *arg) {
  int way = *(const int *)arg;
  (void)one[way](crypto, c.keys[0], c.ivs[0], c.in[0], c.expected[0], MOST);
  (void)many[way](crypto, c.jobs, 35);
  return NULL;
}

/* What the functions under a thread leave on its stack. */
static uint8_t *used_stack(int way) {
  pthread_attr_t attributes;
  pthread_t thread;
  uint8_t *stack = aligned_alloc(4096, STACK);
  assert_non_null(stack);
  memset(stack, 0, STACK);
  assert_int_equal(pthread_attr_init(&attributes), 0);
  assert_int_equal(pthread_attr_setstack(&attributes, stack, STACK), 0);
  assert_int_equal(pthread_create(&thread, &attributes, work_on_this_stack, &way), 0);
  assert_int_equal(pthread_join(thread, NULL), 0);
  assert_int_equal(pthread_attr_destroy(&attributes), 0);
#ifdef CHECKER
  (void)VALGRIND_MAKE_MEM_DEFINED(stack, STACK);
#endif
  return stack;
}

static int stands_in(const uint8_t *stack, size_t unused, const uint8_t block[16]) {
  for (size_t i = unused; i + 16 <= STACK; i++) {
    if (stack[i] == block[0] && memcmp(stack + i, block, 16) == 0) return 1;
  }
  return 0;
}

/* X-18 accept: no round key and no block of text stays on the stack. */
static void nothing_secret_stays_on_the_stack(void **state) {
  (void)state;
  for (size_t kernel = 0; use_kernel(kernel) && crypto->ige != &schat__ige_evp; kernel++) {
    for (int way = 0; way < 2; way++) {
      uint8_t text[MOST];
      for (size_t j = 0; j < 35; j++) prepare_job(way, j, 16 * (1 + j % 9), 1);
      fill(c.in[0], MOST);
      memcpy(text, c.in[0], MOST);
      size_t unused = 0;
      uint8_t *stack = used_stack(way);
      while (unused < STACK && stack[unused] == 0) unused++;
      for (size_t j = 0; j < 35; j++) {
        __m128i keys[2 * SCHAT__ROUND_KEYS];
        schat__aesni_expand(c.keys[j], keys, 1);
        schat__aesni_expand_inverse(c.keys[j], keys + SCHAT__ROUND_KEYS, 1);
        for (size_t i = 0; i < 2 * SCHAT__ROUND_KEYS; i++) assert_false(stands_in(stack, unused, (const uint8_t *)(const void *)&keys[i]));
        for (size_t at = 0; at < c.jobs[j].size; at += 16) {
          assert_false(stands_in(stack, unused, c.in[j] + at));
          assert_false(stands_in(stack, unused, c.jobs[j].out + at));
        }
      }
      for (size_t at = 0; at < MOST; at += 16) {
        assert_false(stands_in(stack, unused, text + at));
        assert_false(stands_in(stack, unused, c.expected[0] + at));
      }
      for (size_t j = 0; j < 70; j++) free(c.blocks[j]);
      free(stack);
    }
  }
}
#endif

#ifdef CHECKER
/* X-05 reject: with key, iv and text undefined, memcheck reports every branch and every address that depends on them. */
static void no_branch_and_no_address_depends_on_a_secret(void **state) {
  (void)state;
  static uint8_t out[20][256];
  for (size_t kernel = 0; use_kernel(kernel); kernel++) {
    for (int way = 0; way < 2; way++) {
      unsigned before = VALGRIND_COUNT_ERRORS;
      (void)VALGRIND_MAKE_MEM_UNDEFINED(c.keys, sizeof c.keys);
      (void)VALGRIND_MAKE_MEM_UNDEFINED(c.ivs, sizeof c.ivs);
      (void)VALGRIND_MAKE_MEM_UNDEFINED(c.in, sizeof c.in);
      for (size_t j = 0; j < 20; j++) {
        schat__ige_job job = {c.keys[j], c.ivs[j], c.in[j], out[j], j % 5 * 64, 0};
        c.jobs[j] = job;
      }
      assert_int_equal(one[way](crypto, c.keys[0], c.ivs[0], c.in[0], out[0], 256), SCHAT_OK);
      assert_int_equal(many[way](crypto, c.jobs, 20), SCHAT_OK);
      assert_int_equal(VALGRIND_COUNT_ERRORS, before);
      uint8_t unknown[64] = {0};
      assert_int_equal(VALGRIND_GET_VBITS(out[1], unknown, 64), 1);
      for (size_t i = 0; i < 64; i++) assert_int_not_equal(unknown[i], 0); /* the secret did go through */
    }
  }
  (void)VALGRIND_MAKE_MEM_DEFINED(&c, sizeof c);
  (void)VALGRIND_MAKE_MEM_DEFINED(out, sizeof out);
}
#endif

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_size_and_alignment_agrees_with_the_portable_kernel),
      cmocka_unit_test(long_streams_agree_with_the_portable_kernel),
      cmocka_unit_test(a_stream_may_be_cut_anywhere_and_change_kernels),
      cmocka_unit_test(equal_streams_together_are_what_they_are_alone),
      cmocka_unit_test(unequal_streams_together_are_what_they_are_alone),
      cmocka_unit_test(one_unlawful_size_stops_all_jobs),
      cmocka_unit_test(jobs_that_fail_say_so_each),
      cmocka_unit_test(a_kernel_can_be_forced_by_its_name),
      cmocka_unit_test(every_kernel_knows_the_known_answers),
#ifdef STACK_IS_SEEN
      cmocka_unit_test(nothing_secret_stays_on_the_stack),
#endif
  };
  int failed = cmocka_run_group_tests_name("ige_kernels", tests, prepare, finish);
#ifdef CHECKER
  const struct CMUnitTest checked[] = {cmocka_unit_test(no_branch_and_no_address_depends_on_a_secret)};
  if (RUNNING_ON_VALGRIND) failed += cmocka_run_group_tests_name("ige_kernels_checked", checked, prepare, finish);
#endif
  return failed;
}
