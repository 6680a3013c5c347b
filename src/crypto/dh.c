/* SPDX-License-Identifier: BSL-1.0
 * dh.c - Diffie-Hellman over 2048-bit safe primes: what is checked, and the key that comes of it. */
#include <string.h>

#include "../common/bytes.h"
#include "../common/poison.h"
#include "engine.h"
#include "traces.h"

#define RANGE_BITS (2048 - 64) /* R-DH-08: values lie between 2^1984 and p - 2^1984 */
#define DRAWS 8                /* one draw fails with probability 2^-8: a source that fails eight times is broken */

/* The prime that Telegram publishes; known to be a safe one (R-DH-06). */
static const uint8_t telegram_prime[SCHAT__DH_SIZE] = {
    0xc7, 0x1c, 0xae, 0xb9, 0xc6, 0xb1, 0xc9, 0x04, 0x8e, 0x6c, 0x52, 0x2f, 0x70, 0xf1, 0x3f, 0x73, 0x98, 0x0d, 0x40, 0x23, 0x8e, 0x3e,
    0x21, 0xc1, 0x49, 0x34, 0xd0, 0x37, 0x56, 0x3d, 0x93, 0x0f, 0x48, 0x19, 0x8a, 0x0a, 0xa7, 0xc1, 0x40, 0x58, 0x22, 0x94, 0x93, 0xd2,
    0x25, 0x30, 0xf4, 0xdb, 0xfa, 0x33, 0x6f, 0x6e, 0x0a, 0xc9, 0x25, 0x13, 0x95, 0x43, 0xae, 0xd4, 0x4c, 0xce, 0x7c, 0x37, 0x20, 0xfd,
    0x51, 0xf6, 0x94, 0x58, 0x70, 0x5a, 0xc6, 0x8c, 0xd4, 0xfe, 0x6b, 0x6b, 0x13, 0xab, 0xdc, 0x97, 0x46, 0x51, 0x29, 0x69, 0x32, 0x84,
    0x54, 0xf1, 0x8f, 0xaf, 0x8c, 0x59, 0x5f, 0x64, 0x24, 0x77, 0xfe, 0x96, 0xbb, 0x2a, 0x94, 0x1d, 0x5b, 0xcd, 0x1d, 0x4a, 0xc8, 0xcc,
    0x49, 0x88, 0x07, 0x08, 0xfa, 0x9b, 0x37, 0x8e, 0x3c, 0x4f, 0x3a, 0x90, 0x60, 0xbe, 0xe6, 0x7c, 0xf9, 0xa4, 0xa4, 0xa6, 0x95, 0x81,
    0x10, 0x51, 0x90, 0x7e, 0x16, 0x27, 0x53, 0xb5, 0x6b, 0x0f, 0x6b, 0x41, 0x0d, 0xba, 0x74, 0xd8, 0xa8, 0x4b, 0x2a, 0x14, 0xb3, 0x14,
    0x4e, 0x0e, 0xf1, 0x28, 0x47, 0x54, 0xfd, 0x17, 0xed, 0x95, 0x0d, 0x59, 0x65, 0xb4, 0xb9, 0xdd, 0x46, 0x58, 0x2d, 0xb1, 0x17, 0x8d,
    0x16, 0x9c, 0x6b, 0xc4, 0x65, 0xb0, 0xd6, 0xff, 0x9c, 0xa3, 0x92, 0x8f, 0xef, 0x5b, 0x9a, 0xe4, 0xe4, 0x18, 0xfc, 0x15, 0xe8, 0x3e,
    0xbe, 0xa0, 0xf8, 0x7f, 0xa9, 0xff, 0x5e, 0xed, 0x70, 0x05, 0x0d, 0xed, 0x28, 0x49, 0xf4, 0x7b, 0xf9, 0x59, 0xd9, 0x56, 0x85, 0x0c,
    0xe9, 0x29, 0x85, 0x1f, 0x0d, 0x81, 0x15, 0xf6, 0x35, 0xb1, 0x05, 0xee, 0x2e, 0x4e, 0x15, 0xd0, 0x4b, 0x24, 0x54, 0xbf, 0x6f, 0x4f,
    0xad, 0xf0, 0x34, 0xb1, 0x04, 0x03, 0x11, 0x9c, 0xd8, 0xe3, 0xb9, 0x2f, 0xcc, 0x5b,
};

