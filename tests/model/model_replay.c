/* SPDX-License-Identifier: BSL-1.0
 * model_replay.c - steps of the model (rules.h) carried out by the model and by two accounts of the library side by side; after each all that the model
 * holds of either side is compared with what the library holds.
 *
 *   model_replay [-DMESSAGES=n ...] < trail        a trail as Spin writes it: lines such as "deliver 0 3"; bounds as for the search
 *   model_replay --skip N [-D...] < trail          the library leaves out step N, so that both must part
 *   model_replay --walks N --seed S [-D...]        N trails drawn from a seed: any step that the model allows, until it allows none
 *
 * The last line says how many steps agreed. Exit 0: all of them; 1: both part, which is told; 2: the model does not allow a step, and all before it
 * agree; 3: the step left out changes nothing that is compared. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pair.h"

static const char *const bound_names[] = {"MESSAGES", "REKEYS", "LOSSES", "COPIES", "CRASHES", "ANSWERS", "OVERTAKES", "SAME_IDS", "EAGER"};
#define BOUNDS (sizeof bound_names / sizeof *bound_names)

typedef struct {
  const char *name;
  int numbers; /* that follow the name */
} step_name;
static const step_name step_names[STEP_KINDS] = {
    [STEP_SEND] = {"send", 2},       [STEP_UNANSWERED] = {"unanswered", 2},
    [STEP_DELIVER] = {"deliver", 2}, [STEP_LOSE] = {"lose", 2},
    [STEP_COPY] = {"copy", 2},       [STEP_SAY] = {"say", 1},
    [STEP_REKEY] = {"rekey", 2},     [STEP_CRASH] = {"crash", 1},
    [STEP_PASS] = {"pass", 0},
};

/* "-DLOSSES=1", "-DEAGER"; 0: no such bound. */
static int set_bound(const char *word) {
  const char *equals = strchr(word, '=');
  size_t length = equals == NULL ? strlen(word) : (size_t)(equals - word);
  for (size_t i = 0; i < BOUNDS; i++) {
    if (length != strlen(bound_names[i]) + 2 || strncmp(word + 2, bound_names[i], length - 2) != 0) continue;
    bounds.of[i] = equals == NULL ? 1 : (uint8_t)strtoul(equals + 1, NULL, 10);
    return 1;
  }
  return 0;
}

static int read_step(const char *line, pair_move *s) {
  char name[16] = "";
  memset(s, 0, sizeof *s);
  int read = sscanf(line, " %15s %u %u", name, &s->side, &s->raw);
  for (int kind = 0; kind < STEP_KINDS; kind++) {
    if (read != 1 + step_names[kind].numbers || strcmp(name, step_names[kind].name) != 0) continue;
    s->kind = (step_kind)kind;
    return s->side < 2 && s->raw < NUMBERS_OF_A_SIDE;
  }
  return 0;
}

static int part(const pair_move *s, unsigned at, const char *what) {
  printf("step %u (%s %u %u): %s\n", at, step_names[s->kind].name, s->side, s->raw, what);
  return 1;
}

/* Every line that is a step; others are Spin's. */
static int replay(unsigned skipped) {
  char line[256];
  unsigned at = 0;
  pair *p = pair_new(1);
  const char *wrong = pair_compare(p);
  pair_move s = {STEP_PASS, 0, 0};
  while (wrong == NULL && fgets(line, sizeof line, stdin) != NULL) {
    if (!read_step(line, &s)) continue;
    at++;
    if (!pair_may(p, &s)) {
      printf("step %u (%s) is not allowed by the model\n", at, step_names[s.kind].name);
      pair_free(p);
      return 2;
    }
    wrong = pair_step(p, &s, at == skipped);
    if (at == skipped && !pair_has_changed(p)) {
      pair_free(p);
      return 3;
    }
  }
  int status = wrong != NULL ? part(&s, at, wrong) : 0;
  pair_free(p);
  if (status == 0) printf("%u steps agree\n", at);
  return status != 0 ? status : at == 0 ? 2 : 0;
}

/* Walks --------------------------------------------------------------------------------------------------------------------------- */

static uint64_t draw(uint64_t *state) {
  uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  return z ^ (z >> 31);
}

/* One of all steps that the model allows, each as likely as any other; 0: none. */
static int choose(const pair *p, uint64_t *state, pair_move *chosen) {
  uint64_t n = 0;
  for (int kind = 0; kind < STEP_KINDS; kind++) {
    for (unsigned side = 0; side < 2; side++) {
      for (unsigned raw = 0; raw < NUMBERS_OF_A_SIDE; raw++) {
        pair_move s = {(step_kind)kind, side, raw};
        if ((step_names[kind].numbers < 2 && raw > 0) || (step_names[kind].numbers < 1 && side > 0)) continue;
        if (pair_may(p, &s) && draw(state) % ++n == 0) *chosen = s;
      }
    }
  }
  return n > 0;
}

static int walk(uint64_t seed, int told, uint64_t *steps) {
  uint64_t state = seed;
  unsigned at = 0;
  pair *p = pair_new(seed);
  const char *wrong = pair_compare(p);
  pair_move s = {STEP_PASS, 0, 0};
  while (wrong == NULL && !pair_is_over(p) && choose(p, &state, &s)) {
    at++;
    if (told) printf("%s %u %u\n", step_names[s.kind].name, s.side, s.raw);
    wrong = pair_step(p, &s, 0);
  }
  *steps += at;
  int status = wrong != NULL ? part(&s, at, wrong) : 0;
  pair_free(p);
  return status;
}

static int walks(uint64_t seed, uint64_t count) {
  uint64_t steps = 0;
  for (uint64_t i = 0; i < count; i++) {
    if (walk(seed + i, count == 1, &steps) == 0) continue;
    printf("walk of the seed %" PRIu64 "\n", seed + i);
    return 1;
  }
  printf("%" PRIu64 " steps agree, %" PRIu64 " walks\n", steps, count);
  return 0;
}

int main(int argc, char **argv) {
  uint64_t count = 0, seed = 1;
  unsigned skipped = 0;
  bounds.of[6] = 255; /* OVERTAKES */
  for (int i = 1; i < argc; i++) {
    const char *value = i + 1 < argc ? argv[i + 1] : "";
    if (strncmp(argv[i], "-D", 2) == 0 && set_bound(argv[i])) continue;
    if (strcmp(argv[i], "--walks") == 0)
      count = strtoull(value, NULL, 10);
    else if (strcmp(argv[i], "--seed") == 0)
      seed = strtoull(value, NULL, 10);
    else if (strcmp(argv[i], "--skip") == 0)
      skipped = (unsigned)strtoul(value, NULL, 10);
    else {
      fprintf(stderr, "model_replay: %s?\n", argv[i]);
      return 2;
    }
    i++;
  }
  return count > 0 ? walks(seed, count) : replay(skipped);
}
