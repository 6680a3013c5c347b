/* SPDX-License-Identifier: BSL-1.0
 * dh_values.c - target: public values of peers and configurations of servers (R-DH-02..08, X-06, X-07, D-14).
 *
 * The verdict is compared with what arithmetic says. For a safe prime -1 is no square, so of a value in range and its negative exactly one is
 * accepted. Input: what, then the value, or the difference of a configuration to Telegram's. */
#include <string.h>

#include "desk.h"
#include "fuzz.h"

#define SIZE SCHAT__DH_SIZE
#define HOW_CONFIG 1u    /* a configuration */
#define HOW_OTHER_P 2u   /* of another number than Telegram's prime */
#define HOW_OWN 4u       /* the value is the one that we sent ourselves */
#define HOW_NEAR_P 8u    /* the value counts down from the prime */
#define HOW_NEAR_LOW 16u /* the value counts from 2^1984 - 2^15 */
#define HOW_NEAR_TOP 32u /* the value counts down from p - 2^1984 + 2^15 */

/* a + b or a - b, of 256 bytes each, modulo 2^2048. */
static void add(const uint8_t *a, const uint8_t *b, int negative, uint8_t out[SIZE]) {
  unsigned carry = negative ? 1 : 0;
  for (size_t i = SIZE; i-- > 0;) {
    carry += (unsigned)a[i] + (negative ? 255u - b[i] : b[i]);
    out[i] = (uint8_t)carry;
    carry >>= 8;
  }
}

static void power_of_two(unsigned bit, uint8_t out[SIZE]) {
  memset(out, 0, SIZE);
  out[SIZE - 1 - bit / 8] = (uint8_t)(1u << bit % 8);
}

/* 2^1984 <= value <= p - 2^1984. */
static int in_range(const uint8_t value[SIZE]) {
  uint8_t low[SIZE], high[SIZE];
  power_of_two(1984, low);
  add(desk_prime(), low, 1, high);
  return memcmp(value, low, SIZE) >= 0 && memcmp(value, high, SIZE) <= 0;
}

static int verdict_on(schat__crypto *crypto, const uint8_t *own, const uint8_t *value, size_t size, uint8_t padded[SIZE]) {
  uint8_t before[SIZE];
  memcpy(before, padded, SIZE);
  int verdict = schat__dh_check_public(crypto, desk_prime(), own, value, size, padded);
  FUZZ_MUST(verdict == 0 || verdict == 1);
  FUZZ_MUST(verdict == 1 || memcmp(before, padded, SIZE) == 0);
  return verdict;
}

static void check_value(schat__crypto *crypto, unsigned how, const uint8_t *value, size_t size) {
  uint8_t full[SIZE] = {0}, padded[SIZE], negative[SIZE];
  memset(padded, 0x5a, sizeof padded);
  const int lawful_size = size >= 1 && (size <= SIZE || (size == SIZE + 1 && value[0] == 0));
  const size_t skipped = size == SIZE + 1 ? 1 : 0;
  if (lawful_size) memcpy(full + SIZE - (size - skipped), value + skipped, size - skipped);
  int verdict = verdict_on(crypto, (how & HOW_OWN) != 0 ? full : NULL, value, size, padded);
  if (!lawful_size || !in_range(full) || (how & HOW_OWN) != 0) {
    FUZZ_MUST(verdict == 0);
    return;
  }
  FUZZ_MUST(verdict == 0 || memcmp(padded, full, SIZE) == 0);
  add(desk_prime(), full, 1, negative);
  FUZZ_MUST(verdict + verdict_on(crypto, NULL, negative, SIZE, padded) == 1);
}

/* Values around the ends of the range. */
static void check_near(schat__crypto *crypto, unsigned how, fuzz_input *in) {
  uint8_t offset[SIZE] = {0}, base[SIZE], value[SIZE];
  const uint32_t away = fuzz_take32(in) % 0x10000u;
  offset[SIZE - 1] = (uint8_t)away;
  offset[SIZE - 2] = (uint8_t)(away >> 8);
  if ((how & HOW_NEAR_P) != 0) {
    add(desk_prime(), offset, 1, value);
  } else {
    uint8_t middle[SIZE];
    power_of_two(1984, base);
    power_of_two(15, middle);
    if ((how & HOW_NEAR_TOP) != 0) add(desk_prime(), base, 1, base);
    add(base, middle, (how & HOW_NEAR_LOW) != 0, base);
    add(base, offset, (how & HOW_NEAR_TOP) != 0, value);
  }
  check_value(crypto, how, value, SIZE);
}

/* R-DH-05, as a table of what Telegram's prime leaves: 2 (p mod 8 is 3), 3, 4, 5, 6, 7. */
static int generator_is_lawful(int32_t g) {
  unsigned by8 = 0, by3 = 0, by5 = 0, by24 = 0, by7 = 0;
  for (size_t i = 0; i < SIZE; i++) {
    by8 = (by8 * 256 + desk_prime()[i]) % 8;
    by3 = (by3 * 256 + desk_prime()[i]) % 3;
    by5 = (by5 * 256 + desk_prime()[i]) % 5;
    by24 = (by24 * 256 + desk_prime()[i]) % 24;
    by7 = (by7 * 256 + desk_prime()[i]) % 7;
  }
  return (g == 2 && by8 == 7) || (g == 3 && by3 == 2) || g == 4 || (g == 5 && (by5 == 1 || by5 == 4)) ||
         (g == 6 && (by24 == 19 || by24 == 23)) || (g == 7 && (by7 == 3 || by7 == 5 || by7 == 6));
}

/* No other safe prime will be met by chance; a test that is passed by one is the finding. */
static void check_config(schat__crypto *crypto, unsigned how, fuzz_input *in) {
  uint8_t p[SIZE];
  const int32_t g = fuzz_int(in);
  memcpy(p, desk_prime(), SIZE);
  if ((how & HOW_OTHER_P) != 0) {
    const schat_bytes difference = fuzz_rest(in, SIZE);
    for (size_t i = 0; i < difference.size; i++) p[i] ^= difference.data[i];
  }
  int verdict = schat__dh_check_config(crypto, p, g);
  FUZZ_MUST(verdict == (memcmp(p, desk_prime(), SIZE) == 0 && generator_is_lawful(g)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  fuzz_input in = {data, size};
  const unsigned how = fuzz_take8(&in);
  schat__crypto *crypto = fuzz_crypto(1);
  if ((how & HOW_CONFIG) != 0) {
    /* Most numbers cost a test of primality, of which one in sixteen is enough. */
    if ((how & HOW_OTHER_P) == 0 || fuzz_digest(data, size) % 16 == 0) check_config(crypto, how, &in);
  } else if ((how & (HOW_NEAR_P | HOW_NEAR_LOW | HOW_NEAR_TOP)) != 0) {
    check_near(crypto, how, &in);
  } else {
    const schat_bytes value = fuzz_rest(&in, SIZE + 8);
    check_value(crypto, how, value.data, value.size);
  }
  return 0;
}