/* Numbers of one operation. They are wiped and freed together. */
typedef struct {
  BN_CTX *ctx; /* of this operation only: what passed through it is wiped with it */
  BIGNUM *p, *a, *b, *c, *a2, *c2; /* the last two for a second base and its power */
} numbers;

static int numbers_open(numbers *n, const uint8_t p[256]) {
  n->ctx = BN_CTX_new();
  n->p = BN_new();
  n->a = BN_new();
  n->b = BN_new();
  n->c = BN_new();
  n->a2 = BN_new();
  n->c2 = BN_new();
  if (n->ctx == NULL || n->p == NULL || n->a == NULL || n->b == NULL || n->c == NULL || n->a2 == NULL || n->c2 == NULL) return 0;
  return BN_bin2bn(p, (int)SCHAT__DH_SIZE, n->p) != NULL;
}

static void numbers_close(numbers *n) {
  BN_clear_free(n->p);
  BN_clear_free(n->a);
  BN_clear_free(n->b);
  BN_clear_free(n->c);
  BN_clear_free(n->a2);
  BN_clear_free(n->c2);
  BN_CTX_free(n->ctx);
}

static unsigned remainder_of(const uint8_t p[256], unsigned divisor) {
  unsigned r = 0;
  for (size_t i = 0; i < SCHAT__DH_SIZE; i++) r = (r * 256u + p[i]) % divisor;
  return r;
}

/* R-DH-05: g generates the quadratic residues. */
static int generator_is_lawful(const uint8_t p[256], int32_t g) {
  unsigned r;
  switch (g) {
    case 2:
      return remainder_of(p, 8) == 7;
    case 3:
      return remainder_of(p, 3) == 2;
    case 4:
      return 1;
    case 5:
      r = remainder_of(p, 5);
      return r == 1 || r == 4;
    case 6:
      r = remainder_of(p, 24);
      return r == 19 || r == 23;
    case 7:
      r = remainder_of(p, 7);
      return r == 3 || r == 5 || r == 6;
    default:
      return 0;
  }
}

static int is_proven(const schat__dh *dh, const uint8_t p[256]) {
  if (memcmp(p, telegram_prime, SCHAT__DH_SIZE) == 0) return 1;
  for (unsigned i = 0; i < SCHAT__PROVEN_PRIMES; i++) {
    if (memcmp(p, dh->proven[i], SCHAT__DH_SIZE) == 0) return 1;
  }
  return 0;
}

static void remember_proven(schat__dh *dh, const uint8_t p[256]) {
  memcpy(dh->proven[dh->next_proven], p, SCHAT__DH_SIZE);
  dh->next_proven = (dh->next_proven + 1u) % SCHAT__PROVEN_PRIMES;
}

void schat__dh_trust(schat__crypto *crypto, const uint8_t p[256]) {
  if (!is_proven(&crypto->dh, p)) remember_proven(&crypto->dh, p);
}

/* R-DH-03, R-DH-04: 64 rounds of Miller-Rabin for p and (p-1)/2. Slow (about 0.2 s), and only for a prime never seen. */
static int check_safe_prime(const uint8_t p[256]) {
  numbers n;
  int verdict = numbers_open(&n, p) && BN_rshift1(n.a, n.p) == 1 ? 1 : SCHAT_E_CRYPTO;
  if (verdict == 1) verdict = BN_check_prime(n.p, n.ctx, NULL);
  if (verdict == 1) verdict = BN_check_prime(n.a, n.ctx, NULL);
  numbers_close(&n);
  return verdict >= 0 ? verdict : SCHAT_E_CRYPTO;
}

