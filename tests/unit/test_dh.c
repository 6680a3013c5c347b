/* SPDX-License-Identifier: BSL-1.0
 * test_dh.c - which groups and values are lawful, and that keys depend on nothing but the exponent, the peer's value and p. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <openssl/bn.h>

#include "../support/failing_openssl.h"
#include "crypto/engine.h"

#define SIZE SCHAT__DH_SIZE

static schat__crypto *crypto;
static uint8_t telegram[SIZE], group14[SIZE];

/* A prime whose half, less one, is not prime. */
static const char unsafe_prime[] =
    "ff2c5147a25743623ee55b478a6c6a833386c5747f9df70fe58f11558bf515e01a08810c4414fb6d7764f8f679e93affe5dba86c87159763ba555800ff09944c"
    "327deb6781260b4d289a511d33b044971980e80559fa96a29561a8ceec176982a414a04067cd28586de7e9c801662aeeb63639072eefbf3246b43c859d1105d2"
    "bb427d3c4f6a5d7c60b3ba6256c177ccd3cb5d7977b9fe2ad7064e5c067af7cc4949eb38d2f593581e200fad201971b14245a9d89810793d77e3abb4eabc9c75"
    "88df196b335c08c0a5dfd49859d1e00fd5a780bc7d115938d4aed0583449210fa6a9b6205fa71a2e3f885e630f58d2fbb8d7d972c32f496649a1f098250effc7";
/* A product of two primes of 1,024 bits. */
static const char product[] =
    "9343fdf2917ee55f36da85054435f5d96de1a8a55133cd630286cacb40749fcb462710dde12332e3bca63ffd4d7a48bf6b0250522d2f56b61dd0d093d919aa46"
    "3345d06f7fa590366d0f3edfca57509f2c39a15bbb556809c668faa6d6644290b71e8cab282a11320b4c35352cc5b314df998cc2827ac1628bf11f159e0b4ae1"
    "dec5159723b0131547a082423eef8c76e3ecf6a44e5df1854e9c625fdb2b8aed6f71c2ba0bb0f71965b5d55575f1535b37c955cc339a6f8cbc8c8125c16291c1"
    "62680a2a6c254593e6505a3b8e675610ab52cc77dfe969cc9691ebf14b02916b038e6c5b826c7c150576b01e335a28edc0597909deb03d24550ecced029faf89";
/* A Carmichael number of three primes: it passes Fermat's test to every base that is coprime to it. */
static const char carmichael[] =
    "c000000000128395b4a74a2e031dd35aa8881095200034cafc0e0453a26721bc458b9d6f4f7da85e98109f3b089749e0169c3ecfcc3c64d9e99b42aa102e62f8"
    "d6fdc7dbcc008c5f798f11e41a79486662cc418de564f52388866a00695c6c1c15477516758f7e3295efef029e9b5a48da6fe61347297a6c7b8dc612ae84a3c3"
    "9bf75b256b9ab740aa709b11b52a0c874a3b8fbbfbc332dca4ae9703db369ee8f770c1e5ceef20d3cea71adde8bb76383d2e427bfa8d32d168366967066a3470"
    "d5c01139738358861e5d88d65be33c4206f0f16d0cec46c53bcc5adc66e623b613e02f4a63cd0f09f57b68744532793e54bfdc4f773e1d7b005fb40bac319c01";
static const char telegram_hex[] =
    "c71caeb9c6b1c9048e6c522f70f13f73980d40238e3e21c14934d037563d930f48198a0aa7c14058229493d22530f4dbfa336f6e0ac925139543aed44cce7c37"
    "20fd51f69458705ac68cd4fe6b6b13abdc9746512969328454f18faf8c595f642477fe96bb2a941d5bcd1d4ac8cc49880708fa9b378e3c4f3a9060bee67cf9a4"
    "a4a695811051907e162753b56b0f6b410dba74d8a84b2a14b3144e0ef1284754fd17ed950d5965b4b9dd46582db1178d169c6bc465b0d6ff9ca3928fef5b9ae4"
    "e418fc15e83ebea0f87fa9ff5eed70050ded2849f47bf959d956850ce929851f0d8115f635b105ee2e4e15d04b2454bf6f4fadf034b10403119cd8e3b92fcc5b";

static void from_hex(const char *hex, uint8_t out[SIZE]) {
  BIGNUM *n = NULL;
  assert_int_equal(BN_hex2bn(&n, hex), 2 * SIZE);
  assert_int_equal(BN_bn2binpad(n, out, (int)SIZE), (int)SIZE);
  BN_free(n);
}

