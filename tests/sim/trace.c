/* SPDX-License-Identifier: BSL-1.0
 * trace.c - chance, the digest of all that happens (I9), what is printed of it, and the first thing that went wrong. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "sim.h"

uint64_t dice_next(dice *d) {
  uint64_t z = d->state += UINT64_C(0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  return z ^ (z >> 31);
}

dice sim_dice(const sim *s, uint64_t purpose) {
  dice d = {s->options.seed};
  d.state = dice_next(&d) ^ (uint64_t)s->step * UINT64_C(0xd1342543de82ef95);
  d.state = dice_next(&d) ^ purpose * UINT64_C(0x2545f4914f6cdd1d);
  return d;
}

uint64_t sim_hash(const void *data, size_t size, uint64_t seed) {
  const uint8_t *p = data;
  uint64_t h = seed ^ size * UINT64_C(0x9e3779b97f4a7c15), v;
  for (; size >= 8; size -= 8, p += 8) {
    memcpy(&v, p, 8);
    h = (h ^ v) * UINT64_C(0xff51afd7ed558ccd);
    h ^= h >> 32;
  }
  for (; size > 0; size--) h = (h ^ *p++) * UINT64_C(0x100000001b3);
  return h ^ (h >> 29);
}

void sim_note(sim *s, uint64_t a, uint64_t b) {
  uint64_t h = s->result->digest;
  h = (h ^ a) * UINT64_C(0xff51afd7ed558ccd);
  h = (h ^ (h >> 32) ^ b) * UINT64_C(0xc4ceb9fe1a85ec53);
  s->result->digest = h ^ (h >> 29);
  s->result->events++;
  if (sim_plants(s, SIM_PLANT_DICE)) {
    static uint64_t outside;
    s->result->digest += ++outside;
  }
}

void sim_trace(sim *s, const char *format, ...) {
  va_list list;
  if (!s->options.trace) return;
  printf("%4d %10.3f  ", s->step, (double)(s->now - SIM_START) / 1000);
  va_start(list, format);
  vprintf(format, list);
  va_end(list);
  putchar('\n');
}

void sim_fail(sim *s, const char *invariant, const char *format, ...) {
  va_list list;
  char text[200];
  if (s->result->failed) return;
  va_start(list, format);
  (void)vsnprintf(text, sizeof text, format, list);
  va_end(list);
  s->result->failed = 1;
  (void)snprintf(s->result->what, sizeof s->result->what, "%s at step %d: %s", invariant, s->step, text);
  sim_trace(s, "VIOLATION %s", s->result->what);
}