int schat__dh_check_config(schat__crypto *crypto, const uint8_t p[256], int32_t g) {
  if ((p[0] & 0x80u) == 0 || (p[SCHAT__DH_SIZE - 1] & 1u) == 0) return 0; /* R-DH-02; the lowest, 2^2047, is even */
  if (!generator_is_lawful(p, g)) return 0;                               /* on a proven prime too (R-DH-06) */
  if (is_proven(&crypto->dh, p)) return 1;
  int verdict = check_safe_prime(p);
  if (verdict == 1) remember_proven(&crypto->dh, p);
  return verdict;
}

/* 2^1984 <= value <= p - 2^1984, which lies within 1 < value < p - 1 (R-DH-07, R-DH-08). */
static int check_range(const numbers *n, const BIGNUM *value, BIGNUM *scratch) {
  if (BN_num_bits(value) <= RANGE_BITS || BN_cmp(value, n->p) >= 0) return 0;
  if (BN_sub(scratch, n->p, value) != 1) return SCHAT_E_CRYPTO;
  return BN_num_bits(scratch) > RANGE_BITS;
}

/* powers of g are quadratic residues, so an honest value always is. */
static int check_residue(const numbers *n, const BIGNUM *value) {
  int symbol = BN_kronecker(value, n->p, n->ctx);
  if (symbol < -1) return SCHAT_E_CRYPTO;
  return symbol == 1;
}

static int check_value(const uint8_t p[256], const uint8_t value[256], int residue) {
  numbers n;
  int verdict = numbers_open(&n, p) && BN_bin2bn(value, (int)SCHAT__DH_SIZE, n.a) != NULL ? 1 : SCHAT_E_CRYPTO;
  if (verdict == 1) verdict = check_range(&n, n.a, n.b);
  if (verdict == 1 && residue) verdict = check_residue(&n, n.a);
  numbers_close(&n);
  return verdict;
}

int schat__dh_check_public(schat__crypto *crypto, const uint8_t p[256], const uint8_t own[256], const uint8_t *value, size_t size,
                           uint8_t padded[256]) {
  (void)crypto;
  uint8_t full[SCHAT__DH_SIZE] = {0};
  if (size == 0 || size > SCHAT__DH_SIZE + 1u) return 0;
  if (size == SCHAT__DH_SIZE + 1u) { /* a sign byte before the top bit (D-14) */
    if (value[0] != 0) return 0;
    value++;
    size--;
  }
  memcpy(full + SCHAT__DH_SIZE - size, value, size);
  if (own != NULL && memcmp(full, own, SCHAT__DH_SIZE) == 0) return 0; /* */
  int verdict = check_value(p, full, 1);
  if (verdict == 1) memcpy(padded, full, SCHAT__DH_SIZE);
  return verdict;
}

/* The Montgomery form of the prime is kept: a chat's rekeys, and most chats, share it. */
static int prepare_modulus(schat__dh *dh, const numbers *n, const uint8_t p[256]) {
  if (dh->mont != NULL && memcmp(dh->mont_p, p, SCHAT__DH_SIZE) == 0) return 1;
  BN_MONT_CTX *mont = BN_MONT_CTX_new();
  if (mont == NULL || BN_MONT_CTX_set(mont, n->p, n->ctx) != 1) {
    BN_MONT_CTX_free(mont);
    return 0;
  }
  BN_MONT_CTX_free(dh->mont);
  dh->mont = mont;
  memcpy(dh->mont_p, p, SCHAT__DH_SIZE);
  return 1;
}

/* A secret, and what will come of it: libcrypto is told. */
static int take_exponent(numbers *n, const uint8_t exponent[256]) {
  BN_set_flags(n->b, BN_FLG_CONSTTIME);
  BN_set_flags(n->c, BN_FLG_CONSTTIME);
  BN_set_flags(n->c2, BN_FLG_CONSTTIME);
  return BN_bin2bn(exponent, (int)SCHAT__DH_SIZE, n->b) != NULL;
}