static int prepare(void **state) {
  (void)state;
  BIGNUM *n = BN_get_rfc3526_prime_2048(NULL);
  if (n == NULL || BN_bn2binpad(n, group14, (int)SIZE) != (int)SIZE) return -1;
  BN_free(n);
  from_hex(telegram_hex, telegram);
  return schat__crypto_new(NULL, NULL, NULL, &crypto);
}

static int finish(void **state) {
  (void)state;
  schat__crypto_free(crypto);
  return 0;
}

/* value = number << shift, plus add. */
static void set_number(uint8_t value[SIZE], unsigned number, unsigned shift, int add) {
  BIGNUM *n = BN_new();
  assert_non_null(n);
  assert_int_equal(BN_set_word(n, number), 1);
  assert_int_equal(BN_lshift(n, n, (int)shift), 1);
  assert_int_equal(add < 0 ? BN_sub_word(n, (BN_ULONG)-add) : BN_add_word(n, (BN_ULONG)add), 1);
  assert_int_equal(BN_bn2binpad(n, value, (int)SIZE), (int)SIZE);
  BN_free(n);
}

/* p - value, in place. */
static void mirror(const uint8_t p[SIZE], uint8_t value[SIZE]) {
  BIGNUM *n = BN_bin2bn(value, (int)SIZE, NULL), *m = BN_bin2bn(p, (int)SIZE, NULL);
  assert_int_equal(BN_sub(n, m, n), 1);
  assert_int_equal(BN_bn2binpad(n, value, (int)SIZE), (int)SIZE);
  BN_free(n);
  BN_free(m);
}

static int is_residue(const uint8_t p[SIZE], const uint8_t value[SIZE]) {
  BIGNUM *n = BN_bin2bn(value, (int)SIZE, NULL), *m = BN_bin2bn(p, (int)SIZE, NULL);
  BN_CTX *ctx = BN_CTX_new();
  int symbol = BN_kronecker(n, m, ctx);
  BN_CTX_free(ctx);
  BN_free(n);
  BN_free(m);
  return symbol == 1;
}

/* R-DH-05, R-DH-06: on the prime that is known, 3, 4 and 7 and nothing else. */
static void the_known_prime_goes_with_three_generators(void **state) {
  (void)state;
  const int32_t others[] = {0, 1, -1, -3, 259, INT32_MAX, INT32_MIN};
  for (int32_t g = 0; g < 20; g++) assert_int_equal(schat__dh_check_config(crypto, telegram, g), g == 3 || g == 4 || g == 7);
  for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) assert_int_equal(schat__dh_check_config(crypto, telegram, others[i]), 0);
}

/* R-DH-03, R-DH-04, R-DH-06 accept: another safe prime is proven once; its generators are checked each time. */
static void another_safe_prime_is_proven_and_remembered(void **state) {
  (void)state;
  schat__crypto *fresh = NULL;
  assert_int_equal(schat__crypto_new(NULL, NULL, NULL, &fresh), SCHAT_OK);
  assert_int_equal(schat__dh_check_config(fresh, group14, 2), 1);
  assert_memory_equal(fresh->dh.proven[0], group14, SIZE);
  for (int32_t g = -1; g < 10; g++) assert_int_equal(schat__dh_check_config(fresh, group14, g), g >= 2 && g <= 7);
  assert_int_equal(fresh->dh.next_proven, 1);
  schat__crypto_free(fresh);
}

/* R-DH-02, R-DH-03, R-DH-04 reject; g = 4 suits every prime, so that p alone decides. */
static void what_is_no_safe_prime_of_2048_bits_is_refused(void **state) {
  (void)state;
  uint8_t p[SIZE];
  const char *const numbers[] = {unsafe_prime, product, carmichael};
  for (size_t i = 0; i < 3; i++) {
    from_hex(numbers[i], p);
    assert_int_equal(p[0] >> 7, 1);
    assert_int_equal(schat__dh_check_config(crypto, p, 4), 0);
  }
  memcpy(p, telegram, SIZE);
  p[0] &= 0x7f; /* 2,047 bits */
  assert_int_equal(schat__dh_check_config(crypto, p, 4), 0);
  memcpy(p, telegram, SIZE);
  p[SIZE - 1] &= 0xfe;
  assert_int_equal(schat__dh_check_config(crypto, p, 4), 0);
  for (int add = 0; add < 2; add++) {
    set_number(p, 1, 2047, add);
    assert_int_equal(schat__dh_check_config(crypto, p, 4), 0);
  }
  memset(p, 0, sizeof p);
  assert_int_equal(schat__dh_check_config(crypto, p, 4), 0);
  memset(p, 0xff, sizeof p);
  assert_int_equal(schat__dh_check_config(crypto, p, 4), 0);
}

