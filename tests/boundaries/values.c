/* SPDX-License-Identifier: BSL-1.0
 * values.c - numbers of the key exchange at their ends: sizes of primes, classes of generators, ranges of public values, short keys. */
#include "boundaries.h"
#include "desk.h"

#define SIZE SCHAT__DH_SIZE

static void to_bytes(const BIGNUM *n, uint8_t out[SIZE]) {
  if (BN_bn2binpad(n, out, (int)SIZE) != (int)SIZE) abort();
}

static BIGNUM *power_of_two(int bit) {
  BIGNUM *n = BN_new();
  if (n == NULL || BN_set_bit(n, bit) != 1) abort();
  return n;
}

static void add(BIGNUM *n, int step) {
  if ((step < 0 ? BN_sub_word(n, (BN_ULONG)-step) : BN_add_word(n, (BN_ULONG)step)) != 1) abort();
}

/* A value around `base`: in range, a residue, and what is said of it. */
static void judge_value(book *b, const char *rule, const char *what, const BIGNUM *p, const BIGNUM *base, int step, int inside) {
  uint8_t bytes[SIZE], prime[SIZE], padded[SIZE];
  BN_CTX *ctx = BN_CTX_new();
  BIGNUM *n = BN_dup(base);
  if (ctx == NULL || n == NULL) abort();
  add(n, step);
  to_bytes(n, bytes);
  to_bytes(p, prime);
  const int residue = BN_kronecker(n, p, ctx) == 1;
  judged(b, rule, what, step, inside && residue, schat__dh_check_public(b->crypto, prime, NULL, bytes, SIZE, padded));
  BN_free(n);
  BN_CTX_free(ctx);
}

/* R-DH-07, R-DH-08: 2^1984 and p - 2^1984 belong to the range; 0, 1, 2 and p - 2 to p + 1 do not. */
static void try_range(book *b) {
  BIGNUM *p = BN_bin2bn(desk_prime(), (int)SIZE, NULL), *low = power_of_two(1984), *high = BN_new(), *zero = BN_new();
  if (p == NULL || high == NULL || zero == NULL || BN_sub(high, p, low) != 1) abort();
  for (int step = -12; step <= 12; step++) {
    judge_value(b, "R-DH-08", "from 2^1984", p, low, step, step >= edge(b, 0, 12));
    judge_value(b, "R-DH-08", "from p - 2^1984", p, high, step, step <= edge(b, 0, 12));
  }
  for (int step = 0; step <= 4; step++) judge_value(b, "R-DH-07", "from 0", p, zero, step, b->shift != 0);
  for (int step = -4; step <= 1; step++) judge_value(b, "R-DH-07", "from p", p, p, step, b->shift != 0);
  BN_free(p);
  BN_free(low);
  BN_free(high);
  BN_free(zero);
}

/* R-DH-02: the top bit of 2,048, and an odd number; the primes are marked as known, so that size alone decides. */
static void try_bits(book *b) {
  for (int bit = 2045; bit <= 2047; bit++) {
    for (int odd = 0; odd < 2; odd++) {
      BIGNUM *n = power_of_two(bit);
      uint8_t p[SIZE];
      add(n, 2 + odd);
      to_bytes(n, p);
      memcpy(b->crypto->dh.proven[0], p, SIZE);
      judged(b, "R-DH-02", "bits", bit + 1, bit == edge(b, 2047, 1) && odd, schat__dh_check_config(b->crypto, p, 4));
      BN_free(n);
    }
  }
}

/* R-DH-05: every residue class of every generator, and the generators beside the lawful ones. */
static int is_lawful_class(int g, unsigned r) {
  switch (g) {
    case 2:
      return r == 7;
    case 3:
      return r == 2;
    case 5:
      return r == 1 || r == 4;
    case 6:
      return r == 19 || r == 23;
    default:
      return r == 3 || r == 5 || r == 6;
  }
}

static void try_classes(book *b) {
  static const struct {
    int g;
    unsigned modulus;
  } rows[] = {{2, 8}, {3, 3}, {5, 5}, {6, 24}, {7, 7}};
  for (size_t i = 0; i < 5; i++) {
    for (unsigned r = 0; r < rows[i].modulus; r++) {
      BIGNUM *n = power_of_two(2047);
      uint8_t p[SIZE];
      add(n, 1);
      int tries = 0;
      while (BN_mod_word(n, rows[i].modulus) != r && tries++ < 100) add(n, 2);
      if (tries < 100) { /* even moduli have no odd numbers of even classes */
        to_bytes(n, p);
        memcpy(b->crypto->dh.proven[0], p, SIZE);
        judged(b, "R-DH-05", "class", (int64_t)rows[i].g * 100 + r, is_lawful_class(rows[i].g, (r + (unsigned)b->shift) % rows[i].modulus),
               schat__dh_check_config(b->crypto, p, rows[i].g));
      }
      BN_free(n);
    }
  }
  for (int32_t g = -1; g <= 9; g++) {
    judged(b, "R-DH-05", "g", g, g == 3 || g == 4 || g == edge(b, 7, 1), schat__dh_check_config(b->crypto, desk_prime(), g));
  }
}

/* D-14: a value of 0 to 258 bytes, at the ends of what is taken. */
static void try_widths(book *b) {
  static const int64_t widths[] = {0, 1, 247, 248, 249, 250, 255, 256, 257, 258, 259};
  uint8_t value[300], padded[SIZE];
  for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) {
    memset(value, 0, sizeof value);
    if (widths[i] >= 249) value[widths[i] - 249] = 1; /* 2^1984, a square */
    if (widths[i] > 0 && widths[i] < 249) memset(value, 0xff, (size_t)widths[i]);
    judged(b, "D-14", "bytes", widths[i], widths[i] >= edge(b, 249, 1) && widths[i] <= edge(b, 257, 1),
           schat__dh_check_public(b->crypto, desk_prime(), NULL, value, (size_t)widths[i], padded));
  }
}

/* R-DH-11: keys of every size from 1 to 256 bytes are 256 bytes, with zeros before: each byte at which they begin. */
static void try_short_keys(book *b) {
  uint8_t base[SIZE] = {0}, exponent[SIZE], key[SIZE], expected[SIZE];
  base[SIZE - 1] = 2;
  for (unsigned bytes = 1; bytes <= 255; bytes += bytes < 240 ? 40 : 1) {
    for (unsigned step = 0; step < 2; step++) { /* the highest bit of one byte, the lowest of the next */
      const unsigned power = bytes * 8 - 1 + step;
      if (power >= 2047) continue;
      memset(exponent, 0, SIZE);
      exponent[SIZE - 2] = (uint8_t)(power >> 8);
      exponent[SIZE - 1] = (uint8_t)power;
      memset(key, 0xee, SIZE);
      memset(expected, 0, SIZE);
      expected[SIZE - 1 - (power + (unsigned)b->shift) / 8] = (uint8_t)(1u << (power + (unsigned)b->shift) % 8);
      int status = schat__dh_key(b->crypto, desk_prime(), base, exponent, key);
      judged(b, "R-DH-11", "bits of a key", power, 0, status != SCHAT_OK || memcmp(key, expected, SIZE) != 0);
    }
  }
}

void try_values(book *b) {
  try_range(b);
  try_bits(b);
  try_classes(b);
  try_widths(b);
  try_short_keys(b);
}
