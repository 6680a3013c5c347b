/* SPDX-License-Identifier: BSL-1.0
 * boundaries.c - every number of the protocol's rules at -1, 0 and +1, by tables, counted (G2).
 *
 * Usage: boundaries [--shift N]. --shift moves every boundary by N steps, so that all must be found wrong: the program's own test. Ends with 1
 * when an answer is not the expected one. */
#include "boundaries.h"

#include <inttypes.h>

static rule_count *count_of(book *b, const char *rule) {
  for (size_t i = 0; i < b->rule_count; i++) {
    if (strcmp(b->rules[i].name, rule) == 0) return &b->rules[i];
  }
  if (b->rule_count == RULES) abort();
  b->rules[b->rule_count].name = rule;
  return &b->rules[b->rule_count++];
}

void judged(book *b, const char *rule, const char *what, int64_t value, int64_t expected, int64_t got) {
  rule_count *r = count_of(b, rule);
  r->cases++;
  if (got == expected) return;
  if (r->wrong++ < 5 && b->shift == 0) {
    printf("%s: %s %" PRId64 ": %" PRId64 " instead of %" PRId64 "\n", rule, what, value, got, expected);
  }
}

int64_t edge(const book *b, int64_t number, int64_t step) {
  return number + b->shift * step;
}

int main(int argc, char **argv) {
  book b;
  uint64_t cases = 0, wrong = 0, rules_wrong = 0;
  memset(&b, 0, sizeof b);
  if (argc > 2 && strcmp(argv[1], "--shift") == 0) b.shift = strtoll(argv[2], NULL, 10);
  if (schat__crypto_new(NULL, NULL, NULL, &b.crypto) != SCHAT_OK) return 2;
  try_envelopes(&b);
  try_values(&b);
  try_strings(&b);
  try_chats(&b);
  try_keys(&b);
  schat__crypto_free(b.crypto);
  for (size_t i = 0; i < b.rule_count; i++) {
    printf("%-10s %5" PRIu64 " cases, %" PRIu64 " wrong\n", b.rules[i].name, b.rules[i].cases, b.rules[i].wrong);
    cases += b.rules[i].cases;
    wrong += b.rules[i].wrong;
    rules_wrong += b.rules[i].wrong > 0;
  }
  printf("figure boundaries: %" PRIu64 " cases of %zu rules, %" PRIu64 " wrong\n", cases, b.rule_count, wrong);
  if (b.shift != 0) printf("shifted: %" PRIu64 " of %zu rules notice\n", rules_wrong, b.rule_count);
  return wrong == 0 && cases >= 1500 ? 0 : 1;
}