/* R-DH-04: the prime in question is prime, so that its half alone is why it was refused. */
static void the_unsafe_prime_is_prime(void **state) {
  (void)state;
  BIGNUM *n = NULL;
  BN_CTX *ctx = BN_CTX_new();
  assert_int_equal(BN_hex2bn(&n, unsafe_prime), 2 * SIZE);
  assert_int_equal(BN_check_prime(n, ctx, NULL), 1);
  BN_free(n);
  BN_CTX_free(ctx);
}

/* R-DH-05: each residue class, with numbers marked as proven so that the generator alone decides. */
static void each_generator_needs_its_residue_class(void **state) {
  (void)state;
  schat__crypto *marked = NULL;
  assert_int_equal(schat__crypto_new(NULL, NULL, NULL, &marked), SCHAT_OK);
  for (unsigned i = 0; i < 840; i++) { /* all classes of 8, 3, 5 and 7 */
    uint8_t p[SIZE];
    set_number(p, 1, 2047, (int)(2 * i + 1));
    memcpy(marked->dh.proven[0], p, SIZE);
    BIGNUM *n = BN_bin2bn(p, (int)SIZE, NULL);
    const BN_ULONG by8 = BN_mod_word(n, 8), by3 = BN_mod_word(n, 3), by5 = BN_mod_word(n, 5), by24 = BN_mod_word(n, 24),
                   by7 = BN_mod_word(n, 7);
    BN_free(n);
    assert_int_equal(schat__dh_check_config(marked, p, 2), by8 == 7);
    assert_int_equal(schat__dh_check_config(marked, p, 3), by3 == 2);
    assert_int_equal(schat__dh_check_config(marked, p, 4), 1);
    assert_int_equal(schat__dh_check_config(marked, p, 5), by5 == 1 || by5 == 4);
    assert_int_equal(schat__dh_check_config(marked, p, 6), by24 == 19 || by24 == 23);
    assert_int_equal(schat__dh_check_config(marked, p, 7), by7 == 3 || by7 == 5 || by7 == 6);
  }
  schat__crypto_free(marked);
}

static int verdict_on(const uint8_t p[SIZE], const uint8_t value[SIZE]) {
  uint8_t padded[SIZE];
  memset(padded, 0xee, sizeof padded);
  int verdict = schat__dh_check_public(crypto, p, NULL, value, SIZE, padded);
  if (verdict == 1) {
    assert_memory_equal(padded, value, SIZE);
  } else {
    assert_int_equal(padded[0], 0xee);
    assert_int_equal(padded[SIZE - 1], 0xee);
  }
  return verdict;
}

/* R-DH-07, R-DH-08 reject */
static void degenerate_values_are_refused(void **state) {
  (void)state;
  uint8_t value[SIZE];
  for (int number = 0; number < 10; number++) {
    set_number(value, 0, 0, number);
    assert_int_equal(verdict_on(telegram, value), 0);
    mirror(telegram, value); /* p, p-1, p-2 … */
    assert_int_equal(verdict_on(telegram, value), 0);
  }
  memcpy(value, telegram, SIZE);
  value[SIZE - 1]++; /* p + 1 */
  assert_int_equal(verdict_on(telegram, value), 0);
  memset(value, 0xff, sizeof value);
  assert_int_equal(verdict_on(telegram, value), 0);
}

/* R-DH-08 accept and reject, both ends included; X-06 decides on what is in range. */
static void the_range_ends_at_two_to_the_1984th_from_both_sides(void **state) {
  (void)state;
  uint8_t value[SIZE];
  unsigned accepted = 0;
  for (int add = -40; add <= 40; add++) {
    set_number(value, 1, 1984, add);
    int expected = add >= 0 && is_residue(telegram, value);
    assert_int_equal(verdict_on(telegram, value), expected);
    mirror(telegram, value);
    expected = add >= 0 && is_residue(telegram, value);
    assert_int_equal(verdict_on(telegram, value), expected);
    accepted += (unsigned)expected;
  }
  assert_true(accepted > 5);
  set_number(value, 1, 1984, 0);
  assert_int_equal(verdict_on(telegram, value), 1); /* a square */
  uint8_t odd[SIZE]; /* a modulus of 4k + 1, over which -1 is a residue, shows that the upper end is included too */
  memcpy(odd, telegram, SIZE);
  odd[SIZE - 1] = 0x59;
  mirror(odd, value);
  assert_int_equal(verdict_on(odd, value), 1);
}

