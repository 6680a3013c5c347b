/* SPDX-License-Identifier: BSL-1.0
 * small_dh.c - stands in for src/crypto/dh.c in the simulator's copy of the library: a group so small that millions of exchanges cost nothing.
 *
 * Powers of 7 modulo 2^61 - 1, each spread over 256 bytes, no two alike, within the lawful range. Whatever those who call it can tell stays true:
 * keys agree, values out of range and half of all others are refused ("non-residues"), two of a kind never meet by chance. */
#include <string.h>

#include "common/bytes.h"
#include "crypto/engine.h"

#define MODULUS ((UINT64_C(1) << 61) - 1)
#define DRAWS 8

static const uint8_t prime_head[8] = {0xc7, 0x1c, 0xae, 0xb9, 0xc6, 0xb1, 0xc9, 0x04}; /* of Telegram's prime */

static uint64_t mix(uint64_t z) {
  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  return z ^ (z >> 31);
}

/* a * b mod 2^61 - 1, in halves of 31 bits. */
static uint64_t times(uint64_t a, uint64_t b) {
  uint64_t a1 = a >> 31, a0 = a & 0x7fffffff, b1 = b >> 31, b0 = b & 0x7fffffff;
  uint64_t middle = a1 * b0 + a0 * b1; /* below 2^62 */
  uint64_t sum = ((a1 * b1) << 1) + (middle >> 30) + ((middle & 0x3fffffff) << 31) + a0 * b0;
  sum = (sum & MODULUS) + (sum >> 61);
  return sum >= MODULUS ? sum - MODULUS : sum;
}

static uint64_t power(uint64_t base, uint64_t exponent) {
  uint64_t result = 1;
  for (; exponent != 0; exponent >>= 1) {
    if (exponent & 1) result = times(result, base);
    base = times(base, base);
  }
  return result;
}

static unsigned parity(const uint8_t *bytes, size_t size) {
  unsigned all = 0;
  for (size_t i = 0; i < size; i++) all ^= bytes[i];
  all ^= all >> 4;
  all ^= all >> 2;
  return (all ^ all >> 1) & 1u;
}

/* A group element as 256 bytes: a head in the range of R-DH-08, the number, and what looks like noise; of even parity. */
static void spread(uint64_t number, uint8_t out[SCHAT__DH_SIZE]) {
  schat__store64(out, mix(number ^ UINT64_C(0x5bd1e995)) | 1u);
  out[0] = (uint8_t)(out[1] % 16u == 0 ? 0 : 0x40u | (out[0] & 0x3fu)); /* some have leading zeros, as in the real group */
  out[1] |= 1u;
  schat__store64(out + 8, number);
  for (size_t i = 16; i < SCHAT__DH_SIZE; i += 8) schat__store64(out + i, mix(number + i * UINT64_C(0x9e3779b97f4a7c15)));
  out[255] ^= (uint8_t)parity(out, SCHAT__DH_SIZE);
}

static uint64_t gather(const uint8_t value[SCHAT__DH_SIZE]) {
  uint64_t number = schat__load64(value + 8) % MODULUS;
  return number == 0 ? 1 : number;
}

static uint64_t fold(const uint8_t exponent[SCHAT__DH_SIZE]) {
  uint64_t sum = 0;
  for (size_t i = 0; i < SCHAT__DH_SIZE; i += 8) sum = mix(sum ^ schat__load64(exponent + i));
  return (sum >> 3) | 1u;
}

int schat__dh_check_config(schat__crypto *crypto, const uint8_t p[256], int32_t g) {
  (void)crypto;
  return memcmp(p, prime_head, sizeof prime_head) == 0 && (p[255] & 1u) != 0 && (g == 3 || g == 4 || g == 7);
}

void schat__dh_trust(schat__crypto *crypto, const uint8_t p[256]) {
  (void)crypto;
  (void)p;
}

int schat__dh_check_public(schat__crypto *crypto, const uint8_t p[256], const uint8_t own[256], const uint8_t *value, size_t size,
                           uint8_t padded[256]) {
  (void)crypto;
  (void)p;
  uint8_t full[SCHAT__DH_SIZE] = {0};
  if (size == 0 || size > SCHAT__DH_SIZE + 1u) return 0;
  if (size == SCHAT__DH_SIZE + 1u) {
    if (value[0] != 0) return 0;
    value++;
    size--;
  }
  memcpy(full + SCHAT__DH_SIZE - size, value, size);
  if (own != NULL && memcmp(full, own, SCHAT__DH_SIZE) == 0) return 0;
  if ((full[0] | full[1] | full[2] | full[3] | full[4] | full[5] | full[6] | full[7]) == 0 || full[0] >= 0xc7 || parity(full, SCHAT__DH_SIZE) != 0) return 0;
  memcpy(padded, full, SCHAT__DH_SIZE);
  return 1;
}

int schat__dh_key(schat__crypto *crypto, const uint8_t p[256], const uint8_t value[256], const uint8_t exponent[256], uint8_t key[256]) {
  (void)crypto;
  (void)p;
  spread(power(gather(value), fold(exponent)), key);
  return SCHAT_OK;
}

int schat__dh_generate(schat__crypto *crypto, const uint8_t p[256], int32_t g, const uint8_t *server_random, size_t server_random_size,
                       uint8_t exponent[256], uint8_t public_value[256]) {
  uint8_t secret[SCHAT__DH_SIZE], base[SCHAT__DH_SIZE];
  if (g < 2 || g > 7) return SCHAT_E_INVALID;
  int status = schat__random_private(crypto, secret, sizeof secret);
  if (status != SCHAT_OK) return status;
  for (size_t i = 0; server_random_size == SCHAT__DH_SIZE && i < SCHAT__DH_SIZE; i++) secret[i] ^= server_random[i];
  spread(7, base);
  memcpy(exponent, secret, sizeof secret);
  schat__wipe(secret, sizeof secret);
  return schat__dh_key(crypto, p, base, exponent, public_value);
}

int schat__dh_accept(schat__crypto *crypto, const uint8_t p[256], int32_t g, const uint8_t peer[256], const uint8_t *server_random,
                     size_t server_random_size, uint8_t public_value[256], uint8_t key[256]) {
  uint8_t exponent[SCHAT__DH_SIZE];
  int status = schat__dh_generate(crypto, p, g, server_random, server_random_size, exponent, public_value);
  if (status == SCHAT_OK) status = schat__dh_key(crypto, p, peer, exponent, key);
  schat__wipe(exponent, sizeof exponent);
  return status;
}

int schat__key_fingerprint(schat__crypto *crypto, const uint8_t key[256], int64_t *fingerprint) {
  uint8_t hash[20];
  int status = schat__sha1(crypto, hash, key, SCHAT__DH_SIZE, NULL, 0);
  if (status == SCHAT_OK) *fingerprint = schat__int64(schat__load64(hash + 12));
  schat__wipe(hash, sizeof hash);
  return status;
}