static int give_result(const BIGNUM *result, uint8_t out[256]) {
  return BN_bn2binpad(result, out, (int)SCHAT__DH_SIZE) == (int)SCHAT__DH_SIZE;
}

/* a^b mod p into c, and that as 256 bytes; constant time in b. */
static int power(schat__crypto *crypto, numbers *n, const uint8_t p[256], const uint8_t exponent[256], uint8_t out[256]) {
  return prepare_modulus(&crypto->dh, n, p) && take_exponent(n, exponent) &&
         BN_mod_exp_mont_consttime(n->c, n->a, n->b, n->p, n->ctx, crypto->dh.mont) == 1 && give_result(n->c, out);
}

/* a^b and a2^b, as power does. libcrypto raises the two side by side where it and the processor can (AVX-512 IFMA; OpenSSL 3.0 cannot yet at this
 * length), or one after the other. */
static int two_powers(schat__crypto *crypto, numbers *n, const uint8_t p[256], const uint8_t exponent[256], uint8_t out[256], uint8_t out2[256]) {
  return prepare_modulus(&crypto->dh, n, p) && take_exponent(n, exponent) &&
         BN_mod_exp_mont_consttime_x2(n->c, n->a, n->b, n->p, crypto->dh.mont, n->c2, n->a2, n->b, n->p, crypto->dh.mont, n->ctx) == 1 &&
         give_result(n->c, out) && give_result(n->c2, out2);
}

int schat__dh_key(schat__crypto *crypto, const uint8_t p[256], const uint8_t value[256], const uint8_t exponent[256], uint8_t key[256]) {
  if ((p[SCHAT__DH_SIZE - 1] & 1u) == 0) return SCHAT_E_INVALID; /* Montgomery's method needs an odd modulus */
  numbers n;
  uint8_t result[SCHAT__DH_SIZE];
  int good = numbers_open(&n, p) && BN_bin2bn(value, (int)SCHAT__DH_SIZE, n.a) != NULL && power(crypto, &n, p, exponent, result);
  numbers_close(&n);
  schat__wipe_deep_traces(); /* libcrypto's assembly leaves products on the stack */
  if (good) memcpy(key, result, sizeof result);
  schat__wipe(result, sizeof result);
  return good ? SCHAT_OK : SCHAT_E_CRYPTO;
}

/* value = g^exponent and key = peer^exponent. g + p stands for g: two bases as long as the modulus are what libcrypto takes side by side. */
static int value_and_key(schat__crypto *crypto, const uint8_t p[256], int32_t g, const uint8_t peer[256], const uint8_t exponent[256],
                         uint8_t value[256], uint8_t key[256]) {
  numbers n;
  uint8_t results[2][SCHAT__DH_SIZE];
  int good = numbers_open(&n, p) && BN_copy(n.a, n.p) != NULL && BN_add_word(n.a, (BN_ULONG)g) == 1 &&
             BN_bin2bn(peer, (int)SCHAT__DH_SIZE, n.a2) != NULL && two_powers(crypto, &n, p, exponent, results[0], results[1]);
  numbers_close(&n);
  schat__wipe_deep_traces();
  if (good) {
    memcpy(value, results[0], SCHAT__DH_SIZE);
    memcpy(key, results[1], SCHAT__DH_SIZE);
  }
  schat__wipe(results, sizeof results);
  return good ? SCHAT_OK : SCHAT_E_CRYPTO;
}

/* R-DH-09, D-15. The server's bytes are mixed in and can replace nothing (R-DH-10). */
static int draw_exponent(schat__crypto *crypto, const uint8_t *server_random, size_t server_random_size, uint8_t exponent[256]) {
  int status = schat__random_private(crypto, exponent, SCHAT__DH_SIZE);
  if (status != SCHAT_OK || server_random_size != SCHAT__DH_SIZE) return status;
  for (size_t i = 0; i < SCHAT__DH_SIZE; i++) exponent[i] ^= server_random[i];
  return SCHAT_OK;
}

/* BN_bin2bn passes over leading zero bytes, and its time would tell how many there are: an exponent has none. What is known of one
 * that was drawn and not used is worth nothing. */