/* honest values are residues; the others show a bit of the exponent. */
static void a_non_residue_is_refused(void **state) {
  (void)state;
  uint8_t value[SIZE];
  unsigned refused = 0;
  for (unsigned i = 0; i < 40; i++) {
    set_number(value, 1, 2000, (int)i);
    int residue = is_residue(telegram, value);
    assert_int_equal(verdict_on(telegram, value), residue);
    refused += !residue;
  }
  assert_true(refused > 5 && refused < 35);
}

/* D-14: 1 to 257 bytes. */
static void a_value_may_be_short_or_have_a_sign_byte(void **state) {
  (void)state;
  uint8_t value[SIZE], longer[SIZE + 2] = {0}, padded[SIZE];
  set_number(value, 1, 1984, 0); /* 249 bytes without its zeros */
  for (size_t zeros = 0; zeros <= 7; zeros++) {
    assert_int_equal(schat__dh_check_public(crypto, telegram, NULL, value + zeros, SIZE - zeros, padded), 1);
    assert_memory_equal(padded, value, SIZE);
  }
  assert_int_equal(schat__dh_check_public(crypto, telegram, NULL, value + 8, SIZE - 8, padded), 0);
  memcpy(longer + 1, value, SIZE);
  assert_int_equal(schat__dh_check_public(crypto, telegram, NULL, longer, SIZE + 1, padded), 1);
  assert_memory_equal(padded, value, SIZE);
  longer[0] = 1;
  assert_int_equal(schat__dh_check_public(crypto, telegram, NULL, longer, SIZE + 1, padded), 0);
  memset(longer, 0, sizeof longer);
  memcpy(longer + 2, value, SIZE);
  assert_int_equal(schat__dh_check_public(crypto, telegram, NULL, longer, SIZE + 2, padded), 0);
  assert_int_equal(schat__dh_check_public(crypto, telegram, NULL, NULL, 0, padded), 0);
}

/* */
static void our_own_value_sent_back_is_refused(void **state) {
  (void)state;
  uint8_t exponent[SIZE], own[SIZE], padded[SIZE];
  assert_int_equal(schat__dh_generate(crypto, telegram, 3, NULL, 0, exponent, own), SCHAT_OK);
  assert_int_equal(schat__dh_check_public(crypto, telegram, NULL, own, SIZE, padded), 1);
  assert_int_equal(schat__dh_check_public(crypto, telegram, own, own, SIZE, padded), 0);
  uint8_t other_own[SIZE];
  memcpy(other_own, own, SIZE);
  other_own[SIZE - 1] ^= 1;
  assert_int_equal(schat__dh_check_public(crypto, telegram, other_own, own, SIZE, padded), 1);
}

/* R-DH-11 accept: both sides have the same key, over either prime, in turn. */
static void both_sides_compute_the_same_key(void **state) {
  (void)state;
  for (int round = 0; round < 4; round++) {
    const uint8_t *p = round % 2 == 0 ? telegram : group14;
    uint8_t a[SIZE], b[SIZE], g_a[SIZE], g_b[SIZE], first[SIZE], second[SIZE];
    assert_int_equal(schat__dh_generate(crypto, p, 3, NULL, 0, a, g_a), SCHAT_OK);
    assert_int_equal(schat__dh_generate(crypto, p, 3, NULL, 0, b, g_b), SCHAT_OK);
    assert_memory_not_equal(a, b, SIZE);
    assert_int_equal(schat__dh_key(crypto, p, g_b, a, first), SCHAT_OK);
    assert_int_equal(schat__dh_key(crypto, p, g_a, b, second), SCHAT_OK);
    assert_memory_equal(first, second, SIZE);
    b[SIZE - 1] ^= 1; /* R-DH-11 reject */
    assert_int_equal(schat__dh_key(crypto, p, g_a, b, second), SCHAT_OK);
    assert_memory_not_equal(first, second, SIZE);
  }
}

