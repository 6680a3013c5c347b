/* SPDX-License-Identifier: BSL-1.0
 * negative_dh.c - what a server and a peer may bring to a key exchange (R-DH-02..08, X-06, X-07, D-14). */
#include "run_vectors.h"

/* Verdict on (p, g), asked twice when it is good: what is remembered of a prime must not change it (R-DH-06). */
static int config_verdict(run *r, const json_t *c, int *verdict) {
  schat_bytes raw = {NULL, 0};
  int32_t g = 0;
  if (!hex_field(r, c, "p", &raw) || !int_field(c, "g", &g)) return 0;
  const uint8_t *p = number_field(r, c, "p");
  *verdict = p == NULL ? 0 : schat__dh_check_config(r->crypto, p, g);
  return *verdict != 1 || schat__dh_check_config(r->crypto, p, g) == 1;
}

static int value_verdict(run *r, const json_t *c, int *verdict) {
  const uint8_t *p = fixed_field(r, c, "p", SCHAT__DH_SIZE), *own = fixed_field(r, c, "own", SCHAT__DH_SIZE);
  schat_bytes value = {NULL, 0};
  uint8_t padded[SCHAT__DH_SIZE];
  if (p == NULL || own == NULL || !hex_field(r, c, "value", &value)) return 0;
  memset(padded, FILL, sizeof padded);
  *verdict = schat__dh_check_public(r->crypto, p, own, value.data, value.size, padded);
  if (*verdict != 1) return is_filled(padded, sizeof padded, FILL);
  const uint8_t *number = number_field(r, c, "value");
  return number != NULL && same(padded, number, sizeof padded);
}

int case_negative_dh(run *r, const json_t *c) {
  const char *kind = text_field(c, "kind"), *word = text_field(c, "verdict");
  const int good = strcmp(word, "accept") == 0;
  int verdict = -1;
  REQUIRE(good || strcmp(word, "refuse") == 0, "a verdict that is not known");
  if (strcmp(kind, "config") == 0) {
    REQUIRE(config_verdict(r, c, &verdict), "a field is missing, or the second verdict differs from the first");
  } else {
    REQUIRE(strcmp(kind, "value") == 0, "a kind that is not known");
    REQUIRE(value_verdict(r, c, &verdict), "a field is missing, or a refused value was written down");
  }
  REQUIRE(verdict == good, good ? "it is refused" : "it is accepted");
  return 1;
}
