/* SPDX-License-Identifier: BSL-1.0
 * op_leaky.c - code that is wrong on purpose: each of these must be reported, or the checker is blind. */
#include <string.h>

#include "operations.h"

static uint8_t key[256];
static volatile uint32_t sink;

static void branch_on_key(schat__crypto *crypto) {
  (void)crypto;
  fill_secret(key, sizeof key);
  const volatile uint8_t *bytes = key;
  if (bytes[3] & 1u) sink = sink + 1;
}

static void lookup_by_key(schat__crypto *crypto) {
  (void)crypto;
  static const volatile uint8_t table[256] = {1, 2, 3};
  fill_secret(key, sizeof key);
  sink = table[key[5]];
}

static int compare_until_different(const uint8_t *a, const uint8_t *b, size_t size) {
  for (size_t i = 0; i < size; i++) {
    if (a[i] != b[i]) return 0;
  }
  return 1;
}

static void early_exit_compare(schat__crypto *crypto) {
  uint8_t computed[16], received[16];
  fill_secret(key, sizeof key);
  fill(received, sizeof received);
  NEED(schat__msg_key1(crypto, computed, key, sizeof key) == SCHAT_OK);
  sink = (uint32_t)compare_until_different(computed, received, sizeof computed);
}

static void loop_by_length(schat__crypto *crypto) {
  (void)crypto;
  uint32_t length = 9;
  make_secret(&length, sizeof length);
  for (volatile uint32_t i = 0; i < length; i++) sink = i;
}

/* The length of a hash that is a secret: what MTProto 1 asks for if it is taken by the word. */
static void hash_of_secret_length(schat__crypto *crypto) {
  uint8_t out[20];
  size_t length = 41;
  fill_secret(key, sizeof key);
  make_secret(&length, sizeof length);
  NEED(schat__sha1(crypto, out, key, length, NULL, 0) == SCHAT_OK);
}

static uint8_t kept[16];
static void divide_by_key(schat__crypto *crypto) { /* through a table again, as what is computed goes on as an index */
  uint8_t hash[20];
  fill_secret(key, sizeof key);
  NEED(schat__sha1(crypto, hash, key, sizeof key, NULL, 0) == SCHAT_OK);
  kept[hash[0] & 15u]++;
}

const operation leaky_operations[] = {{"branch_on_key", branch_on_key},
                                      {"lookup_by_key", lookup_by_key},
                                      {"early_exit_compare", early_exit_compare},
                                      {"loop_by_length", loop_by_length},
                                      {"hash_of_secret_length", hash_of_secret_length},
                                      {"store_by_hash", divide_by_key},
                                      {NULL, NULL}};

/* The same without the fault. */
static void mask_by_key(schat__crypto *crypto) {
  (void)crypto;
  fill_secret(key, sizeof key);
  const volatile uint8_t *bytes = key;
  sink = sink + (bytes[3] & 1u);
}

static void equal_compare(schat__crypto *crypto) {
  uint8_t computed[16], received[16];
  fill_secret(key, sizeof key);
  fill(received, sizeof received);
  NEED(schat__msg_key1(crypto, computed, key, sizeof key) == SCHAT_OK);
  sink = (uint32_t)schat__equal(computed, received, sizeof computed);
}

const operation harmless_operations[] = {{"mask_by_key", mask_by_key}, {"equal_compare", equal_compare}, {NULL, NULL}};