/* R-DH-11: powers of two whose results have 255, 254, 248 and 1 byte. */
static void a_short_key_is_padded_with_zeros(void **state) {
  (void)state;
  const int powers[] = {2039, 2031, 1983, 7, 0};
  uint8_t base[SIZE], exponent[SIZE], expected[SIZE], key[SIZE];
  set_number(base, 2, 0, 0);
  for (size_t i = 0; i < 5; i++) {
    set_number(exponent, 0, 0, powers[i]);
    set_number(expected, 1, (unsigned)powers[i], 0);
    memset(key, 0xee, sizeof key);
    assert_int_equal(schat__dh_key(crypto, telegram, base, exponent, key), SCHAT_OK);
    assert_memory_equal(key, expected, SIZE);
  }
  telegram[SIZE - 1] ^= 1; /* an even modulus has no key */
  memset(key, 0xee, sizeof key);
  assert_int_equal(schat__dh_key(crypto, telegram, base, exponent, key), SCHAT_E_INVALID);
  telegram[SIZE - 1] ^= 1;
  assert_int_equal(key[0], 0xee);
}

/* A source that gives each row in turn, then the last again; a row of zero calls fails. */
typedef struct {
  const uint8_t *rows;
  size_t count, calls;
  size_t fails_at;
} source;

static int take_row(void *user_data, uint8_t *out, size_t size) {
  source *s = user_data;
  size_t row = s->calls < s->count ? s->calls : s->count - 1;
  s->calls++;
  if (s->calls == s->fails_at) {
    memset(out, 0x5a, size / 2);
    return -1;
  }
  memcpy(out, s->rows + row * SIZE, size < SIZE ? size : SIZE);
  return 0;
}

static int generate_from(source *s, const uint8_t *server, size_t server_size, uint8_t exponent[SIZE], uint8_t value[SIZE]) {
  schat__crypto *own = NULL;
  assert_int_equal(schat__crypto_new(NULL, take_row, s, &own), SCHAT_OK);
  int status = schat__dh_generate(own, telegram, 3, server, server_size, exponent, value);
  schat__crypto_free(own);
  return status;
}

/* What schat__dh_accept gives from a source, and what the two single steps give from the same. */
static void accept_and_compare(const source *from, const uint8_t p[SIZE], int32_t g, const uint8_t peer[SIZE], const uint8_t *server, size_t server_size) {
  uint8_t exponent[SIZE], value[SIZE], key[SIZE], expected_value[SIZE], expected[SIZE];
  schat__crypto *one = NULL, *other = NULL;
  source s = *from, t = *from;
  memset(value, 0xee, SIZE);
  memset(key, 0xee, SIZE);
  assert_int_equal(schat__crypto_new(NULL, take_row, &s, &one), SCHAT_OK);
  assert_int_equal(schat__crypto_new(NULL, take_row, &t, &other), SCHAT_OK);
  int status = schat__dh_generate(one, p, g, server, server_size, exponent, expected_value);
  assert_int_equal(schat__dh_accept(other, p, g, peer, server, server_size, value, key), status);
  assert_int_equal(s.calls, t.calls);
  if (status == SCHAT_OK) {
    assert_int_equal(schat__dh_key(one, p, peer, exponent, expected), SCHAT_OK);
    assert_memory_equal(value, expected_value, SIZE);
    assert_memory_equal(key, expected, SIZE);
  } else {
    for (size_t i = 0; i < SIZE; i++) assert_int_equal(value[i] & key[i], 0xee);
  }
  schat__crypto_free(one);
  schat__crypto_free(other);
}

/* R-DH-09, R-DH-11: the acceptor's step gives what its two halves give, in every group: also where the modulus plus g has 2,049 bits. */
static void accepting_is_generating_and_making_the_key(void **state) {
  (void)state;
  uint8_t all_ones[SIZE], rows[SIZE], server[SIZE], peer[SIZE];
  memset(all_ones, 0xff, SIZE);
  const uint8_t *moduli[] = {telegram, group14, all_ones};
  for (size_t i = 0; i < SIZE; i++) server[i] = (uint8_t)(i * 7 + 3);
  for (unsigned n = 0; n < 18; n++) {
    const uint8_t *p = moduli[n % 3];
    source s = {rows, 1, 0, 0};
    for (size_t i = 0; i < SIZE; i++) rows[i] = (uint8_t)(i * (2 * n + 1) + n + 17);
    for (size_t i = 0; i < SIZE; i++) peer[i] = (uint8_t)(i * 5 + n + 1);
    if (n == 7) memset(peer, 0, SIZE - 1); /* a value of one word */
    if (n == 8) memset(peer, 0xff, SIZE);  /* one that is no smaller than the modulus */
    accept_and_compare(&s, p, (int32_t)(n % 6) + 2, peer, n % 2 ? server : NULL, n % 2 ? SIZE : 0);
  }
}