static int is_full(const uint8_t exponent[256]) {
  int full = exponent[0] != 0;
  SCHAT__PUBLIC(&full, sizeof full);
  return full;
}

/* What an exponent is drawn for. */
typedef struct {
  const uint8_t *p;
  int32_t g;
  const uint8_t *peer; /* NULL: only the public value is wanted */
  const uint8_t *server_random;
  size_t server_random_size;
} purpose;

static int compute(schat__crypto *crypto, const purpose *x, const uint8_t exponent[256], uint8_t value[256], uint8_t key[256]) {
  uint8_t base[SCHAT__DH_SIZE] = {0};
  if (x->peer != NULL) return value_and_key(crypto, x->p, x->g, x->peer, exponent, value, key);
  base[SCHAT__DH_SIZE - 1] = (uint8_t)x->g;
  return schat__dh_key(crypto, x->p, base, exponent, value);
}

/* Draws until the exponent and its public value are good. What `exponent` and `key` hold is the caller's to wipe, whatever is returned. */
static int draw(schat__crypto *crypto, const purpose *x, uint8_t exponent[256], uint8_t value[256], uint8_t key[256]) {
  int status = SCHAT_OK, verdict = 0;
  if (x->g < 2 || x->g > 7 || (x->p[SCHAT__DH_SIZE - 1] & 1u) == 0) return SCHAT_E_INVALID;
  for (int i = 0; i < DRAWS && status == SCHAT_OK && verdict == 0; i++) {
    status = draw_exponent(crypto, x->server_random, x->server_random_size, exponent);
    if (status == SCHAT_OK && !is_full(exponent)) continue;
    if (status == SCHAT_OK) status = compute(crypto, x, exponent, value, key);
    SCHAT__PUBLIC(value, SCHAT__DH_SIZE); /* the other side is told it */
    if (status == SCHAT_OK) verdict = check_value(x->p, value, 0);
  }
  if (status != SCHAT_OK || verdict == 1) return status;
  return verdict < 0 ? verdict : SCHAT_E_RANDOM;
}

int schat__dh_generate(schat__crypto *crypto, const uint8_t p[256], int32_t g, const uint8_t *server_random, size_t server_random_size,
                       uint8_t exponent[256], uint8_t public_value[256]) {
  const purpose x = {p, g, NULL, server_random, server_random_size};
  uint8_t secret[SCHAT__DH_SIZE], value[SCHAT__DH_SIZE];
  int status = draw(crypto, &x, secret, value, NULL);
  if (status == SCHAT_OK) {
    memcpy(exponent, secret, sizeof secret);
    memcpy(public_value, value, sizeof value);
  }
  schat__wipe(secret, sizeof secret);
  return status;
}

int schat__dh_accept(schat__crypto *crypto, const uint8_t p[256], int32_t g, const uint8_t peer[256], const uint8_t *server_random,
                     size_t server_random_size, uint8_t public_value[256], uint8_t key[256]) {
  const purpose x = {p, g, peer, server_random, server_random_size};
  uint8_t secret[SCHAT__DH_SIZE], value[SCHAT__DH_SIZE], result[SCHAT__DH_SIZE];
  int status = draw(crypto, &x, secret, value, result);
  if (status == SCHAT_OK) {
    memcpy(public_value, value, sizeof value);
    memcpy(key, result, sizeof result);
  }
  schat__wipe(secret, sizeof secret);
  schat__wipe(result, sizeof result);
  return status;
}

int schat__key_fingerprint(schat__crypto *crypto, const uint8_t key[256], int64_t *fingerprint) {
  uint8_t hash[20];
  int status = schat__sha1(crypto, hash, key, SCHAT__DH_SIZE, NULL, 0);
  SCHAT__PUBLIC(hash + 12, 8); /* the server and the peer are told it */
  if (status == SCHAT_OK) *fingerprint = schat__int64(schat__load64(hash + 12));
  schat__wipe(hash, sizeof hash);
  return status;
}