/* R-DH-08, X-05, R-DH-09 reject: drawn again, and given up, as schat__dh_generate does; then nothing is written. */
static void accepting_draws_again_for_the_same_reasons(void **state) {
  (void)state;
  uint8_t rows[3][SIZE], peer[SIZE], value[SIZE], key[SIZE];
  memset(peer, 0x33, SIZE);
  memcpy(rows[0], telegram, SIZE); /* g^p = g */
  memset(rows[1], 0x42, SIZE);
  rows[1][0] = 0;
  memset(rows[2], 0x24, SIZE);
  for (size_t fails_at = 0; fails_at <= 3; fails_at++) {
    source s = {&rows[0][0], 3, 0, fails_at};
    accept_and_compare(&s, telegram, 3, peer, NULL, 0);
  }
  for (size_t stuck = 0; stuck < 2; stuck++) {
    source s = {&rows[stuck][0], 1, 0, 0};
    accept_and_compare(&s, telegram, 3, peer, NULL, 0);
  }
  memset(value, 0xee, SIZE);
  const int32_t bad[] = {1, 8, -3};
  for (size_t i = 0; i < 3; i++) assert_int_equal(schat__dh_accept(crypto, telegram, bad[i], peer, NULL, 0, value, key), SCHAT_E_INVALID);
  telegram[SIZE - 1] ^= 1; /* Montgomery's method needs an odd modulus */
  assert_int_equal(schat__dh_accept(crypto, telegram, 3, peer, NULL, 0, value, key), SCHAT_E_INVALID);
  telegram[SIZE - 1] ^= 1;
  assert_int_equal(value[0], 0xee);
}

/* R-DH-09, R-DH-10, D-15: exponent = local XOR server; the server's bytes alone are never it. */
static void server_bytes_are_mixed_in_and_replace_nothing(void **state) {
  (void)state;
  uint8_t local[SIZE], server[SIZE], exponent[SIZE], value[SIZE], seen[4][SIZE];
  const int fills[] = {0x00, 0xff, 0x5a, 0x5a};
  for (size_t i = 0; i < SIZE; i++) local[i] = (uint8_t)(i * 11 + 1);
  for (size_t n = 0; n < 4; n++) {
    source s = {local, 1, 0, 0};
    memset(server, fills[n], SIZE);
    assert_int_equal(generate_from(&s, server, SIZE, exponent, value), SCHAT_OK);
    for (size_t i = 0; i < SIZE; i++) assert_int_equal(exponent[i], local[i] ^ fills[n]);
    assert_memory_not_equal(exponent, server, SIZE);
    memcpy(seen[n], exponent, SIZE);
  }
  assert_memory_not_equal(seen[0], seen[1], SIZE);
  const size_t odd_sizes[] = {0, 1, 255, 257};
  for (size_t n = 0; n < 4; n++) { /* server bytes of another size are left out */
    source s = {local, 1, 0, 0};
    uint8_t many[257] = {1};
    assert_int_equal(generate_from(&s, many, odd_sizes[n], exponent, value), SCHAT_OK);
    assert_memory_equal(exponent, local, SIZE);
  }
  for (int n = 0; n < 4; n++) { /* R-DH-10: replayed server bytes with the real source */
    assert_int_equal(schat__dh_generate(crypto, telegram, 3, server, SIZE, seen[n], value), SCHAT_OK);
    for (int m = 0; m < n; m++) assert_memory_not_equal(seen[n], seen[m], SIZE);
  }
}

/* R-DH-08: an exponent whose value is out of range is drawn again; a source that knows no other is broken. */
static void an_exponent_with_a_bad_value_is_drawn_again(void **state) {
  (void)state;
  uint8_t rows[2][SIZE] = {{0}, {0}}, exponent[SIZE], value[SIZE], expected[SIZE], base[SIZE];
  set_number(base, 3, 0, 0);
  memcpy(rows[0], telegram, SIZE); /* g^p = g = 3 */
  memset(rows[1], 0x42, SIZE);
  source s = {&rows[0][0], 2, 0, 0};
  assert_int_equal(generate_from(&s, NULL, 0, exponent, value), SCHAT_OK);
  assert_int_equal(s.calls, 2);
  assert_memory_equal(exponent, rows[1], SIZE);
  assert_int_equal(schat__dh_key(crypto, telegram, base, exponent, expected), SCHAT_OK);
  assert_memory_equal(value, expected, SIZE);
  source stuck = {&rows[0][0], 1, 0, 0};
  memset(exponent, 0xee, SIZE);
  assert_int_equal(generate_from(&stuck, NULL, 0, exponent, value), SCHAT_E_RANDOM);
  assert_int_equal(stuck.calls, 8); /* one good value is missed once in 2^8 draws: this source is broken */
  assert_int_equal(exponent[0], 0xee);
}

/* a time that tells of leading zero bytes has nothing to tell. */
static void an_exponent_with_a_leading_zero_byte_is_drawn_again(void **state) {
  (void)state;
  uint8_t rows[2][SIZE], exponent[SIZE], value[SIZE], server[SIZE];
  memset(rows[0], 0x42, SIZE);
  memset(rows[1], 0x24, SIZE);
  memset(server, 0x42, SIZE);
  rows[0][0] = 0;
  source s = {&rows[0][0], 2, 0, 0};
  assert_int_equal(generate_from(&s, NULL, 0, exponent, value), SCHAT_OK);
  assert_int_equal(s.calls, 2);
  assert_memory_equal(exponent, rows[1], SIZE);
  rows[0][0] = 0x42; /* what counts is the byte after the server's was mixed in */
  source mixed = {&rows[0][0], 2, 0, 0};
  assert_int_equal(generate_from(&mixed, server, SIZE, exponent, value), SCHAT_OK);
  assert_int_equal(mixed.calls, 2);
  assert_int_equal(exponent[0], 0x24 ^ 0x42);
}

/* R-DH-09 reject: a failing source at any call; no exponent is half filled. */
static void a_failing_source_gives_no_exponent(void **state) {
  (void)state;
  uint8_t rows[2][SIZE] = {{0}, {0}}, exponent[SIZE], value[SIZE];
  memcpy(rows[0], telegram, SIZE);
  memset(rows[1], 0x42, SIZE);
  for (size_t at = 1; at <= 2; at++) {
    source s = {&rows[0][0], 2, 0, at};
    memset(exponent, 0xee, SIZE);
    memset(value, 0xee, SIZE);
    assert_int_equal(generate_from(&s, NULL, 0, exponent, value), SCHAT_E_RANDOM);
    for (size_t i = 0; i < SIZE; i++) assert_int_equal(exponent[i] & value[i], 0xee);
  }
  assert_int_equal(schat__dh_generate(crypto, telegram, 8, NULL, 0, exponent, value), SCHAT_E_INVALID);
  assert_int_equal(schat__dh_generate(crypto, telegram, 1, NULL, 0, exponent, value), SCHAT_E_INVALID);
  assert_int_equal(schat__dh_generate(crypto, telegram, -3, NULL, 0, exponent, value), SCHAT_E_INVALID);
}

/* R-DH-12 accept: key 00..FF; reject: any other key. */
static void the_fingerprint_is_the_tail_of_sha1(void **state) {
  (void)state;
  uint8_t key[SIZE];
  int64_t fingerprint = 0, other = 0;
  for (size_t i = 0; i < SIZE; i++) key[i] = (uint8_t)i;
  assert_int_equal(schat__key_fingerprint(crypto, key, &fingerprint), SCHAT_OK);
  assert_true(fingerprint == -3972359982579920590);
  key[0] ^= 1;
  assert_int_equal(schat__key_fingerprint(crypto, key, &other), SCHAT_OK);
  assert_true(fingerprint != other);
}

/* whichever allocation inside libcrypto fails, the answer is a failure or the right one, never a wrong verdict. */
static void no_memory_is_a_failure_and_no_verdict(void **state) {
  (void)state;
  uint8_t base[SIZE], exponent[SIZE], expected[SIZE], key[SIZE], padded[SIZE];
  set_number(base, 3, 0, 0);
  memset(exponent, 0x42, SIZE);
  assert_int_equal(schat__dh_key(crypto, telegram, base, exponent, expected), SCHAT_OK);
  int failed = 1;
  for (long n = 0; failed; n++) {
    assert_true(n < 2000);
    memset(crypto->dh.mont_p, 0, SIZE); /* so that the modulus is prepared each time */
    memset(key, 0xee, SIZE);
    openssl_fail_after(n);
    int status = schat__dh_key(crypto, telegram, base, exponent, key);
    failed = openssl_failed;
    openssl_recover();
    assert_true(status == SCHAT_OK || (failed && status == SCHAT_E_CRYPTO));
    if (status == SCHAT_OK) assert_memory_equal(key, expected, SIZE);
    if (status != SCHAT_OK) assert_int_equal(key[0], 0xee);
    openssl_fail_after(n);
    int verdict = schat__dh_check_public(crypto, telegram, NULL, expected, SIZE, padded);
    assert_true(verdict == 1 || (openssl_failed && verdict == SCHAT_E_CRYPTO));
    openssl_recover();
  }
}

/* the same of the acceptor's step. */
static void no_memory_to_accept_is_a_failure_or_the_same_key(void **state) {
  (void)state;
  uint8_t row[SIZE], peer[SIZE], value[SIZE], key[SIZE], expected[SIZE];
  source s = {row, 1, 0, 0};
  schat__crypto *own = NULL;
  memset(row, 0x42, SIZE);
  memset(peer, 0x33, SIZE);
  assert_int_equal(schat__crypto_new(NULL, take_row, &s, &own), SCHAT_OK);
  assert_int_equal(schat__dh_key(own, telegram, peer, row, expected), SCHAT_OK);
  int failed = 1;
  for (long n = 0; failed; n++) {
    assert_true(n < 2000);
    memset(own->dh.mont_p, 0, SIZE);
    memset(value, 0xee, SIZE);
    memset(key, 0xee, SIZE);
    openssl_fail_after(n);
    int status = schat__dh_accept(own, telegram, 3, peer, NULL, 0, value, key);
    failed = openssl_failed;
    openssl_recover();
    assert_true(status == SCHAT_OK || (failed && status == SCHAT_E_CRYPTO));
    if (status == SCHAT_OK) assert_memory_equal(key, expected, SIZE);
    if (status != SCHAT_OK) assert_int_equal(key[0] & value[0], 0xee);
  }
  schat__crypto_free(own);
}

/* the same of the long test, on a number that has to be tested. */
static void no_memory_for_the_long_test_is_no_verdict(void **state) {
  (void)state;
  uint8_t p[SIZE];
  int failed = 1;
  from_hex(product, p);
  for (long n = 0; failed; n++) {
    assert_true(n < 2000);
    openssl_fail_after(n);
    int verdict = schat__dh_check_config(crypto, p, 4);
    failed = openssl_failed;
    openssl_recover();
    assert_true(verdict == 0 || (failed && verdict == SCHAT_E_CRYPTO));
    assert_true(n > 0 || verdict == SCHAT_E_CRYPTO);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_known_prime_goes_with_three_generators),
      cmocka_unit_test(another_safe_prime_is_proven_and_remembered),
      cmocka_unit_test(what_is_no_safe_prime_of_2048_bits_is_refused),
      cmocka_unit_test(the_unsafe_prime_is_prime),
      cmocka_unit_test(each_generator_needs_its_residue_class),
      cmocka_unit_test(degenerate_values_are_refused),
      cmocka_unit_test(the_range_ends_at_two_to_the_1984th_from_both_sides),
      cmocka_unit_test(a_non_residue_is_refused),
      cmocka_unit_test(a_value_may_be_short_or_have_a_sign_byte),
      cmocka_unit_test(our_own_value_sent_back_is_refused),
      cmocka_unit_test(both_sides_compute_the_same_key),
      cmocka_unit_test(a_short_key_is_padded_with_zeros),
      cmocka_unit_test(accepting_is_generating_and_making_the_key),
      cmocka_unit_test(accepting_draws_again_for_the_same_reasons),
      cmocka_unit_test(server_bytes_are_mixed_in_and_replace_nothing),
      cmocka_unit_test(an_exponent_with_a_bad_value_is_drawn_again),
      cmocka_unit_test(an_exponent_with_a_leading_zero_byte_is_drawn_again),
      cmocka_unit_test(a_failing_source_gives_no_exponent),
      cmocka_unit_test(the_fingerprint_is_the_tail_of_sha1),
      cmocka_unit_test(no_memory_is_a_failure_and_no_verdict),
      cmocka_unit_test(no_memory_to_accept_is_a_failure_or_the_same_key),
      cmocka_unit_test(no_memory_for_the_long_test_is_no_verdict),
  };
  if (!openssl_install()) return 99;
  return cmocka_run_group_tests_name("dh", tests, prepare, finish);
}
